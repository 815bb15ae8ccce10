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
from tests.fixtures.ingest import Headers


def send(client: FlaskClient, headers: Headers, folder: Path) -> TestResponse:
    with write_fits(folder / "a.fits").open("rb") as content:
        return client.post("/ingest/jobs", data={"file": (content, "a.fits")}, headers=headers)


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


def test_the_file_stays_where_the_database_may_have_its_job(
    app: Flask, client: FlaskClient, as_operator: Headers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose_connection() -> None:
        raise OperationalError("COMMIT", {}, Exception("server closed the connection unexpectedly"))

    monkeypatch.setattr(db.session, "commit", lose_connection)
    assert send(client, as_operator, tmp_path).status_code == 503
    assert len(list_uploads(app)) == 1
