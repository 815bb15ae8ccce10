"""Fixtures of the audit's tests: an archive with files, on each database and in each store, and its audit."""

import datetime as dt
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from app.audit import cli
from app.extensions import db
from app.frames.actions import save_thumbnail
from app.frames.models import Thumbnail, Version
from ocs_archive.input.file import DataFile, File
from ocs_archive.input.thumbnailfile import ThumbnailFile
from ocs_archive.storage.filestore import FileStore
from ocs_archive.storage.filesystemstore import FileSystemStore
from ocs_archive.storage.s3store import S3Store
from tests.fits_factory import FRAME_CARDS
from tests.fixtures.application import MakeApp
from tests.frames_factory import add_frame
from tests.ocs_archive.conftest import set_s3_settings

FOLDER = "coj/kb05/20240219"


@dataclass
class Audited:
    """What one audit said."""

    status: int
    output: str
    findings: list[dict[str, Any]]
    summary: dict[str, Any]

    @property
    def found(self) -> list[tuple[str, str, str]]:
        """What was found, the names of the files, and what became of them."""
        return [(line["finding"], line["path"].rpartition("/")[2], line["outcome"]) for line in self.findings]


@dataclass
class Archive:
    """An archive: its application, and a folder for reports."""

    app: Flask
    folder: Path

    @property
    def store(self) -> FileStore:
        return self.app.extensions["file_store"]

    @property
    def keeps_versions_by_id(self) -> bool:
        """Whether the store calls the same content, stored again, another version."""
        return not isinstance(self.store, FileSystemStore)

    def store_file(self, name: str, content: bytes) -> dict[str, Any]:
        """Store a file without rows, and return its version's fields."""
        file = DataFile(File(io.BytesIO(content), name), FRAME_CARDS)
        return self.store.store_file(file) | {"size": len(content), "store_path": file.get_filestore_path()}

    def add(self, basename: str, content: bytes = b"content", **overrides: Any) -> dict[str, Any]:
        """Store a file and write its rows, and return its version's fields."""
        version = self.store_file(f"{basename}.fits", content + basename.encode()) | overrides
        with self.app.app_context():
            add_frame(basename, version_set=[version])
        return version

    def store_picture(self, basename: str, content: bytes = b"jpeg") -> dict[str, str]:
        metadata = FRAME_CARDS | {"frame_basename": basename, "size": "small"}
        picture = ThumbnailFile(File(io.BytesIO(content), f"{basename}-small.jpg"), metadata)
        return self.store.store_file(picture) | {"store_path": picture.get_filestore_path()}

    def add_thumbnail(self, basename: str, content: bytes = b"jpeg") -> dict[str, str]:
        stored = self.store_picture(basename, content)
        with self.app.app_context():
            save_thumbnail(basename, "small", **stored)
            db.session.commit()
        return stored

    def read_faults(self) -> list[str]:
        """Return what the rows say of their files, versions first."""
        with self.app.app_context():
            return [
                fault
                for model in (Version, Thumbnail)
                for fault in db.session.scalars(db.select(model.file_fault).order_by(model.id))
            ]

    def audit(self, *options: str, is_complete: bool = True) -> Audited:
        """Run the command, which must come to its end or, where that is expected, say why it could not."""
        report = self.folder / "report.jsonl"
        done = self.app.test_cli_runner().invoke(args=["audit", "--report", str(report), *options])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
        *findings, last = (json.loads(line) for line in report.read_text().splitlines())
        assert last["summary"]["is_complete"] is is_complete, done.output
        assert done.exit_code == (2 if not is_complete else 1 if last["summary"]["remaining"] else 0)
        return Audited(done.exit_code, done.output, findings, last["summary"])


@pytest.fixture(scope="session")
def bucket_store(s3_server: str) -> S3Store:
    """One store for all tests, as boto3 takes a second to make a client."""
    store = S3Store("bucket")
    with pytest.MonkeyPatch.context() as monkeypatch:
        set_s3_settings(monkeypatch, s3_server)
        assert store.client
    return store


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[dt.timedelta], None]:
    """A function that moves the audit's clock ahead: what the test has made is so much older then."""

    def move(ahead: dt.timedelta) -> None:
        monkeypatch.setattr(cli, "now", lambda: dt.datetime.now(dt.UTC) + ahead)

    return move


@pytest.fixture
def local_archive(make_app: MakeApp, tmp_path: Path, clock: Callable[[dt.timedelta], None]) -> Archive:
    """An archive in a folder, two days after what it has was stored."""
    clock(dt.timedelta(days=2))
    return Archive(make_app(), tmp_path)


@pytest.fixture
def plain_s3_archive(local_archive: Archive, bucket_store: S3Store) -> Archive:
    """The same in a bucket that keeps no versions."""
    bucket_store.bucket = f"audit-{uuid4().hex}"
    bucket_store.client.create_bucket(Bucket=bucket_store.bucket)
    local_archive.app.extensions["file_store"] = bucket_store
    return local_archive


@pytest.fixture
def s3_archive(plain_s3_archive: Archive, bucket_store: S3Store) -> Archive:
    """The same in a bucket that keeps versions."""
    versioning = {"Status": "Enabled"}
    bucket_store.client.put_bucket_versioning(Bucket=bucket_store.bucket, VersioningConfiguration=versioning)
    return plain_s3_archive


@pytest.fixture(params=["local", "s3"])
def archive(request: pytest.FixtureRequest, local_archive: Archive) -> Archive:
    """An archive in each store that keeps versions, two days after what it has was stored."""
    return local_archive if request.param == "local" else request.getfixturevalue("s3_archive")
