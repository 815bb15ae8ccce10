"""Real workers that are told to end: idle, over a file, over a picture, and in the middle of a statement."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy.engine import make_url

from app.extensions import db, get_queue
from app.ingest.models import IngestJob
from app.processes import PROJECT_DIR, end_with_parent
from ingest_worker.jobs import run_ingest_job
from tests.fits_factory import write_fits
from tests.fixtures.application import MakeApp
from tests.fixtures.ingest import Work, make_headers, upload

PATIENCE_S = 60.0
NAME = "coj1m011-kb05-20240219-0125-e91"
Start = Callable[..., subprocess.Popen[bytes]]

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(FILESTORE_TYPE="tests.slow_store.SlowStore")


@pytest.fixture
def job_id(app: Flask, tmp_path: Path) -> int:
    """A job whose file the store takes slowly."""
    (tmp_path / "slow").touch()
    headers = make_headers(app, "operator", is_admin=True)
    return upload(app.test_client(), headers, write_fits(tmp_path / f"{NAME}.fits"))


@pytest.fixture
def start(app: Flask, tmp_path: Path) -> Iterator[Start]:
    """A function that starts a command of the archive; what it says goes to the file ``log``."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*command: str) -> subprocess.Popen[bytes]:
        with (tmp_path / "log").open("ab") as log:
            flask = [sys.executable, "-m", "flask", "--app", "wsgi", *command]
            process = subprocess.Popen(
                flask, cwd=PROJECT_DIR, env=os.environ, stdout=log, stderr=log, preexec_fn=end_with_parent
            )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def wait_until(condition: Callable[[], Any]) -> Any:
    deadline_s = time.monotonic() + PATIENCE_S
    while not (found := condition()) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert found
    return found


def read_job(app: Flask, job_id: int) -> dict[str, Any]:
    with app.app_context():
        job = db.session.get_one(IngestJob, job_id)
        names = ("state", "attempts", "lease_owner", "preview_state")
        return {name: getattr(job, name) for name in names} | {"outcomes": [line.outcome for line in job.history]}


def count_bells(app: Flask) -> int:
    with app.app_context():
        count: int = get_queue("ingest").count
        return count


def ask_twice(process: subprocess.Popen[bytes], log: Path) -> None:
    """Send SIGTERM, and once more when the first has been taken: two that come together count as one."""
    process.send_signal(signal.SIGTERM)
    wait_until(lambda: "asked to end" in log.read_text())
    process.send_signal(signal.SIGTERM)


def test_the_file_in_hand_is_finished(app: Flask, job_id: int, start: Start, tmp_path: Path) -> None:
    worker = start("worker")
    wait_until((tmp_path / "busy").exists)
    worker.send_signal(signal.SIGTERM)
    wait_until(lambda: "asked to end" in (tmp_path / "log").read_text())
    (tmp_path / "busy").unlink()
    assert worker.wait(PATIENCE_S) == 0
    job = read_job(app, job_id)
    assert (job["state"], job["attempts"], job["outcomes"]) == ("archived", 1, ["archived"])


def test_a_second_signal_gives_the_file_back(app: Flask, job_id: int, start: Start, work: Work, tmp_path: Path) -> None:
    worker = start("worker")
    wait_until((tmp_path / "busy").exists)
    ask_twice(worker, tmp_path / "log")
    assert worker.wait(PATIENCE_S) == 0
    job = read_job(app, job_id)
    assert (job["state"], job["attempts"], job["lease_owner"]) == ("queued", 0, "")
    assert count_bells(app) == 1
    (tmp_path / "slow").unlink()
    work()
    job = read_job(app, job_id)
    assert (job["state"], job["attempts"], job["outcomes"]) == ("archived", 1, ["queued", "archived"])


@on_postgresql
def test_a_statement_that_hangs_is_left(
    app: Flask, job_id: int, start: Start, tmp_path: Path, database_url: str
) -> None:
    plain = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'frame'::regclass"
    (tmp_path / "slow").unlink()
    with psycopg.connect(plain) as other, psycopg.connect(plain, autocommit=True) as observer:
        other.execute("LOCK TABLE frame IN ACCESS EXCLUSIVE MODE")
        worker = start("worker")
        wait_until(lambda: observer.execute(waiting).fetchone()[0])  # type: ignore[index]
        ask_twice(worker, tmp_path / "log")
        assert worker.wait(PATIENCE_S) == 0
    job = read_job(app, job_id)
    assert (job["state"], job["attempts"], job["lease_owner"]) == ("queued", 0, "")


@on_sqlite
def test_pictures_are_left_to_another_worker(app: Flask, job_id: int, start: Start, work: Work, tmp_path: Path) -> None:
    (tmp_path / "slow").unlink()
    with app.app_context():
        run_ingest_job(job_id)
    (tmp_path / "slow").touch()
    worker = start("worker")
    wait_until((tmp_path / "busy").exists)
    assert read_job(app, job_id)["preview_state"] == "failed"
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(PATIENCE_S) == 0
    assert read_job(app, job_id)["preview_state"] == "owed"
    (tmp_path / "slow").unlink()
    work()
    assert read_job(app, job_id)["preview_state"] == "made"


@on_sqlite
def test_the_idle_end_at_once(app: Flask, start: Start, tmp_path: Path) -> None:
    worker, reconciler = start("worker"), start("reconcile")
    redis, log = app.extensions["redis"], tmp_path / "log"
    wait_until(lambda: b"idle" in [redis.hget(key, "state") for key in redis.smembers("rq:workers")])
    wait_until(lambda: "the reconciler begins" in log.read_text())
    for process in (worker, reconciler):
        process.send_signal(signal.SIGTERM)
    assert [process.wait(10) for process in (worker, reconciler)] == [0, 0]
    assert "Traceback" not in log.read_text()
