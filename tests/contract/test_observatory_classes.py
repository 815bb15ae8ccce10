"""An observatory's own file type and file store, named in the settings, do in the archive what they do in the OCS."""

from pathlib import Path

import pytest
from flask import Flask

from ingest_worker.cli import worker
from tests.fits_factory import write_fits
from tests.fixtures.application import MakeApp
from tests.fixtures.ingest import make_headers, upload
from tests.posted_frames import build_post

NAME = "coj1m011-kb05-20240219-0125-e91"
STORED = f"spectra+20240219+M84+{NAME}.spec.fits"


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(
        FILESTORE_TYPE="tests.contract.observatory.VaultStore",
        FILETYPE_MAPPING_OVERRIDES="{'.spec.fits': 'tests.contract.observatory.SpectrumFile'}",
    )


def test_a_file_is_kept_by_their_rules(app: Flask, tmp_path: Path) -> None:
    client, headers = app.test_client(), make_headers(app, "tcs", is_admin=True)
    file = write_fits(tmp_path / f"{NAME}.spec.fits", L1PUBDAT="2024-02-20")
    job_id = upload(client, headers, file)
    done = app.test_cli_runner().invoke(worker, ["--burst"])
    job = client.get(f"/ingest/jobs/{job_id}", headers=headers).json
    assert (job["state"], job["preview_state"]) == ("archived", "made"), done.output
    assert (tmp_path / "files" / STORED).read_bytes() == file.read_bytes()
    link = client.get(f"/frames/{job['frame_id']}/").json["url"]
    assert client.get(link).headers["Location"] == f"https://vault.example/spectra/20240219/M84/{NAME}.spec.fits"
    assert client.get(f"/frames/{job['frame_id']}/previews/small.jpg").data.startswith(b"\xff\xd8")


def test_a_posted_file_is_found_by_their_rules(app: Flask, tmp_path: Path) -> None:
    client, headers = app.test_client(), make_headers(app, "tcs", is_admin=True)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / STORED).write_bytes(b"pixels")
    body = build_post(NAME, b"pixels", headers={"OBJECT": "M84", "DAY-OBS": "20240219"})
    body["version_set"][0]["extension"] = ".spec.fits"
    answer = client.post("/frames/", json=body, headers=headers)
    assert (answer.status_code, answer.json["version_set"][0]["size"]) == (201, len(b"pixels")), answer.text
