"""The jobs: what an ingest asks of the database; what previews say when they fail, and when there is none to make."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from app.extensions import db, get_queue
from app.ingest.models import IngestJob
from ingest_worker.jobs import run_ingest_job, run_preview_job
from tests.fits_factory import write_fits
from tests.fixtures.ingest import Headers, upload

NAME = "coj1m011-kb05-20240219-0125-e91"


def ingest(client: FlaskClient, headers: Headers, file: Path) -> int:
    """Ingest a file, and leave its previews owed."""
    job_id = upload(client, headers, file)
    with client.application.app_context():
        run_ingest_job(job_id)
    return job_id


def read_previews(app: Flask, job_id: int) -> tuple[str, str]:
    with app.app_context():
        job = db.session.get_one(IngestJob, job_id)
        return job.preview_state, job.preview_error


@pytest.mark.parametrize(
    ("error", "state", "words"),
    [
        (OperationalError("SELECT 1", {}, Exception("the server closed the connection")), "owed", ""),
        (ZeroDivisionError("odd"), "failed", "Unforeseen error, see the worker's log: ZeroDivisionError('odd')"),
    ],
)
def test_why_there_is_no_preview(
    error: Exception,
    state: str,
    words: str,
    app: Flask,
    client: FlaskClient,
    as_operator: Headers,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_path: Path) -> Any:
        raise error

    job_id = ingest(client, as_operator, write_fits(tmp_path / f"{NAME}.fits"))
    monkeypatch.setattr("ingest_worker.jobs.build_previews", fail)
    with app.app_context():
        run_preview_job(job_id)
    found_state, found_error = read_previews(app, job_id)
    assert found_state == state
    assert words in found_error


def test_a_database_that_is_away_costs_no_bell(
    app: Flask, client: FlaskClient, as_operator: Headers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OperationalError("UPDATE ingest_job", {}, Exception("the server closed the connection"))

    monkeypatch.setattr("ingest_worker.jobs.claim", fail)
    job_id = ingest(client, as_operator, write_fits(tmp_path / f"{NAME}.fits"))
    with app.app_context():
        assert get_queue("ingest").count == 2  # that of the upload, which no worker has heard, and that put back
        assert db.session.get_one(IngestJob, job_id).state == "queued"


def test_a_file_takes_few_statements_and_two_commits(
    app: Flask, client: FlaskClient, as_operator: Headers, tmp_path: Path
) -> None:
    first, second = (upload(client, as_operator, write_fits(tmp_path / f"{name}.fits", OBJECT=name)) for name in "ab")
    statements: list[str] = []
    commits: list[Any] = []
    with app.app_context():
        run_ingest_job(first)
        event.listen(db.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
        event.listen(db.engine, "commit", commits.append)
        run_ingest_job(second)
        is_postgresql = db.engine.dialect.name == "postgresql"
    assert len(statements) <= (16 if is_postgresql else 18), "\n".join(statements)  # SQLite's index of footprints: 2
    assert len(commits) == 2
    assert client.get(f"/ingest/jobs/{second}", headers=as_operator).json["state"] == "archived"


def test_an_old_version_gets_no_previews(app: Flask, client: FlaskClient, as_operator: Headers, tmp_path: Path) -> None:
    old = ingest(client, as_operator, write_fits(tmp_path / "old" / f"{NAME}.fits"))
    new = ingest(client, as_operator, write_fits(tmp_path / "new" / f"{NAME}.fits", OBJECT="M 84, mended"))
    with app.app_context():
        for job_id in (new, old):
            run_preview_job(job_id)
    assert [read_previews(app, job_id) for job_id in (old, new)] == [("", ""), ("made", "")]
