"""``make bench-zip``: how fast zips stream, next to the same files one by one, and what memory the web server takes."""

import datetime as dt
import hashlib
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import click
import flask_migrate
import requests

from app import create_app
from app.config import AppConfig
from app.extensions import db
from app.processes import PROJECT_DIR, end_with_parent
from bench.machine import describe_machine, describe_versions
from bench.report import build_table, replace_section
from bench.workers import BenchError
from tests.services import LOOPBACK, NO_LIMITS, free_port, temporary_folder
from tests.stored_frames import add_stored_frame
from tests.web_server import WebServer, running_web_server

DOCUMENT = PROJECT_DIR / "docs" / "performance.md"
MB = 10**6
SETS = {"1,000 of 1 MB": (1000, MB), "100 of 30 MB": (100, 30 * MB)}
BLOCK_BYTES = 2**20
START_PATIENCE_S = 60.0
S3_SETTINGS = {
    "FILESTORE_TYPE": "s3",
    "BUCKET": "bench",
    "S3_ADDRESSING_STYLE": "path",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_DEFAULT_REGION": "us-east-1",
}
COLUMNS = ("files", "store", "first byte", "zip MB/s", "one by one MB/s", "idle MiB", "peak above it MiB")


@dataclass(frozen=True)
class Sent:
    """What came over HTTP, and when."""

    size: int  # bytes
    first_byte_s: float
    whole_s: float

    @property
    def mb_per_s(self) -> float:
        return self.size / MB / self.whole_s


def drain(answers: Iterable[requests.Response]) -> Sent:
    """Take in some answers, one after the other, as fast as they come."""
    begin_s, first_byte_s, size = time.monotonic(), None, 0
    for answer in answers:
        with answer:
            answer.raise_for_status()
            while block := answer.raw.read(BLOCK_BYTES):
                first_byte_s = first_byte_s or time.monotonic()
                size += len(block)
    return Sent(size, (first_byte_s or begin_s) - begin_s, time.monotonic() - begin_s)


def ask_for_zip(server: WebServer, ids: list[int]) -> requests.Response:
    return requests.post(f"{server.url}/frames/zip/", json={"frame_ids": ids}, stream=True, timeout=600)


def ask_one_by_one(server: WebServer, count: int) -> Iterator[requests.Response]:
    with requests.Session() as session:
        listed = session.get(f"{server.url}/frames/", params={"limit": count}, timeout=600).json()["results"]
        for record in listed:
            yield session.get(record["url"], stream=True, timeout=600)


def measure(server: WebServer, ids: list[int]) -> list[str]:
    """Measure one zip and its files one by one; the zip is also checked whole."""
    drain([ask_for_zip(server, ids[:2])])
    server.forget_peak()
    idle_mib = server.measure_memory_mib()
    zipped = drain([ask_for_zip(server, ids)])
    peak_mib = server.measure_peak_mib() - idle_mib
    singly = drain(ask_one_by_one(server, len(ids)))
    check(server, ids)
    figures = (zipped.mb_per_s, singly.mb_per_s, idle_mib, peak_mib)
    return [f"{zipped.first_byte_s * 1000:.0f} ms", *(f"{figure:.0f}" for figure in figures)]


def check(server: WebServer, ids: list[int]) -> None:
    """Make sure that a zip opens with unzip and with Python, and that every md5 is the manifest's."""
    with temporary_folder() as folder:
        path = folder / "all.zip"
        with ask_for_zip(server, ids) as answer, path.open("wb") as file:
            while block := answer.raw.read(BLOCK_BYTES):
                file.write(block)
        subprocess.run(["unzip", "-tqq", path], check=True)
        with zipfile.ZipFile(path) as opened:
            manifest, *names = opened.namelist()
            rows = [line.split("\t") for line in opened.read(manifest).decode().splitlines()[1:]]
            wrong = [row for row, name in zip(rows, names, strict=True) if compute_md5(opened, name) != row[2]]
        if wrong or len(rows) != len(ids):
            raise BenchError(f"The zip is not what its manifest says: {wrong}")


def compute_md5(opened: zipfile.ZipFile, name: str) -> str:
    with opened.open(name) as content:
        md5 = hashlib.md5(usedforsecurity=False)
        while block := content.read(BLOCK_BYTES):
            md5.update(block)
        return md5.hexdigest()


def fill(settings: Mapping[str, str], count: int, size: int) -> list[int]:
    """Make an archive with as many frames, each of other bytes, and return their ids."""
    app = create_app(AppConfig.from_env(settings))
    rest = os.urandom(size - 8)
    with app.app_context():
        flask_migrate.upgrade()
        ids = [add_stored_frame(f"frame{place}", place.to_bytes(8, "big") + rest) for place in range(count)]
        db.engine.dispose()
    return ids


@contextmanager
def local_store(folder: Path) -> Iterator[dict[str, str]]:
    yield {"FILESTORE_TYPE": "local", "FILESYSTEM_STORAGE_ROOT_DIR": str(folder / "files")}


@contextmanager
def s3_store(folder: Path) -> Iterator[dict[str, str]]:
    """Run moto as a process of its own, so that it does not share a processor with who asks."""
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    with (folder / "moto.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "--host", LOOPBACK, "--port", str(port)],
            stdout=log,
            stderr=log,
            preexec_fn=end_with_parent,
        )
    try:
        wait_for_s3(url)
        keys = {name.lower(): S3_SETTINGS[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
        s3 = boto3.client("s3", endpoint_url=url, region_name=S3_SETTINGS["AWS_DEFAULT_REGION"], **keys)
        s3.create_bucket(Bucket=S3_SETTINGS["BUCKET"])
        yield S3_SETTINGS | {"S3_ENDPOINT_URL": url}
    finally:
        process.terminate()
        process.wait()


def wait_for_s3(url: str) -> None:
    deadline_s = time.monotonic() + START_PATIENCE_S
    while time.monotonic() < deadline_s:
        try:
            requests.get(url, timeout=5)
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    raise BenchError("The S3 server does not start.")


STORES = {"local": local_store, "S3": s3_store}


@contextmanager
def set_environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Set what the file store reads from the environment of this process, until the end."""
    before = dict(os.environ)
    os.environ.update(settings)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def measure_row(files: str, store: str, scale: float) -> list[str]:
    count, size = SETS[files]
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_folder())
        settings = (
            stack.enter_context(STORES[store](folder))
            | NO_LIMITS
            | {
                "DATA_DIR": str(folder),
                "DATABASE_URL": f"sqlite:///{folder / 'archive.db'}",
                "REDIS_URL": "redis://127.0.0.1:1",  # nothing is ingested: there is none
                "SECRET_KEY": "bench",
            }
        )
        stack.enter_context(set_environment(settings))
        ids = fill(settings, max(2, round(count * scale)), size)
        server = stack.enter_context(running_web_server(settings, folder / "web.log"))
        return [files, store, *measure(server, ids)]


@click.command()
@click.option("--scale", default=1.0, show_default=True, help="Part of the files, for a quick look.")
@click.option("--store", "stores", type=click.Choice(list(STORES)), multiple=True, default=list(STORES))
@click.option("--write", is_flag=True, help=f"Write the table into {DOCUMENT.relative_to(PROJECT_DIR)}.")
def main(scale: float, stores: tuple[str, ...], write: bool) -> None:
    """Measure zips, and print the table."""
    rows = []
    for store in stores:
        for files in SETS:
            rows.append(measure_row(files, store, scale))
            click.echo(" | ".join(rows[-1]), err=True)
    versions = describe_versions("zipstream-ng", "gunicorn", "boto3", "moto")
    report = f"{dt.datetime.now(dt.UTC):%Y-%m-%d}. {describe_machine()}. {versions}.\n\n{build_table(COLUMNS, rows)}"
    click.echo(report)
    if write:
        replace_section(DOCUMENT, "zip", report)


if __name__ == "__main__":
    main()
