"""What is left after a night: the archive's rows, the files in its store, and what its pipelines were told."""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pika
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app import create_app
from app.config import AppConfig
from app.events.models import OwedEvent
from app.extensions import Model, db
from app.frames.models import Frame, RelatedFrame, Thumbnail, Version
from app.ingest.models import IngestAttempt, IngestJob, JobState
from tests.faults.site import BUCKET, LISTENER, LOCAL_STORE, Site, connect_to_s3

Place = tuple[str, str]  # a path in the store, and the store's name of a version there
BUSY_PATIENCE_S, BUSY_POLL_S = 3.0, 0.005
UPLOADS = "uploads"  # below DATA_DIR


@dataclass(frozen=True)
class VersionRow:
    """A version as the database has it."""

    basename: str
    md5: str
    place: Place


@dataclass(frozen=True)
class Evidence:
    """Everything that can be known of an archive from outside."""

    versions: list[VersionRow]  # in the order of their ids
    thumbnails: dict[Place, str]  # md5 by place
    basenames: list[str]
    relations: set[tuple[str, str]]  # basenames: who names whom
    jobs: list[IngestJob]
    attempts: Counter[str]  # by outcome
    stored: Mapping[Place, str]  # md5 of every file in the store; a half-written one is among them
    uploads: list[Path]  # what lies in the upload folder
    told: list[str]  # md5 of the version of each message, in the order of arrival

    @property
    def archived(self) -> set[str]:
        """The md5 of every version."""
        return {version.md5 for version in self.versions}


def gather(site: Site) -> Evidence:
    with opened_database(site) as session:
        names = dict(session.execute(select(Frame.id, Frame.basename)).all())
        versions = session.scalars(select(Version).order_by(Version.id)).all()
        relations = session.execute(select(RelatedFrame.frame_id, RelatedFrame.related_id)).all()
        return Evidence(
            versions=[VersionRow(names[row.frame_id], row.md5, (row.store_path, row.key)) for row in versions],
            thumbnails={(row.store_path, row.key): row.md5 for row in session.scalars(select(Thumbnail))},
            basenames=list(names.values()),
            relations={(names[frame_id], names[related_id]) for frame_id, related_id in relations},
            jobs=list(session.scalars(select(IngestJob))),
            attempts=Counter(session.scalars(select(IngestAttempt.outcome))),
            stored=dict(_read_s3(site.s3_url) if site.s3 else _read_folder(site.archive.data_dir / LOCAL_STORE)),
            uploads=list((site.archive.data_dir / UPLOADS).rglob("*")),
            told=_read_messages(site.rabbit.url),
        )


@contextmanager
def opened_database(site: Site) -> Iterator[Session]:
    """Give a session on the archive's database, past its web and its workers."""
    app = create_app(AppConfig.from_env(site.archive.settings))
    with app.app_context(), Session(db.engine, expire_on_commit=False) as session:
        try:
            yield session
        finally:
            db.engine.dispose()


def read_jobs(site: Site) -> list[IngestJob]:
    with opened_database(site) as session:
        return list(session.scalars(select(IngestJob).order_by(IngestJob.id)))


def count_owed_messages(site: Site) -> int:
    with opened_database(site) as session:
        return session.scalar(select(func.count()).select_from(OwedEvent)) or 0


def find_busy_worker(site: Site) -> int | None:
    """Return the process of a worker that has a file in hand, as soon as one has; None if none has for a while."""
    deadline_s = time.monotonic() + BUSY_PATIENCE_S
    with opened_database(site) as session, suppress(OperationalError):  # which may be away at this moment
        while time.monotonic() < deadline_s:
            running = select(IngestJob.lease_owner).where(IngestJob.state == JobState.RUNNING)
            for owner in session.scalars(running.order_by(IngestJob.started.desc()).limit(1)):
                return int(owner.split(":")[1])  # host, process, and a mark
            session.rollback()
            time.sleep(BUSY_POLL_S)
    return None


def save_jobs(site: Site, file: Path) -> None:
    """Keep every job, with its history, so that what went wrong can be studied when the database is gone."""
    with opened_database(site) as session, file.open("w") as lines:
        for job in session.scalars(select(IngestJob).order_by(IngestJob.id)):
            history = [_describe(attempt) for attempt in job.history]
            lines.write(json.dumps(_describe(job) | {"history": history}, default=str) + "\n")


def hash_file(path: Path) -> str:
    return _hash(path.read_bytes())


def _describe(row: Model) -> dict[str, object]:
    return {column.name: getattr(row, column.name) for column in row.__table__.columns}


def _read_s3(url: str) -> Iterator[tuple[Place, str]]:
    s3 = connect_to_s3(url)
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=BUCKET):
        for entry in page.get("Versions", []):
            stored = s3.get_object(Bucket=BUCKET, Key=entry["Key"], VersionId=entry["VersionId"])
            yield (entry["Key"], entry["VersionId"]), _hash(stored["Body"].read())


def _read_folder(root: Path) -> Iterator[tuple[Place, str]]:
    for file in root.rglob("*"):
        path = file.relative_to(root)
        if not file.is_file():
            continue
        if path.parts[0] == ".versions":
            yield ("/".join(path.parts[1:-1]), path.name), hash_file(file)
        elif not any(file.samefile(version) for version in (root / ".versions" / path).glob("*")):
            yield (str(path), ""), hash_file(file)  # a temporary file, or a newest version that is no version


def _read_messages(broker_url: str) -> list[str]:
    with pika.BlockingConnection(pika.URLParameters(broker_url)) as connection:
        channel = connection.channel()
        waiting = channel.queue_declare(LISTENER, passive=True).method.message_count
        bodies = [channel.basic_get(LISTENER, auto_ack=True)[2] for _ in range(waiting)]
    return [json.loads(body)["version_set"][0]["md5"] for body in bodies]


def _hash(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
