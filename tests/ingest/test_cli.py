"""Ingest from a shell: which files it finds, and what it says of those that it can't take."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskCliRunner

from app.config import AppConfig
from app.extensions import db
from app.ingest.actions import is_below_ingest_roots
from app.ingest.models import IngestJob
from tests.fixtures.application import MakeApp


@pytest.fixture
def night(tmp_path: Path) -> Path:
    """A folder of files, with another that it links to and one that may not be read."""
    taken = ("night/b.fits", "night/sub/c.fits")
    left = ("night/.hidden/d.fits", "night/locked/e.fits", "night/run.log", "night/sub/notes", "elsewhere/f.fits")
    for name in taken + left:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "night" / "link").symlink_to(tmp_path / "elsewhere")
    return tmp_path / "night"


def lock(folder: Path) -> Callable[..., Any]:
    """Return a `scandir` that refuses a folder, as the system does for all but root."""
    really_scan = os.scandir

    def scan(path: str) -> Any:
        if Path(path) == folder:
            raise PermissionError(13, "Permission denied", str(path))
        return really_scan(path)

    return scan


def test_links_to_folders_are_not_followed_and_a_locked_folder_is_reported(
    runner: FlaskCliRunner, night: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "scandir", lock(night / "locked"))
    done = runner.invoke(args=["ingest", "--no-wait", str(night)])
    assert f"{night / 'locked'}: not submitted: Permission denied" in done.output
    assert "Passed over 2 files of no known extension." in done.output
    assert "2 submitted, 1 not submitted" in done.output
    assert done.exit_code == 1
    with runner.app.app_context():
        assert set(db.session.scalars(db.select(IngestJob.filename))) == {"b.fits", "c.fits"}


def test_a_file_that_is_refused_leaves_no_copy(runner: FlaskCliRunner, tmp_path: Path) -> None:
    config: AppConfig = runner.app.config["ARCHIVE"]
    os.mkfifo(tmp_path / "pipe.fits")
    not_unicode = os.fsencode(tmp_path) + b"/\xff.fits"
    Path(os.fsdecode(not_unicode)).touch()
    done = runner.invoke(args=["ingest", "--no-wait", str(tmp_path / "pipe.fits"), os.fsdecode(not_unicode)])
    assert done.exit_code == 1, done.exception
    assert "2 not submitted" in done.output
    assert not config.upload_dir.exists() or list(config.upload_dir.iterdir()) == []


def test_a_folder_whose_name_is_not_unicode_is_below_no_root(make_app: MakeApp, tmp_path: Path) -> None:
    with make_app(INGEST_ROOTS=str(tmp_path)).app_context():
        assert is_below_ingest_roots(tmp_path / "x.fits")
        assert not is_below_ingest_roots(tmp_path / os.fsdecode(b"\xff") / "x.fits")


def test_a_file_that_is_named_is_submitted_whatever_its_extension(runner: FlaskCliRunner, night: Path) -> None:
    done = runner.invoke(args=["ingest", "--no-wait", str(night / "run.log")])
    assert done.output.strip().endswith("1 submitted")
    assert done.exit_code == 0


def test_metadata_goes_along(runner: FlaskCliRunner, night: Path) -> None:
    metadata = [
        "--metadata",
        "OBJECT=M=42",
        "--metadata",
        '{"RLEVEL": 91, "OBJECT": "?"}',
        "--metadata",
        "OBJECT=M 1",
    ]
    done = runner.invoke(args=["ingest", "--no-wait", *metadata, str(night / "b.fits")])
    assert done.exit_code == 0, done.output
    with runner.app.app_context():
        assert db.session.scalar(db.select(IngestJob.file_metadata)) == {"OBJECT": "M 1", "RLEVEL": 91}


@pytest.mark.parametrize("metadata", ["OBJECT", "=M 42", "{", '{"a": NaN}'])
def test_metadata_that_can_not_be_understood_is_named(runner: FlaskCliRunner, night: Path, metadata: str) -> None:
    done = runner.invoke(args=["ingest", "--no-wait", "--metadata", metadata, str(night)])
    assert done.exit_code == 2
    assert repr(metadata) in done.output
    with runner.app.app_context():
        assert db.session.scalar(db.select(IngestJob.id)) is None


def test_it_says_why_nothing_happens_and_leaves_the_files_in_the_queue(
    runner: FlaskCliRunner, night: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.ingest.cli.PATIENCE_S", 0)
    monkeypatch.setattr("time.sleep", press_ctrl_c_after(3))
    done = runner.invoke(args=["ingest", str(night / "b.fits")])
    assert done.output.count("No worker runs, so the files wait. “flask --app wsgi worker”") == 1
    assert "Stopped waiting. 1 submitted file stays in the queue" in done.output
    assert done.exit_code == 130
    with runner.app.app_context():
        assert db.session.scalar(db.select(IngestJob.state)) == "queued"


def press_ctrl_c_after(naps: int) -> Callable[[float], None]:
    """Return a `sleep` during which, after some times, somebody presses Ctrl-C."""
    remaining = iter(range(naps))

    def sleep(_seconds: float) -> None:
        if next(remaining, None) is None:
            raise KeyboardInterrupt

    return sleep
