"""The main job on running parts: a file goes in over HTTP, is found, and comes back byte for byte."""

import hashlib
import time

import pytest
import requests

from tests.fits_factory import write_fits


@pytest.mark.parametrize("live_archive", [(), ("postgresql", "redis", "s3")], indirect=True)
def test_a_file_goes_in_and_comes_back(live_archive, tmp_path):
    file = write_fits(tmp_path / "coj1m011-kb05-20240219-0125-e91.fits.fz", compressed=True, OBJECT="Whole Path")
    job = live_archive.ingest(file)
    assert job["state"] == "archived", job
    (frame,) = live_archive.request("GET", "/frames/?target_name=Whole Path").json()["results"]
    assert frame["basename"] == "coj1m011-kb05-20240219-0125-e91"
    content = requests.get(frame["url"], timeout=60).content  # without any header
    assert content == file.read_bytes()
    assert hashlib.md5(content).hexdigest() == frame["version_set"][0]["md5"]
    assert live_archive.ingest(file)["state"] == "already_archived"
    assert has_preview(live_archive, frame["id"])


def has_preview(live_archive, frame_id):
    """Say whether a frame gets its picture, within the time that a worker needs for one."""
    deadline_s = time.monotonic() + 30
    while time.monotonic() < deadline_s:
        answer = live_archive.request("GET", f"/frames/{frame_id}/previews/small.jpg")
        if answer.status_code == 200:
            return answer.content.startswith(b"\xff\xd8")
        time.sleep(0.2)
    return False
