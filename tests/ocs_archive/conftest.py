"""Fixtures of the library's tests: settings as the contract's defaults, data files, and one store of each kind."""

import io
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from ocs_archive.input.file import DataFile, File
from ocs_archive.settings import SETTINGS
from ocs_archive.storage.filestore import FileStore
from ocs_archive.storage.filesystemstore import FileSystemStore
from ocs_archive.storage.s3store import S3Store
from tests.fits_factory import FRAME_CARDS

MakeDataFile = Callable[..., DataFile]


@pytest.fixture(autouse=True)
def default_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting comes from the machine that runs the tests."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def make_data_file() -> MakeDataFile:
    """A function that makes a data file of some content, with every required header."""

    def make(content: bytes = b"content", name: str = "coj1m011-kb05-20240219-0125-e91.fits", **headers) -> DataFile:
        return DataFile(File(io.BytesIO(content), name), FRAME_CARDS | headers)

    return make


@pytest.fixture
def local_store(tmp_path: Path) -> FileSystemStore:
    return FileSystemStore(tmp_path / "store")


def set_s3_settings(monkeypatch: pytest.MonkeyPatch, server: str) -> None:
    environment = {
        "S3_ENDPOINT_URL": server,
        "S3_ADDRESSING_STYLE": "path",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def s3_settings(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that lead to the S3 server of the tests."""
    set_s3_settings(monkeypatch, s3_server)


@pytest.fixture(scope="session")
def connected_s3_store(s3_server: str) -> S3Store:
    """One store for all tests, as boto3 takes a second to make a client."""
    store = S3Store("bucket")
    with pytest.MonkeyPatch.context() as monkeypatch:
        set_s3_settings(monkeypatch, s3_server)
        assert store.client
    return store


@pytest.fixture
def unversioned_s3_store(connected_s3_store: S3Store) -> S3Store:
    """A store in a new bucket that keeps no versions."""
    connected_s3_store.bucket = f"plain-{uuid4().hex}"
    connected_s3_store.client.create_bucket(Bucket=connected_s3_store.bucket)
    return connected_s3_store


@pytest.fixture
def s3_store(unversioned_s3_store: S3Store) -> S3Store:
    """A store in a new bucket that keeps versions."""
    unversioned_s3_store.client.put_bucket_versioning(
        Bucket=unversioned_s3_store.bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    return unversioned_s3_store


@pytest.fixture(params=["local_store", "s3_store"])
def versioned_store(request: pytest.FixtureRequest) -> FileStore:
    """Each store that keeps every version."""
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["local_store", "s3_store", "unversioned_s3_store"])
def keeping_store(request: pytest.FixtureRequest) -> FileStore:
    """Each store that keeps files."""
    return request.getfixturevalue(request.param)
