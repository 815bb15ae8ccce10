"""Ingest over HTTP: from the request to the rows, by a real worker on a real Redis."""

import json
import os
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.config import AppConfig
from app.extensions import get_queue
from tests.fits_factory import write_fits
from tests.fixtures.application import MakeApp
from tests.fixtures.ingest import Headers, Work, make_headers, upload

NAME = "coj1m011-kb05-20240219-0125-e91"


def test_an_uploaded_file_becomes_a_frame(
    client: FlaskClient, as_operator: Headers, work: Work, tmp_path: Path
) -> None:
    file = write_fits(tmp_path / f"{NAME}.fits.fz", compressed=True, L1PUBDAT="2024-02-20")
    job_id = upload(client, as_operator, file)
    assert client.get(f"/ingest/jobs/{job_id}", headers=as_operator).json["state"] == "queued"
    work()
    job = client.get(f"/ingest/jobs/{job_id}", headers=as_operator).json
    assert (job["state"], job["preview_state"], job["attempts"]) == ("archived", "made", 1)
    assert job["size"] == file.stat().st_size
    frame = client.get(job["frame_url"] + "?include_thumbnails=true").json
    assert (frame["basename"], frame["filename"], frame["OBJECT"]) == (NAME, file.name, "M84")
    assert frame["version_set"][0]["md5"] == job["md5"]
    assert client.get(frame["url"]).data == file.read_bytes()
    assert {thumbnail["size"] for thumbnail in frame["thumbnails"]} == {"small", "large"}
    assert client.get(frame["thumbnails"][0]["url"]).data.startswith(b"\xff\xd8")


def test_an_upload_leaves_nothing_in_the_upload_folder(
    app: Flask, client: FlaskClient, as_operator: Headers, work: Work, tmp_path: Path
) -> None:
    config: AppConfig = app.config["ARCHIVE"]
    upload(client, as_operator, write_fits(tmp_path / f"{NAME}.fits"))
    assert len(list(config.upload_dir.iterdir())) == 1
    work()
    assert list(config.upload_dir.iterdir()) == []
    refused = client.post("/ingest/jobs", data={"file_metadata": "{}"}, headers=as_operator)
    assert refused.status_code == 400
    assert list(config.upload_dir.iterdir()) == []


def test_the_same_file_again_is_success_of_its_own_kind(
    client: FlaskClient, as_operator: Headers, work: Work, tmp_path: Path
) -> None:
    file = write_fits(tmp_path / f"{NAME}.fits")
    first, second = upload(client, as_operator, file), upload(client, as_operator, file)
    work()
    jobs = [client.get(f"/ingest/jobs/{number}", headers=as_operator).json for number in (first, second)]
    assert [job["state"] for job in jobs] == ["archived", "already_archived"]
    assert jobs[0]["frame_id"] == jobs[1]["frame_id"]
    assert len(client.get(jobs[0]["frame_url"], headers=as_operator).json["version_set"]) == 1


def test_another_content_of_a_known_name_is_a_new_version(
    client: FlaskClient, as_operator: Headers, work: Work, tmp_path: Path
) -> None:
    old = write_fits(tmp_path / "old" / f"{NAME}.fits", L1PUBDAT="2024-02-20")
    new = write_fits(tmp_path / "new" / f"{NAME}.fits", L1PUBDAT="2024-02-20", OBJECT="M 84, mended")
    for file in (old, new):
        upload(client, as_operator, file)
        work()
    (frame,) = client.get("/frames/").json["results"]
    assert frame["target_name"] == "M 84, mended"
    assert [client.get(version["url"]).data for version in frame["version_set"]] == [new.read_bytes(), old.read_bytes()]
    assert client.get(frame["url"]).data == new.read_bytes()


def test_a_file_below_a_root_is_taken_by_its_path(make_app: MakeApp, tmp_path: Path, work: Work) -> None:
    app = make_app(INGEST_ROOTS=str(tmp_path / "night"))
    client, headers = app.test_client(), make_headers(app, "tcs", is_admin=True)
    file = write_fits(tmp_path / "night" / f"{NAME}.fits")
    answer = client.post("/ingest/jobs", json={"filepath": str(file)}, headers=headers)
    assert answer.status_code == 202
    assert answer.headers["Location"] == answer.json["url"]
    with app.app_context():
        assert get_queue("ingest").count == 1


def test_a_path_outside_the_roots_is_refused(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app(INGEST_ROOTS=str(tmp_path / "night"))
    client, headers = app.test_client(), make_headers(app, "tcs", is_admin=True)
    outside = write_fits(tmp_path / "day" / f"{NAME}.fits")
    (tmp_path / "night").mkdir()
    link = tmp_path / "night" / "link.fits"
    link.symlink_to(outside)
    for path in (outside, link, tmp_path / "night" / ".." / "day" / outside.name, Path("/etc/passwd")):
        answer = client.post("/ingest/jobs", json={"filepath": str(path)}, headers=headers)
        assert (answer.status_code, answer.json["code"]) == (400, "path.outside_roots"), path
    assert client.get("/ingest/jobs", headers=headers).json["results"] == []


def test_metadata_comes_along_with_a_thumbnail(
    client: FlaskClient, as_operator: Headers, work: Work, tmp_path: Path
) -> None:
    picture = tmp_path / "somewhere-small.jpg"
    picture.write_bytes(b"\xff\xd8 not really a picture")
    metadata = {"frame_basename": NAME, "size": "small", "DATE-OBS": "2024-02-19T13:56:05", "DAY-OBS": "20240219"}
    metadata |= {"INSTRUME": "kb05", "SITEID": "coj", "TELID": "1m0a"}
    job_id = upload(client, as_operator, picture, file_metadata=json.dumps(metadata))
    work()
    frame_id = client.get(f"/ingest/jobs/{job_id}", headers=as_operator).json["frame_id"]
    frame = client.get(f"/frames/{frame_id}/?include_thumbnails=true", headers=as_operator).json
    assert (frame["basename"], frame["version_set"]) == (NAME, [])
    assert client.get(frame["thumbnails"][0]["url"], headers=as_operator).data == picture.read_bytes()


def test_only_operators_may_ingest(client: FlaskClient, as_member: Headers) -> None:
    for headers, status in (({}, 401), (as_member, 403), ({"Authorization": "Token none"}, 401)):
        for method, path in (("POST", "/ingest/jobs"), ("GET", "/ingest/jobs"), ("GET", "/ingest/jobs/1")):
            assert client.open(path, method=method, headers=headers, json={}).status_code == status


def test_jobs_can_be_filtered_and_are_counted_by_state(
    client: FlaskClient, as_operator: Headers, work: Work, tmp_path: Path
) -> None:
    junk = tmp_path / "junk.fits"
    junk.write_bytes(b"no FITS file at all")
    upload(client, as_operator, junk)
    upload(client, as_operator, write_fits(tmp_path / f"{NAME}.fits"))
    work()
    listed = client.get("/ingest/jobs?state=failed&filename=JUNK", headers=as_operator).json
    assert [job["filename"] for job in listed["results"]] == ["junk.fits"]
    assert sum(listed["counts"].values()) == listed["counts"]["failed"] == 1
    assert client.get("/ingest/jobs", headers=as_operator).json["counts"] == {
        "queued": 0,
        "running": 0,
        "waiting": 0,
        "archived": 1,
        "already_archived": 0,
        "failed": 1,
    }
    assert client.get("/ingest/jobs?state=lost", headers=as_operator).status_code == 400
    assert client.get("/ingest/jobs/99", headers=as_operator).status_code == 404


def test_a_job_waits_in_the_database_when_redis_lost_it(
    app: Flask, client: FlaskClient, as_operator: Headers, work: Work, tmp_path: Path
) -> None:
    job_id = upload(client, as_operator, write_fits(tmp_path / f"{NAME}.fits"))
    app.extensions["redis"].flushdb()
    work()
    assert client.get(f"/ingest/jobs/{job_id}", headers=as_operator).json["state"] == "archived"


def test_a_job_is_taken_in_while_redis_is_away(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app(REDIS_URL="redis://127.0.0.1:1/0")
    headers = make_headers(app, "tcs", is_admin=True)
    assert upload(app.test_client(), headers, write_fits(tmp_path / f"{NAME}.fits"))


def test_bad_file_names_are_refused(client: FlaskClient, as_operator: Headers, tmp_path: Path) -> None:
    file = write_fits(tmp_path / "good.fits")
    for name in ("", ".hidden.fits", "a/b.fits", "n" * 300 + ".fits"):
        with file.open("rb") as content:
            answer = client.post("/ingest/jobs", data={"file": (content, name)}, headers=as_operator)
        assert answer.status_code == 400, name


def test_a_preview_that_crashes_takes_nothing_with_it(
    client: FlaskClient, as_operator: Headers, work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest_worker.jobs.build_previews", lambda _path: os._exit(1))
    job_id = upload(client, as_operator, write_fits(tmp_path / f"{NAME}.fits"))
    work()
    job = client.get(f"/ingest/jobs/{job_id}", headers=as_operator).json
    assert (job["state"], job["preview_state"]) == ("archived", "failed")
