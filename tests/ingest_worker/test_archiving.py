"""From file to frame: what is kept of odd records, thumbnails, and two workers whose frames name each other."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.config import AppConfig
from app.extensions import db, get_file_store
from app.frames import actions
from app.ingest.models import IngestJob
from ingest_worker.cli import worker
from ingest_worker.jobs import run_ingest_job
from tests.fits_factory import write_fits
from tests.fixtures.application import MakeApp
from tests.fixtures.ingest import Headers, Work, make_headers, upload

NAME = "coj1m011-kb05-20240219-0125-e91"
THUMBNAIL = {"frame_basename": NAME, "size": "small", "DATE-OBS": "2024-02-19T13:56:05", "DAY-OBS": "20240219"}
THUMBNAIL |= {"INSTRUME": "kb05", "SITEID": "coj", "TELID": "1m0a"}


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    (tmp_path / "somewhere-small.jpg").write_bytes(b"\xff\xd8 not really a picture")
    return tmp_path / "somewhere-small.jpg"


def read_job(client: FlaskClient, headers: Headers, job_id: int) -> dict[str, Any]:
    job: dict[str, Any] = client.get(f"/ingest/jobs/{job_id}", headers=headers).json
    return job


def test_the_same_thumbnail_again_is_not_stored_again(
    client: FlaskClient, as_operator: Headers, work: Work, picture: Path
) -> None:
    def send(**metadata: str) -> dict[str, Any]:
        job_id = upload(client, as_operator, picture, file_metadata=json.dumps(THUMBNAIL | metadata))
        work()
        return read_job(client, as_operator, job_id)

    first, second, other = send(), send(), send(frame_basename="other")
    assert [job["state"] for job in (first, second, other)] == ["archived", "already_archived", "archived"]
    assert first["frame_id"] == second["frame_id"] != other["frame_id"]
    assert client.get("/thumbnails/").json["count"] == 2  # their frames are to come; by now they are public
    picture.write_bytes(b"\xff\xd8 another")
    assert send()["state"] == "archived"
    frame = client.get(f"/frames/{first['frame_id']}/?include_thumbnails=true", headers=as_operator).json
    (thumbnail,) = frame["thumbnails"]
    assert client.get(thumbnail["url"], headers=as_operator).data == picture.read_bytes()


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ({"size": "huge"}, "metadata.bad_thumbnail"),
        ({"frame_basename": ""}, "metadata.bad_thumbnail"),
        ({"frame_basename": "n" * 256}, "metadata.bad_thumbnail"),
        ({}, "thumbnail.too_large"),
    ],
)
def test_a_thumbnail_that_shows_no_frame_is_refused(
    metadata: dict[str, str], code: str, client: FlaskClient, as_operator: Headers, work: Work, picture: Path
) -> None:
    if not metadata:
        picture.write_bytes(b"\xff\xd8" + bytes(16 * 2**20))
    job_id = upload(client, as_operator, picture, file_metadata=json.dumps(THUMBNAIL | metadata))
    work()
    job = read_job(client, as_operator, job_id)
    assert (job["error_class"], job["error_code"]) == ("DoNotRetryError", code)


def test_what_is_wrong_with_a_record_is_said_in_words(
    client: FlaskClient, as_operator: Headers, work: Work, tmp_path: Path
) -> None:
    file = write_fits(tmp_path / f"{NAME}.fits", OBJECT="M" * 500)
    ids = [upload(client, as_operator, file)]
    long = json.dumps({"OBJECT": "M" * 501})
    ids.append(upload(client, as_operator, write_fits(tmp_path / "long.fits"), file_metadata=long))
    work()
    good, bad = (read_job(client, as_operator, job_id) for job_id in ids)
    assert (good["state"], bad["error_code"]) == ("archived", "record.invalid")
    assert bad["error_message"] == "long.fits: target_name: Must be at most 500 characters long."


def test_a_footprint_that_cannot_be_searched_is_left_out(
    client: FlaskClient, as_operator: Headers, work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bow_tie = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
    monkeypatch.setattr("ocs_archive.input.file.DataFile.get_wcs_corners", lambda _file: bow_tie)
    job_id = upload(client, as_operator, write_fits(tmp_path / f"{NAME}.fits", L1PUBDAT="2024-02-20"))
    work()
    job = read_job(client, as_operator, job_id)
    assert job["state"] == "archived"
    assert client.get(job["frame_url"]).json["area"] is None


def test_a_path_that_is_too_long_is_not_tried_again(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app(INGEST_ROOTS=str(tmp_path))
    client, headers = app.test_client(), make_headers(app, "tcs", is_admin=True)
    sent = client.post("/ingest/jobs", json={"filepath": f"{tmp_path}/{'n' * 300}.fits"}, headers=headers)
    app.test_cli_runner().invoke(worker, ["--burst"])
    job = read_job(client, headers, sent.json["id"])
    assert (job["state"], job["error_code"]) == ("failed", "path.unusable")


def test_an_upload_is_kept_until_its_job_ends_well(
    app: Flask, client: FlaskClient, as_operator: Headers, work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config: AppConfig = app.config["ARCHIVE"]
    file = write_fits(tmp_path / f"{NAME}.fits")
    job_id = upload(client, as_operator, file)
    with app.app_context(), monkeypatch.context() as patch:
        patch.setattr(get_file_store(), "get_file_size", lambda *_place: 0)
        work()
    assert read_job(client, as_operator, job_id)["state"] == "waiting"
    assert len(list(config.upload_dir.iterdir())) == 1
    client.post(f"/ingest/jobs/{job_id}/retry", headers=as_operator)
    upload(client, as_operator, file)  # and once more
    work()
    counts = client.get("/ingest/jobs", headers=as_operator).json["counts"]
    assert (counts["archived"], counts["already_archived"]) == (1, 1)
    assert list(config.upload_dir.iterdir()) == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has one writer at a time
def test_two_workers_save_frames_that_name_each_other(
    app: Flask, client: FlaskClient, as_operator: Headers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        for basename in ("one", "two"):
            actions.save_thumbnail(basename, "small", key="", md5="", extension="", store_path="")
        db.session.commit()
    files = [write_fits(tmp_path / f"{a}.fits", L1IDBIAS=b) for a, b in (("one", "two"), ("two", "one"))]
    both_have_locked, owe = threading.Barrier(2, timeout=10), actions.owe

    def wait_for_the_other(*owed: Any) -> None:
        both_have_locked.wait()
        owe(*owed)

    def run(job_id: int) -> None:
        with app.app_context():
            run_ingest_job(job_id)

    ids = [upload(client, as_operator, file) for file in files]
    monkeypatch.setattr(actions, "owe", wait_for_the_other)
    threads = [threading.Thread(target=run, args=(job_id,)) for job_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with app.app_context():
        assert [db.session.get_one(IngestJob, job_id).state for job_id in ids] == ["archived", "archived"]
