"""Watched folders: what is taken, when, as what, and never half-written."""

import datetime as dt
import hashlib
import logging
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from flask import Flask
from sqlalchemy import select, text, update

from app.config import AppConfig
from app.extensions import db
from app.frames.models import Frame, Version
from app.ingest.models import UNFINISHED, Door, IngestJob, JobState, WatchedFile
from ingest_worker.intake.folder import FORGET_EVERY_S, FolderIntake
from tests.fits_factory import make_header, write_fits
from tests.fixtures.application import MakeApp
from tests.fixtures.ingest import Work

QUIET_S = 5.0
BASENAME = "coj1m011-kb05-20240219-0125-e91"
NAME = f"{BASENAME}.fits"

# The big file that is written slowly; at full size 10_000 (200 MB), 5.0, 0.5 and 120.
SIDE = 1_600  # pixels of two bytes
BIG_QUIET_S, PAUSE_S, PIECES = 1.0, 0.05, 30
SMALL_FILES = 5

Jobs = list[tuple[str, str, str]]
"""The name, the state and the error code of each job."""


class Watch:
    """A watched folder and who watches it, by a clock that the test turns."""

    def __init__(self, app: Flask, folder: Path) -> None:
        self._app, self._folder, self._now_s = app, folder, 0.0
        self.restart()

    def restart(self) -> None:
        self._intake = FolderIntake([self._folder], QUIET_S, lambda: self._now_s)

    def look(self, after_s: float = 1.0) -> float:
        self._now_s += after_s
        with self._app.app_context():
            return self._intake.turn()

    def wait(self) -> None:
        """See what is there, and see it again when it has been quiet."""
        self.look()
        self.look(QUIET_S)

    def list_jobs(self) -> Jobs:
        with self._app.app_context():
            jobs = db.session.scalars(select(IngestJob).order_by(IngestJob.id))
            return [(job.filename, job.state, job.error_code) for job in jobs]


@pytest.fixture
def watch(app: Flask, night: Path) -> Watch:
    return Watch(app, night)


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    """What a frame's file holds once it is whole."""
    return write_fits(tmp_path / NAME).read_bytes()


def append(path: Path, content: bytes) -> None:
    with path.open("ab") as stream:
        stream.write(content)


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def list_versions(app: Flask) -> list[tuple[str, str]]:
    """Return the basename and the md5 of each version, the oldest first."""
    with app.app_context():
        versions = select(Frame.basename, Version.md5).join(Version.frame).order_by(Version.id)
        return [(basename, found) for basename, found in db.session.execute(versions)]


def count_lines(caplog: pytest.LogCaptureFixture, part: str) -> int:
    return sum(part in record.getMessage() for record in caplog.records)


def test_a_file_is_taken_once_it_has_been_quiet(watch: Watch, app: Flask, night: Path, content: bytes) -> None:
    file = night / "sub" / "folder" / NAME
    file.parent.mkdir(parents=True)
    half = len(content) // 2
    append(file, content[:half])
    watch.look()
    watch.look(QUIET_S - 0.1)
    append(file, content[half:])
    watch.look()
    watch.look(QUIET_S - 0.1)
    assert watch.list_jobs() == []
    watch.look(0.1)
    for _turn in range(200):
        watch.look()
    assert watch.list_jobs() == [(NAME, "queued", "")]
    with app.app_context():
        job = db.session.scalars(select(IngestJob)).one()
        assert (job.door, job.filepath, job.is_upload) == (Door.FOLDER, str(file), False)


def test_a_file_that_was_taken_too_soon_is_taken_again_when_it_is_whole(
    watch: Watch, app: Flask, night: Path, work: Work, content: bytes
) -> None:
    third = len(content) // 3
    append(night / NAME, content[:third])
    watch.wait()
    append(night / NAME, content[third : 2 * third])  # it grows between being taken and being worked on
    work()
    assert watch.list_jobs() == [(NAME, "failed", "fits.truncated")]
    watch.look()
    append(night / NAME, content[2 * third :])
    watch.wait()
    work()
    assert watch.list_jobs() == [(NAME, "failed", "fits.truncated"), (NAME, "archived", "")]
    assert list_versions(app) == [(BASENAME, md5(content))]


def test_what_was_taken_is_remembered_and_a_change_is_a_new_version(
    watch: Watch, app: Flask, night: Path, work: Work, content: bytes
) -> None:
    file = night / NAME
    file.write_bytes(content)
    watch.wait()
    work()
    watch.restart()
    watch.wait()
    assert watch.list_jobs() == [(NAME, "archived", "")]
    write_fits(file, OBJECT="M 85")
    watch.look(60)  # what is settled is looked at once a minute
    watch.wait()
    work()
    assert watch.list_jobs() == [(NAME, "archived", ""), (NAME, "archived", "")]
    assert list_versions(app) == [(BASENAME, md5(content)), (BASENAME, md5(file.read_bytes()))]


def test_a_file_that_is_renamed_into_place_appears_then(watch: Watch, night: Path, content: bytes) -> None:
    for unfinished in (f".{NAME}.x1y2", f"{NAME}.part", f"{NAME}.TMP"):
        (night / unfinished).write_bytes(content)
    watch.wait()
    (night / f"{NAME}.part").rename(night / NAME)
    watch.look()
    assert watch.list_jobs() == []
    watch.look(QUIET_S)
    assert watch.list_jobs() == [(NAME, "queued", "")]
    write_fits(night / ".next", OBJECT="M 85").rename(night / NAME)
    watch.look(60)
    watch.wait()
    assert len(watch.list_jobs()) == 2


def test_what_vanishes_is_let_go(
    watch: Watch, night: Path, content: bytes, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (night / "sub").mkdir()
    for name in ("a.fits", "sub/b.fits", "c.fits"):
        (night / name).write_bytes(content)
    watch.look()
    (night / "a.fits").unlink()
    shutil.rmtree(night / "sub")
    really_open = os.open

    def open_gone(path: str, *arguments: Any) -> int:
        (night / "c.fits").unlink(missing_ok=True)  # at the very moment when it is to be taken
        return really_open(path, *arguments)

    monkeypatch.setattr(os, "open", open_gone)
    for _turn in range(10):
        watch.look(QUIET_S)
    assert (watch.list_jobs(), caplog.records) == ([], [])


def test_what_cannot_be_read_is_said_once_and_taken_when_it_can(
    watch: Watch, night: Path, content: bytes, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (NAME, "other.fits"):
        (night / name).write_bytes(content)
    really_open = os.open

    def refuse(path: str, *arguments: Any) -> int:
        if str(path).endswith(NAME):
            raise PermissionError(13, "Permission denied", path)
        return really_open(path, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)  # root may read everything
        for _turn in range(100):
            watch.look(QUIET_S)
    assert watch.list_jobs() == [("other.fits", "queued", "")]
    assert count_lines(caplog, f"{NAME} can't be taken") == 1
    watch.look(60)
    assert len(watch.list_jobs()) == 2


def test_what_is_no_file_of_the_archive_is_passed_over_with_one_line(
    watch: Watch, night: Path, tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "far.fits").write_bytes(content)
    (night / "link.fits").symlink_to(elsewhere / "far.fits")
    (night / "folder").symlink_to(elsewhere)
    os.mkfifo(night / "pipe.fits")
    names = ["night.txt", "preview.jpg", "report.pdf", "line\nbreak.fits", os.fsdecode(b"\xff.fits"), "tstnrs1.fits"]
    for name in names:
        (night / name).touch()
    for _turn in range(100):
        watch.look(QUIET_S)
    assert watch.list_jobs() == []
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == len(names) + len(["link.fits", "folder", "pipe.fits"])
    for reason in ("extension '.txt' is unknown", "need metadata", "control characters", "IGNORED_CHARS", "regular"):
        assert any(reason in line for line in said)


def test_a_new_name_is_found_even_if_the_time_of_its_folder_does_not_tell(
    watch: Watch, night: Path, content: bytes
) -> None:
    watch.look()
    modified_ns = night.stat().st_mtime_ns
    watch.look(3600)
    (night / NAME).write_bytes(content)
    os.utime(night, ns=(modified_ns, modified_ns))
    watch.look(60)
    watch.wait()
    assert watch.list_jobs() == [(NAME, "queued", "")]


def test_what_was_taken_long_ago_is_looked_at_about_once_a_minute(
    watch: Watch, night: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, looks, really_look = 20, [], os.lstat
    for number in range(count):
        (night / f"{number}.fits").write_bytes(content)
    watch.wait()
    watch.look(3600)
    monkeypatch.setattr(os, "lstat", lambda path: looks.append(path) or really_look(path))
    for _turn in range(60):
        watch.look()
    assert count <= sum(str(path).endswith(".fits") for path in looks) <= 3 * count


def test_a_folder_that_is_not_there_is_waited_for(
    watch: Watch, night: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    night.rmdir()
    for _turn in range(10):
        watch.look()
    assert count_lines(caplog, f"{night} is away") == 1
    night.mkdir()
    (night / NAME).write_bytes(content)
    watch.wait()
    assert watch.list_jobs() == [(NAME, "queued", "")]
    assert count_lines(caplog, f"{night} is back") == 1


def test_nothing_is_forgotten_while_the_database_is_away(
    watch: Watch, app: Flask, night: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    rename_table(app, "watched_file", "away")
    (night / NAME).write_bytes(content)
    watch.wait()
    waits_s = [watch.look() for _turn in range(3)]
    assert waits_s == sorted(waits_s)
    assert waits_s[0] > 0
    assert count_lines(caplog, "The database is away") == 1
    rename_table(app, "away", "watched_file")
    assert watch.look() == 0
    assert watch.list_jobs() == [(NAME, "queued", "")]


def rename_table(app: Flask, old: str, new: str) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))


@pytest.fixture
def elsewhere(make_app: MakeApp, tmp_path: Path, app: Flask) -> Watch:
    """A watched folder that the workers do not reach."""
    (tmp_path / "elsewhere").mkdir()
    return Watch(app, tmp_path / "elsewhere")


def test_what_the_workers_do_not_reach_is_copied(
    elsewhere: Watch, app: Flask, tmp_path: Path, work: Work, content: bytes
) -> None:
    (tmp_path / "elsewhere" / NAME).write_bytes(content)
    elsewhere.wait()
    work()
    assert elsewhere.list_jobs() == [(NAME, "archived", "")]
    assert list_versions(app) == [(BASENAME, md5(content))]
    assert list_uploads(app) == []


def test_a_file_that_changes_while_it_is_copied_is_not_taken(
    elsewhere: Watch, app: Flask, tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, really_copy = tmp_path / "elsewhere" / NAME, shutil.copyfile
    file.write_bytes(content[:4000])

    def copy_while_it_grows(source: Path, target: Path) -> None:
        really_copy(source, target)
        append(file, content[4000:])

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", copy_while_it_grows)
        elsewhere.wait()
    assert (elsewhere.list_jobs(), list_uploads(app)) == ([], [])
    elsewhere.wait()
    (copy,) = list_uploads(app)
    assert copy.read_bytes() == content


def list_uploads(app: Flask) -> list[Path]:
    config: AppConfig = app.config["ARCHIVE"]
    return list(config.upload_dir.iterdir())


def test_what_is_gone_for_a_week_is_forgotten_unless_the_folder_may_only_be_unmounted(
    watch: Watch, app: Flask, night: Path, content: bytes
) -> None:
    for name in ("gone.fits", "here.fits"):
        (night / name).write_bytes(content)
    watch.wait()
    (night / "gone.fits").unlink()
    watch.look(FORGET_EVERY_S)
    assert remembered(app) == {"gone.fits", "here.fits"}
    with app.app_context():
        db.session.execute(update(WatchedFile).values(taken=dt.datetime.now(dt.UTC) - dt.timedelta(days=8)))
        db.session.commit()
    unmounted = night.rename(night.with_name("unmounted"))
    night.mkdir()
    watch.look(FORGET_EVERY_S)
    assert remembered(app) == {"gone.fits", "here.fits"}
    night.rmdir()
    unmounted.rename(night)
    watch.look(FORGET_EVERY_S)
    assert remembered(app) == {"here.fits"}


def remembered(app: Flask) -> set[str]:
    with app.app_context():
        return {Path(path).name for path in db.session.scalars(select(WatchedFile.path))}


def make_big_file(path: Path) -> bytes:
    header = make_header((SIDE, SIDE))
    fits.PrimaryHDU(np.zeros((SIDE, SIDE), np.int16), header).writeto(path)
    return path.read_bytes()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_big_file_is_written_slowly_while_others_arrive(
    app: Flask,
    night: Path,
    tmp_path: Path,
    work: Work,
    start_intake: Callable[..., Any],
    wait_until: Callable[[Callable[[], object]], None],
) -> None:
    """Whatever a busy machine does to the times, no version is ever half a file."""
    big = make_big_file(tmp_path / NAME)
    piece = len(big) // PIECES + 1
    process = start_intake("folder", str(night), "--every", "0.1", "--quiet-s", str(BIG_QUIET_S))

    def have_come_in(count: int) -> bool:
        work()
        return len(list_versions(app)) >= count

    for number in range(PIECES - 1):
        append(night / NAME, big[number * piece : (number + 1) * piece])
        if number % (PIECES // SMALL_FILES) == 0:
            write_fits(night / f"small{number:03d}.fits", OBJECT=f"M {number}")
        time.sleep(PAUSE_S)
    wait_until(lambda: have_come_in(SMALL_FILES))
    assert BASENAME not in dict(list_versions(app))
    append(night / NAME, big[(PIECES - 1) * piece :])
    wait_until(lambda: have_come_in(SMALL_FILES + 1))
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert [found for basename, found in list_versions(app) if basename == BASENAME] == [md5(big)]
    with app.app_context():
        failed = db.session.scalars(select(IngestJob.error_code).where(IngestJob.state == JobState.FAILED))
        assert set(failed) <= {"fits.truncated"}
        assert not db.session.scalars(select(IngestJob).where(IngestJob.state.in_(UNFINISHED))).all()
