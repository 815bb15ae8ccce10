"""Uploads that can't be taken in: the sender learns why, and nothing is lost that may have been promised."""

from pathlib import Path
from typing import IO, Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from app.extensions import db
from app.ingest.uploads import UploadRequest
from tests.fits_factory import write_fits
from tests.fixtures.application import MakeApp
from tests.fixtures.ingest import Headers, Work, make_headers


def send(client: FlaskClient, headers: Headers, folder: Path, length_is_told: bool = True) -> TestResponse:
    """Send a file; where its length is not told it comes in chunks, whose end gunicorn marks."""
    options = {} if length_is_told else {"environ_overrides": {"CONTENT_LENGTH": "", "wsgi.input_terminated": True}}
    with write_fits(folder / "a.fits").open("rb") as content:
        return client.post("/ingest/jobs", data={"file": (content, "a.fits")}, headers=headers, **options)


def list_uploads(app: Flask) -> list[Path]:
    return list(app.config["ARCHIVE"].upload_dir.iterdir())


def test_a_full_disk_is_told(
    app: Flask, client: FlaskClient, as_operator: Headers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_full_disk(*_: Any, **__: Any) -> IO[bytes]:
        return Path("/dev/full").open("wb")

    monkeypatch.setattr(UploadRequest, "_get_file_stream", open_full_disk)
    answer = send(client, as_operator, tmp_path)
    assert (answer.status_code, answer.json["code"]) == (503, "uploads.full")
    assert list_uploads(app) == []


@pytest.mark.parametrize("length_is_told", [True, False])
def test_what_waits_already_may_leave_no_room(
    make_app: MakeApp, tmp_path: Path, work: Work, length_is_told: bool
) -> None:
    size = write_fits(tmp_path / "a.fits").stat().st_size
    app = make_app(UPLOAD_QUOTA_BYTES=str(size * 2))
    client, (sender, other) = app.test_client(), [make_headers(app, name, is_admin=True) for name in ("one", "other")]
    assert send(client, sender, tmp_path, length_is_told).status_code == 202
    refused = send(client, sender, tmp_path, length_is_told)
    assert (refused.status_code, refused.json["code"], refused.headers["Retry-After"]) == (503, "uploads.quota", "10")
    assert len(list_uploads(app)) == 1
    assert send(client, other, tmp_path, length_is_told).status_code == 202
    work()
    assert send(client, sender, tmp_path, length_is_told).status_code == 202


@pytest.mark.parametrize("length_is_told", [True, False])
def test_some_of_the_disk_stays_free(make_app: MakeApp, tmp_path: Path, length_is_told: bool) -> None:
    app = make_app(UPLOAD_RESERVE_BYTES=str(2**60))
    answer = send(app.test_client(), make_headers(app, "operator", is_admin=True), tmp_path, length_is_told)
    assert (answer.status_code, answer.json["code"]) == (503, "uploads.full")
    assert list_uploads(app) == []


def test_a_file_that_is_too_large_ever_is_the_senders_fault(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app(MAX_UPLOAD_BYTES="1000", UPLOAD_QUOTA_BYTES="100")
    assert send(app.test_client(), make_headers(app, "operator", is_admin=True), tmp_path).status_code == 413


def test_the_file_stays_where_the_database_may_have_its_job(
    app: Flask, client: FlaskClient, as_operator: Headers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose_connection() -> None:
        raise OperationalError("COMMIT", {}, Exception("server closed the connection unexpectedly"))

    monkeypatch.setattr(db.session, "commit", lose_connection)
    assert send(client, as_operator, tmp_path).status_code == 503
    assert len(list_uploads(app)) == 1
