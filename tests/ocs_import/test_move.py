"""An observatory moves: between two running archives that share a bucket, with a kill on the way."""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from app.processes import PROJECT_DIR, end_with_parent
from ingest_worker.ingester import upload_file_and_ingest_to_archive
from tests.faults.proxy import Exchange, FaultProxy, fault_proxy
from tests.fits_factory import FRAME_CARDS, write_fits
from tests.fixtures.application import migrate
from tests.live import LiveArchive
from tests.services import PostgresServer
from tests.web_server import running_web_server

PREFIX = "coj1m011-kb05-20240219-"
RAW, REDUCED, BIAS, SECRET = (f"{PREFIX}{name}" for name in ("0801-e00", "0801-e91", "0802-b00", "0803-e91"))
#: What was submitted, in this order: file names, and what the headers say beside the usual.
FILES: list[tuple[str, dict[str, Any]]] = [
    (f"{RAW}.fits", {"RLEVEL": 0, "L1IDBIAS": None}),
    (f"{REDUCED}.fits.fz", {"L1IDBIAS": f"{BIAS}.fits", "ORIGNAME": f"{RAW}.fits", "OBJECT": "Eta Car"}),
    (f"{REDUCED}.fits.fz", {"L1IDBIAS": f"{BIAS}.fits", "ORIGNAME": f"{RAW}.fits", "OBJECT": "eta Car"}),
    (f"{BIAS}.fits", {"RLEVEL": 0, "OBSTYPE": "BIAS", "EXPTIME": 0.0, "OBJECT": "N/A", "L1IDBIAS": None}),
    (f"{SECRET}.fits", {"PROPID": "SECRET2026A-001", "L1PUBDAT": "2100-01-01T00:00:00", "L1IDBIAS": "not-there-yet"}),
]
OWN_TO_EACH = {"id", "url", "created", "modified", "related_frames", "version_set", "thumbnails"}
PATIENCE_S = 60


@pytest.fixture
def source(
    tmp_path: Path, live_s3: dict[str, str], migrated_sqlite: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LiveArchive]:
    """An archive that runs on SQLite, with frames of every shape, as a control system has sent them."""
    own = {"DATA_DIR": str(tmp_path), "SECRET_KEY": "source"}
    shutil.copyfile(migrated_sqlite, tmp_path / "archive.db")
    for name, value in live_s3.items():
        monkeypatch.setenv(name, value)
    with running_web_server(live_s3 | own, tmp_path / "source.log") as server:
        archive = LiveArchive(server.url, live_s3 | own)
        for name, cards in FILES:
            send(archive, write_fits(tmp_path / name, compressed=name.endswith(".fz"), **cards).read_bytes(), name)
        send(archive, b"\xff\xd8", f"{RAW}-small.jpg", FRAME_CARDS | {"frame_basename": RAW, "size": "small"})
        yield archive


def send(archive: LiveArchive, content: bytes, name: str, metadata: Mapping[str, Any] | None = None) -> None:
    api = {"api_root": f"{archive.url}/", "auth_token": archive.admin_token}
    upload_file_and_ingest_to_archive(io.BytesIO(content), name, metadata, **api)


@pytest.fixture
def target(tmp_path: Path, live_s3: dict[str, str], postgres: PostgresServer) -> Iterator[LiveArchive]:
    """An archive that runs on PostgreSQL, empty, with the bucket of the source."""
    folder = tmp_path / "target"
    own = {"DATA_DIR": str(folder), "DATABASE_URL": postgres.create_database(), "SECRET_KEY": "target"}
    migrate(own["DATABASE_URL"], folder)
    with running_web_server(live_s3 | own, tmp_path / "target.log") as server:
        yield LiveArchive(server.url, live_s3 | own)


def start_import(target: LiveArchive, url: str, token: str, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", "import-ocs", url, "--page", "1"],
            cwd=PROJECT_DIR,
            env=os.environ | target.settings | {"OCS_TOKEN": token},
            stdout=output,
            stderr=output,
            preexec_fn=end_with_parent,
        )


def kill_in_the_middle(proxy: FaultProxy, start: Callable[[], subprocess.Popen[bytes]]) -> None:
    """Kill the command when it asks for the third page: the first has been saved then."""
    reached, killed, cursors = threading.Event(), threading.Event(), set()

    def watch(exchange: Exchange) -> None:
        cursors.update(part for part in exchange.path.split("&") if part.startswith("cursor="))
        if len(cursors) == 2:
            reached.set()
            killed.wait(PATIENCE_S)
        exchange.pass_on()

    with proxy.misbehave(watch, 1.0):
        process = start()
        assert reached.wait(PATIENCE_S)
        process.kill()
        process.wait()
        killed.set()


def read(archive: LiveArchive) -> dict[str, dict[str, Any]]:
    """Return an archive's records by basename, each with its header, and without what is each archive's own."""
    records = archive.request("GET", "/frames/?include_thumbnails=true").json()["results"]
    return {record["basename"]: simplify(archive, record) for record in records}


def simplify(archive: LiveArchive, record: dict[str, Any]) -> dict[str, Any]:
    path = f"/frames/{record['id']}"
    related = archive.request("GET", f"{path}/related/").json()
    return {name: record[name] for name in record.keys() - OWN_TO_EACH} | {
        "area": np.array(record["area"]["coordinates"]).round(9).tolist(),  # PostGIS counts longitudes from -180°
        "headers": archive.request("GET", f"{path}/headers/").json(),
        "related": {other["basename"] for other in related},
        "versions": [drop(version, "id", "url") for version in record["version_set"]],
        "thumbnails": sorted((drop(picture, "id", "url") for picture in record["thumbnails"]), key=str),
    }


def drop(record: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in names}


def test_an_archive_moves(source: LiveArchive, target: LiveArchive, tmp_path: Path) -> None:
    log = tmp_path / "import.log"
    with fault_proxy(source.url, seed=1) as proxy:
        kill_in_the_middle(proxy, lambda: start_import(target, proxy.url, source.admin_token, log))
        assert read(target).keys() == {RAW}
        assert start_import(target, proxy.url, source.admin_token, log).wait(PATIENCE_S) == 0, log.read_text()
    there, here = read(source), read(target)
    assert there.keys() == {RAW, REDUCED, BIAS, SECRET}
    assert here == there
    assert (len(here[REDUCED]["versions"]), here[REDUCED]["related"]) == (2, {RAW, BIAS})
    assert here[RAW]["thumbnails"] == [{"size": "small", "width": None, "height": None}]

    records = target.request("GET", "/frames/?include_thumbnails=true").json()["results"]
    for version in (version for record in records for version in record["version_set"]):
        content = requests.get(version["url"], timeout=PATIENCE_S).content  # redirected to the bucket
        assert hashlib.md5(content).hexdigest() == version["md5"]
    (picture,) = (picture for record in records for picture in record["thumbnails"])
    assert requests.get(picture["url"], timeout=PATIENCE_S).content == b"\xff\xd8"
    assert requests.get(f"{target.url}/frames/", timeout=PATIENCE_S).json()["count"] == 3
