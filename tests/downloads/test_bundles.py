"""Zips from a running web server: memory, broken stores, clients that hang up, and what the logs say."""

import hashlib
import io
import os
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from flask import Flask

from tests.fixtures.application import SECRET_KEY, MakeApp
from tests.stored_frames import add_stored_frame
from tests.web_server import WebServer, running_web_server

MIB = 2**20
PARTIAL_FILE = 18  # curl's status for an answer that ends before its length


@pytest.fixture
def database_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """One database is enough here."""
    copy = tmp_path / "archive.db"
    copy.write_bytes(migrated_sqlite.read_bytes())
    return f"sqlite:///{copy}"


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app()


@pytest.fixture
def server(app: Flask, tmp_path: Path) -> Iterator[WebServer]:
    with running_web_server({"SECRET_KEY": SECRET_KEY}, tmp_path / "web.log") as running:
        yield running


def add_frames(app: Flask, *contents: bytes) -> list[int]:
    with app.app_context():
        return [add_stored_frame(f"f{place}", content) for place, content in enumerate(contents)]


def fetch_zip(server: WebServer, ids: list[int]) -> bytes:
    answer = requests.post(f"{server.url}/frames/zip/", json={"frame_ids": ids}, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.content


def wait_until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def test_memory_does_not_grow_with_the_zip(app: Flask, server: WebServer) -> None:
    contents = [os.urandom(12 * MIB) for _ in range(5)]
    ids = add_frames(app, *contents)
    fetch_zip(server, ids[:1])  # whatever is imported or connected at the first time
    server.forget_peak()
    idle_mib = server.measure_memory_mib()
    zipped = zipfile.ZipFile(io.BytesIO(fetch_zip(server, ids)))
    assert server.measure_peak_mib() - idle_mib < 40
    found = [hashlib.md5(zipped.read(name)).digest() for name in zipped.namelist()[1:]]
    assert found == [hashlib.md5(content).digest() for content in contents]


def test_a_file_that_differs_from_its_record_breaks_the_answer_off(
    app: Flask, server: WebServer, tmp_path: Path
) -> None:
    ids = add_frames(app, os.urandom(3 * MIB), os.urandom(MIB))
    (stored,) = (tmp_path / "files" / ".versions").rglob("f0.fits/*")
    with stored.open("r+b") as content:
        content.seek(2 * MIB)
        content.write(b"damaged")
    form = "&".join(f"frame_ids={frame_id}" for frame_id in ids)
    fetched = subprocess.run(
        ["curl", "--silent", "--output", tmp_path / "broken.zip", "--data", form, f"{server.url}/frames/zip/"]
    )
    assert fetched.returncode == PARTIAL_FILE
    assert requests.get(f"{server.url}/health/", timeout=10).ok
    assert "f0.fits" in server.log.read_text()


def test_nothing_stays_open_after_a_client_that_hangs_up(app: Flask, server: WebServer, tmp_path: Path) -> None:
    ids = add_frames(app, os.urandom(20 * MIB), os.urandom(MIB))
    with requests.post(f"{server.url}/frames/zip/", json={"frame_ids": ids}, stream=True, timeout=60) as answer:
        answer.raw.read(4 * MIB)
        assert server.list_open_files(tmp_path / "files")
    wait_until(lambda: not server.list_open_files(tmp_path / "files"))


def test_a_token_in_the_body_stays_out_of_the_logs(app: Flask, server: WebServer) -> None:
    form = {"frame_ids": "1", "auth_token": "very-secret-token"}
    assert requests.post(f"{server.url}/frames/zip/", data=form, timeout=10).status_code == 404
    wait_until(lambda: "/frames/zip/" in server.log.read_text())
    assert "very-secret-token" not in server.log.read_text()
