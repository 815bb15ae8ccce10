"""The main job on running parts: a file goes in over HTTP, is found, and comes back byte for byte."""

import hashlib

import pytest
import requests

from tests.fits_factory import write_fits


@pytest.mark.parametrize("live_archive", [(), ("postgresql", "redis", "s3")], indirect=True)
def test_a_file_goes_in_and_comes_back(live_archive, tmp_path):
    file = write_fits(tmp_path / "coj1m011-kb05-20240219-0125-e91.fits.fz", compressed=True)
    job = live_archive.ingest(file)
    assert job["state"] == "archived", job
    (frame,) = live_archive.request("GET", "/frames/?target_name=M84").json()["results"]
    assert frame["basename"] == "coj1m011-kb05-20240219-0125-e91"
    content = requests.get(frame["url"], timeout=60).content  # without any header
    assert content == file.read_bytes()
    assert hashlib.md5(content).hexdigest() == frame["version_set"][0]["md5"]
    assert live_archive.ingest(file)["state"] == "already_archived"
