"""An archive of a made-up catalogue: its database, made or found, its users, and its settings."""

import datetime as dt
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import flask_migrate
import psycopg
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.engine import make_url

from app import create_app
from app.accounts.actions import create_token, create_user
from app.accounts.queries import find_user
from app.config import AppConfig
from app.extensions import db
from app.frames.models import Frame
from bench.catalogue import Catalogue
from bench.catalogue_rows import make_chunks
from bench.draws import BenchViewer
from bench.loading import load_postgresql, load_sqlite
from bench.made_up_store import TYPE, WAIT_FILE
from tests.services import LOOPBACK, Server, find_postgres, free_port, running

Say = Callable[[str], None]

MEMBERSHIPS = 5
#: A small machine's PostgreSQL, as an operator would set it; what is not here has its default. The load needs no fsync.
POSTGRESQL_OPTIONS = {
    "shared_buffers": "2GB",
    "effective_cache_size": "12GB",
    "work_mem": "32MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_wal_size": "8GB",
    "fsync": "off",
}


@dataclass(frozen=True)
class LoadedArchive:
    """A migrated archive with frames.

    Attributes
    ----------
    settings
        The application's, all of them.
    load_s
        What it took to load it; None: it was loaded before.
    """

    settings: Mapping[str, str]
    load_s: float | None

    @cached_property
    def app(self) -> Flask:
        return create_app(AppConfig.from_env(self.settings))

    @property
    def is_postgresql(self) -> bool:
        return self.settings["DATABASE_URL"].startswith("postgres")

    @property
    def plain_url(self) -> str:
        """The database's address as libpq reads it."""
        return make_url(self.settings["DATABASE_URL"]).set(drivername="postgresql").render_as_string(False)

    @property
    def sqlite_path(self) -> Path:
        return Path(str(make_url(self.settings["DATABASE_URL"]).database))

    def set_store_wait(self, milliseconds: int) -> None:
        """Say how long the store takes for an answer from now on."""
        Path(self.settings[WAIT_FILE]).write_text(str(milliseconds))

    def make_viewers(self) -> list[BenchViewer]:
        """Make who asks: nobody, a member of some proposals, and an operator."""
        with self.app.app_context():
            proposals = _choose_proposals()
            member = find_user("bench-member") or create_user("bench-member", secrets.token_hex(8), proposals=proposals)
            admin = find_user("bench-admin") or create_user("bench-admin", secrets.token_hex(8), is_admin=True)
            tokens = [create_token(user, "bench") for user in (member, admin)]
            own = tuple(sorted(membership.proposal_id for membership in member.memberships))
            db.session.commit()
        to_member, to_admin = (f"Authorization: Token {token}\r\n" for token in tokens)
        return [
            BenchViewer("anonymous", "", ()),
            BenchViewer(f"member of {len(own)}", to_member, own),
            BenchViewer("operator", to_admin, None),
        ]


@contextmanager
def loaded_archive(
    size: int, database: str, url: str | None, folder: Path, redis_url: str, say: Say
) -> Iterator[LoadedArchive]:
    """Find an archive of some frames, or make it.

    Parameters
    ----------
    database
        ``postgresql`` or ``sqlite``, where no address of a database is given.
    url
        A database that has been loaded, or that shall be; None: one in the folder, by a server of its own.
    folder
        Where it is kept; what an earlier run has left here is used again.
    """
    data_dir = folder / "archive"
    data_dir.mkdir(parents=True, exist_ok=True)
    with _running_database(database, url, folder) as database_url:
        settings = build_settings(database_url, redis_url, data_dir)
        archive = LoadedArchive(settings, None)
        archive.set_store_wait(0)
        load_s = _fill(archive, size, say)
        try:
            yield LoadedArchive(settings, load_s)
        finally:
            with archive.app.app_context():
                db.engine.dispose()


def build_settings(database_url: str, redis_url: str, data_dir: Path) -> dict[str, str]:
    """Return the settings of an archive in production; rates of requests are counted, and never too high."""
    limit = "1000000/second"
    return {
        "ENVIRONMENT": "production",
        "TRUSTED_HOSTS": LOOPBACK,
        "DATA_DIR": str(data_dir),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": "bench" * 8,
        "FILESTORE_TYPE": TYPE,
        WAIT_FILE: str(data_dir / "store_wait_ms"),
        "RATE_LIMIT_ANONYMOUS": limit,
        "RATE_LIMIT_USER": limit,
    }


def _fill(archive: LoadedArchive, size: int, say: Say) -> float | None:
    """Migrate a database, and load it where it is empty."""
    with archive.app.app_context():
        if archive.is_postgresql:
            db.session.execute(text("CREATE EXTENSION IF NOT EXISTS postgis"))
            db.session.commit()
        flask_migrate.upgrade()
        newest = db.session.scalar(select(func.max(Frame.id)))
        db.session.remove()
    if newest:
        say(f"The archive has {newest:,} frames already.")
        return None
    begin_s = time.monotonic()
    catalogue = Catalogue(size, dt.datetime.now(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0))
    say(f"a catalogue of {catalogue.size:,} frames: {time.monotonic() - begin_s:.0f} s")
    if archive.is_postgresql:
        load_postgresql(archive.plain_url, make_chunks(catalogue), say)
    else:
        load_sqlite(archive.sqlite_path, make_chunks(catalogue), say)
    return time.monotonic() - begin_s


def _choose_proposals() -> list[str]:
    """Return proposals of middling size."""
    newest = db.session.scalar(select(func.max(Frame.id))) or 0
    recent = select(Frame.proposal_id).where(Frame.id > newest - 20_000, Frame.request_id.is_not(None))
    counted = select(recent.subquery().c.proposal_id, func.count().label("frames")).group_by("proposal_id")
    ordered = [proposal for proposal, _ in db.session.execute(counted.order_by(text("frames DESC"), "proposal_id"))]
    return ordered[10 : 10 + MEMBERSHIPS] if len(ordered) > 2 * MEMBERSHIPS + 10 else ordered[:MEMBERSHIPS]


@contextmanager
def _running_database(database: str, url: str | None, folder: Path) -> Iterator[str]:
    if url:
        yield url
    elif database == "sqlite":
        yield f"sqlite:///{folder / 'archive.db'}"
    else:
        with _running_postgresql(folder / "postgresql") as made:
            yield made


@contextmanager
def _running_postgresql(folder: Path) -> Iterator[str]:
    """Run a server whose data stay in a folder."""
    user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    programs, data, port = find_postgres(), folder / "data", free_port()
    folder.mkdir(exist_ok=True)
    if user:  # PostgreSQL refuses to run as root
        shutil.chown(folder, "postgres", "postgres")
        folder.parent.chmod(folder.parent.stat().st_mode | 0o011)  # so that it may pass through
    if not data.exists():
        initdb = [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale", "C", "-N"]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd=folder, **user)
    options = [part for name, value in POSTGRESQL_OPTIONS.items() for part in ("-c", f"{name}={value}")]
    command = [programs / "postgres", "-D", data, "-h", LOOPBACK, "-p", str(port), "-k", folder, *options]
    url = f"postgresql://postgres@{LOOPBACK}:{port}/postgres"
    server = Server(command, folder / "log", lambda: psycopg.connect(url).close(), psycopg.OperationalError, **user)
    with running(server):
        yield url
