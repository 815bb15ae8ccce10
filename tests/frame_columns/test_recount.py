"""Counts, values and pages are those of plain SQL, whatever is written, by whom, and however it ends."""

import datetime as dt
import random
import threading
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import delete, select, text, update

from app.extensions import db
from app.frame_columns import columns, refresh, selection, snapshot
from app.frame_columns.actions import KEPT, forget_changes
from app.frame_columns.models import FrameChange
from app.frame_columns.refresh import FrameColumns
from app.frames import matching
from app.frames.matching import KnownFrames, SqlFrames, find_matching
from app.frames.models import Frame
from tests.frame_columns.recount import VIEWERS, compare_some, write_some
from tests.frames_factory import add_frame

OPERATOR = VIEWERS[2]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few frames be what many are in a large archive: many blocks, and many ids."""
    for module in (columns, selection):
        monkeypatch.setattr(module, "BLOCK", 32)
    monkeypatch.setattr(matching, "FEW", 10)
    monkeypatch.setattr(matching, "MOST", 30)


def count(app: Flask) -> int:
    """Return how many frames an operator finds."""
    with app.app_context():
        return find_matching(OPERATOR, {}).count(is_forced=False)[0]


def write_in_threads(app: Flask, writes: int) -> None:
    def write(name: str) -> None:
        with app.app_context():
            write_some(random.Random(name), name, writes)

    threads = [threading.Thread(target=write, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        count(app)  # takes in what has come so far
        threads[0].join(0.05)


def test_agree_before_and_after_writes_and_a_rebuild(app: Flask) -> None:
    with app.app_context():
        write_some(random.Random(1), "first", 120)
        compare_some(random.Random(2), 25)
    write_in_threads(app, 40)
    with app.app_context():
        compare_some(random.Random(3), 25)
        app.extensions["frame_columns"] = FrameColumns(Path(app.config["ARCHIVE"].data_dir))
        compare_some(random.Random(4), 10)


def test_the_file_serves_and_is_brought_up_to_date(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        write_some(random.Random(5), "first", 30)
        own = app.extensions["frame_columns"]
        assert own.build()
        write_some(random.Random(6), "later", 30)
        monkeypatch.setattr(FrameColumns, "_read", None)  # it is not needed
        app.extensions["frame_columns"] = FrameColumns(own.file.parent)
        compare_some(random.Random(7), 10)


@pytest.mark.parametrize("damage", ["cut off", "empty", "bad end", "another database"])
def test_a_file_that_does_not_serve_is_left_alone(app: Flask, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    with app.app_context():
        add_frame("a")
        own = app.extensions["frame_columns"]
        own.build()
        content = own.file.read_bytes()
        if damage == "another database":
            columns = own.refresh()
            snapshot.write_snapshot(own.file, columns, columns.settled, own._mark, ["another"])
        else:
            bad = {"cut off": content[:-100], "empty": b"", "bad end": content[:-20] + bytes(20)}[damage]
            own.file.write_bytes(bad)
        app.extensions["frame_columns"] = FrameColumns(own.file.parent)
        assert count(app) == 1
        assert "do not serve" in caplog.text


def test_a_file_of_an_older_state_is_refused(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    with app.app_context():
        add_frame("a")
        own = app.extensions["frame_columns"]
        own.build()
        db.session.execute(delete(FrameChange))  # as if an older state had been restored
        db.session.commit()
        app.extensions["frame_columns"] = FrameColumns(own.file.parent)
        assert count(app) == 1
        assert "do not serve" in caplog.text


def test_while_the_columns_are_made_sql_answers(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    monkeypatch.setattr(refresh, "SMALL", 0)
    monkeypatch.setattr(refresh.subprocess, "Popen", lambda *args, **_options: started.append(args))
    with app.app_context():
        add_frame("a")
        found = find_matching(OPERATOR, {})
        assert isinstance(found, SqlFrames)
        assert found.count(is_forced=False) == (1, False)
        assert len(started) == 1
        assert app.extensions["frame_columns"].build()
        assert isinstance(find_matching(OPERATOR, {}), KnownFrames)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_large_archive_has_its_file_made_by_a_process_of_its_own(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (columns, selection):  # as the other process has it
        monkeypatch.setattr(module, "BLOCK", snapshot.BLOCK)
    monkeypatch.setattr(refresh, "SMALL", 0)
    with app.app_context():
        add_frame("a")
        own = app.extensions["frame_columns"]
        assert own.refresh() is None
        assert own._builder.wait(60) == 0
        assert own.refresh() is not None


def test_only_one_process_makes_it(app: Flask) -> None:
    with app.app_context(), app.extensions["frame_columns"]._hold_lock():
        assert not FrameColumns(Path(app.config["ARCHIVE"].data_dir)).build()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_commits_late_is_found(app: Flask) -> None:
    with app.app_context():
        first, second = add_frame("first"), add_frame("second")
        hide = update(Frame).values(observation_date=None)
        early, late = db.engine.connect(), db.engine.connect()
        early.execute(hide.where(Frame.id == first))  # begins, and takes its number, before the other
        late.execute(hide.where(Frame.id == second))
        late.commit()
        assert count(app) == 1
        early.commit()
        assert count(app) == 0
        early.execute(update(Frame).values(observation_date=dt.datetime.now(dt.UTC)))
        assert count(app) == 0
        early.rollback()
        assert count(app) == 0
        early.close(), late.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_emptied_tables_are_noticed(app: Flask) -> None:
    with app.app_context():
        add_frame("a")
        assert count(app) == 1
        db.session.execute(text("TRUNCATE frame CASCADE"))
        db.session.commit()
        assert count(app) == 0


def test_who_has_slept_beyond_what_is_kept_begins_anew(app: Flask) -> None:
    with app.app_context():
        add_frame("a")
        assert count(app) == 1
        add_frame("b")
        db.session.execute(update(FrameChange).values(noted=dt.datetime.now(dt.UTC) - KEPT * 2))
        db.session.commit()
        add_frame("c")
        assert forget_changes() > 0
        assert db.session.scalar(select(FrameChange.id).limit(1))
        assert count(app) == 3


def test_frames_without_a_date_or_a_version_are_in_no_list(app: Flask) -> None:
    with app.app_context():
        add_frame("a", contents=(), related_frame_filenames=["named only"])
        assert count(app) == 0
        add_frame("a")
        assert count(app) == 1
