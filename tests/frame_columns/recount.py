"""Random searches, whose counts, values and pages must be those of plain SQL, and random writes between them.

``make recount`` does so on a database of its own, with two processes that write.
"""

import argparse
import datetime as dt
import multiprocessing
import os
import random
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import flask_migrate
from flask import Flask
from sqlalchemy import delete, func, select, update

from app import create_app
from app.accounts.viewer import Viewer
from app.config import AppConfig
from app.extensions import db
from app.frame_columns.names import COUNTED
from app.frame_columns.order import Order
from app.frame_columns.times import to_microseconds
from app.frames.cursors import Cursor
from app.frames.matching import SqlFrames, find_matching
from app.frames.models import Frame, Version
from app.frames.search import ORDERINGS, SearchSchema
from tests.frames_factory import add_frame, square
from tests.services import postgres_server

PROPOSALS = [f"P2026A-{number:03}" for number in range(8)]
VIEWERS = (
    Viewer(),
    Viewer(user_id=1, username="member", proposals=frozenset(PROPOSALS[:3])),
    Viewer(user_id=2, username="operator", is_admin=True),
)
SITES, FILTERS, TYPES = ("coj", "cpt", "lsc"), ("rp", "gp", "V", ""), ("EXPOSE", "BIAS", "ARC", "SPECTRUM")
TARGETS = ("M 42", "M 31", "Žižka", "", "m 4", "NGC 1", "ngc 11")
CENTRES = ((83.8, -5.4), (359.9, 0.0), (10.0, 88.0), (200.0, -45.0))
BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def make_frame(chance: random.Random) -> dict[str, Any]:
    """Return what a frame may be like; some are public, some not yet, some have no file and so are in no list."""
    observed = BEGIN + dt.timedelta(days=chance.randrange(300), milliseconds=chance.randrange(86_400_000))
    ra_deg, dec_deg = chance.choice(CENTRES)
    near = (ra_deg + chance.gauss(0, 0.3)) % 360, max(-88.0, min(88.0, dec_deg + chance.gauss(0, 0.3)))
    return {
        "observation_date": observed.isoformat(),
        "public_date": (observed + dt.timedelta(days=chance.choice((0, 0, 36_500)))).isoformat(),
        "proposal_id": chance.choice(PROPOSALS),
        "site_id": chance.choice(SITES),
        "instrument_id": f"fa{chance.randrange(4):02}",
        "primary_optical_element": chance.choice(FILTERS),
        "configuration_type": chance.choice(TYPES),
        "target_name": chance.choice(TARGETS),
        "exposure_time": chance.choice((None, 0.0, 1.5, 60.0, 300.0)),
        "reduction_level": chance.choice((0, 91)),
        "observation_id": chance.randrange(20),
        "request_id": chance.randrange(20),
        "area": square(*near, chance.choice((0.05, 0.3, 1.0))) if chance.random() < 0.8 else None,
        "contents": () if chance.random() < 0.05 else ("first",),
        "headers": {"USERID": chance.choice(("a", "b"))},
    }


def make_search(chance: random.Random) -> dict[str, Any]:
    """Return some parameters of a search, as they stand in an address."""
    ra_deg, dec_deg = chance.choice(CENTRES)
    ra_deg, dec_deg = (ra_deg + chance.gauss(0, 0.4)) % 360, max(-86.0, min(86.0, dec_deg + chance.gauss(0, 0.4)))
    half = chance.choice((0.1, 0.5, 2.0))
    corners = [(-half, -half), (half, -half), (half, half), (-half, half), (-half, -half)]
    ring = ",".join(f"{(ra_deg + x) % 360} {dec_deg + y}" for x, y in corners)
    first = BEGIN + dt.timedelta(days=chance.randrange(300))
    cone = {"ra": str(ra_deg), "dec": str(dec_deg), "radius": str(chance.choice((0, 0.2, 1, 30, 100, 170)))}
    parts: list[dict[str, Any]] = [
        {"start": f"{first:%Y-%m-%dT%H:%M:%S}"},
        {"end": f"{first + dt.timedelta(days=60):%Y-%m-%dT%H:%M:%S}"},
        {"dayobs": f"{first:%Y-%m-%d}"},
        {"target_name": chance.choice(("m", "1", "ziz", "M 4"))},
        {"target_name_exact": chance.choice(TARGETS[:3])},
        {"empty_target_name": chance.choice(("true", "false"))},
        {"basename": chance.choice(("1", "frame", "E-0", "none"))},
        {"site_id": chance.choice(SITES)},
        {"SITEID": chance.choice(SITES)},
        {"instrument_id": f"fa{chance.randrange(5):02}"},
        {"primary_optical_element": chance.choice(FILTERS[:3])},
        {"configuration_type": chance.choice(TYPES)},
        {"proposal_id": chance.choice(PROPOSALS)},
        {"reduction_level": chance.choice(("0", "91", "7"))},
        {"exposure_time": chance.choice(("0", "1.5", "100", "-5"))},
        {"observation_id": str(chance.randrange(20))},
        {"request_id": str(chance.randrange(20))},
        {"exclude_configuration_type": chance.sample(TYPES, 2)},
        {"include_configuration_type": chance.sample(TYPES, 2)},
        {"exclude_calibrations": chance.choice(("true", "false"))},
        {"public": chance.choice(("true", "false"))},
        {"submitter": chance.choice(("a", "b"))},
        {"covers": f"POINT({ra_deg} {dec_deg})"},
        {"intersects": f"POLYGON(({ring}))"},
        cone,
    ]
    found: dict[str, Any] = {}
    for part in chance.sample(parts, chance.choice((0, 1, 1, 1, 2, 2, 3))):
        found |= part
    return found


def compare(viewer: Viewer, asked: dict[str, Any], ordering: str) -> None:
    """Compare count, values and pages of a search with plain SQL. Needs the application's context."""
    search = SearchSchema().load(asked)
    found, plain = find_matching(viewer, search), SqlFrames(viewer, search)
    what = f"{asked} by {ordering} for {viewer.username}"
    expected = plain.count(is_forced=True)
    assert found.count(is_forced=True) == expected, what
    count, is_estimated = found.count(is_forced=False)
    assert is_estimated or count == expected[0], what
    assert found.list_values(COUNTED) == plain.list_values(COUNTED), what
    order = Order(ordering.removeprefix("-"), ordering.startswith("-"))
    ids = plain.find_first(10_000_000, order)
    for number in (7, 50):
        assert found.find_first(number, order) == ids[:number], what
    if len(ids) > 10:
        value = db.session.scalar(select(ORDERINGS[order.field]).where(Frame.id == ids[8]))
        after = to_microseconds(value) if order.is_by_time else value
        cursor = Cursor(ordering, value, ids[8])
        beyond = Order(order.field, order.is_descending, (after, cursor.frame_id))
        assert found.find_first(12, beyond) == ids[9:21], what


def compare_some(chance: random.Random, searches: int) -> None:
    """Compare so many random searches, each for the three viewers."""
    for _ in range(searches):
        asked, ordering = make_search(chance), chance.choice(("", "-")) + chance.choice(list(ORDERINGS))
        for viewer in VIEWERS:
            compare(viewer, asked, ordering)


def write_some(chance: random.Random, name: str, writes: int) -> None:
    """Ingest, describe anew, add versions, release and hide, and delete. Needs the application's context."""
    own = [f"frame-{name}-0"]
    add_frame(own[0], **make_frame(chance))
    for number in range(1, writes):
        draw, basename = chance.random(), chance.choice(own)
        if draw < 0.5:
            own.append(f"frame-{name}-{number}")
            add_frame(own[-1], **make_frame(chance))
        elif draw < 0.65:
            add_frame(basename, **make_frame(chance) | {"contents": (f"again {number}",)})
        elif draw < 0.85:
            date = chance.choice((None, BEGIN, BEGIN + dt.timedelta(days=36_500)))
            db.session.execute(update(Frame).where(Frame.basename == basename).values(public_date=date))
        elif draw < 0.9:
            frame_id = select(Frame.id).where(Frame.basename == basename).scalar_subquery()
            db.session.execute(delete(Version).where(Version.frame_id == frame_id))
        elif draw < 0.95:
            db.session.execute(delete(Frame).where(Frame.basename == basename))
        else:
            db.session.execute(update(Frame).where(Frame.basename == basename).values(site_id="new", target_name="Ž"))
            db.session.rollback()
        db.session.commit()


def _write_apart(settings: dict[str, str], seed: int, name: str, writes: int) -> None:
    with _make_app(settings).app_context():
        write_some(random.Random(seed), name, writes)


def _make_app(settings: dict[str, str]) -> Flask:
    os.environ.update(settings)
    return create_app(AppConfig.from_env(os.environ))


def _list_rounds(app: Flask, settings: dict[str, str], seed: int, writes: int) -> Iterator[str]:
    """Change the archive, or the process's columns, and say how."""
    yield "at first"
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_write_apart, args=(settings, seed + n, f"w{n}", writes // 2)) for n in (1, 2)]
    for worker in workers:
        worker.start()
    for round_number in range(1_000_000):
        if not any(worker.is_alive() for worker in workers):
            break
        db.session.remove()
        app.extensions["frame_columns"].refresh()  # bit by bit, as in a web process
        workers[round_number % 2].join(0.2)
    assert [worker.exitcode for worker in workers] == [0, 0]
    yield f"after {writes} writes by two processes"
    app.extensions["frame_columns"].build()
    yield "from the file"
    app.extensions["frame_columns"].file.unlink()
    app.extensions["frame_columns"] = type(app.extensions["frame_columns"])(app.config["ARCHIVE"].data_dir)
    yield "thrown away and made anew"


def main() -> None:
    """Do it on SQLite, on PostgreSQL, or on the empty PostgreSQL database that DATABASE_URL names."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--searches", type=int, default=300)
    parser.add_argument("--writes", type=int, default=10_000)
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        url = os.environ.get("DATABASE_URL", f"sqlite:///{folder}/archive.db")
        if options.database == "postgresql":
            url = stack.enter_context(postgres_server()).create_database()
        settings = {"DATA_DIR": folder, "SECRET_KEY": "recount", "FILESTORE_TYPE": "local", "DATABASE_URL": url}
        settings["FILESYSTEM_STORAGE_ROOT_DIR"] = str(Path(folder) / "files")
        app = _make_app(settings)
        with app.app_context():
            flask_migrate.upgrade()
            write_some(random.Random(options.seed), "first", options.writes // 5)
            for state in _list_rounds(app, settings, options.seed, options.writes):
                compare_some(random.Random(options.seed), options.searches)
                count = db.session.scalar(select(func.count()).select_from(Frame))
                print(f"{state}: {options.searches} searches of {count} frames agree, for three viewers", flush=True)
                db.session.remove()
            db.engine.dispose()


if __name__ == "__main__":
    sys.exit(main())
