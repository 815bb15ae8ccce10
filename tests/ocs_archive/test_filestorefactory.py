"""Which store a setting names."""

import pytest

from ocs_archive.storage.filestore import FileStore, FileStoreSpecificationError
from ocs_archive.storage.filestorefactory import FileStoreFactory
from ocs_archive.storage.filesystemstore import FileSystemStore
from ocs_archive.storage.s3store import S3Store
from tests.contract.observatory import VaultStore


@pytest.mark.parametrize(("name", "store"), [("dummy", FileStore), ("local", FileSystemStore), ("s3", S3Store)])
def test_each_type_has_its_class(name, store, monkeypatch):
    assert FileStoreFactory.get_file_store_class(name) is store
    monkeypatch.setenv("FILESTORE_TYPE", name)
    assert FileStoreFactory.get_file_store_class() is store


def test_default_is_the_dummy():
    assert FileStoreFactory.get_file_store_class() is FileStore


def test_unknown_type_is_named():
    with pytest.raises(FileStoreSpecificationError, match=r"^Invalid FileStore type tape$"):
        FileStoreFactory.get_file_store_class("tape")


def test_an_observatorys_own_store_is_named_by_its_path():
    assert FileStoreFactory.get_file_store_class("tests.contract.observatory.VaultStore") is VaultStore


@pytest.mark.parametrize(
    "path", ["no.such.Store", "tests.contract.observatory.NoStore", "tests.live.LiveArchive", ".x"]
)
def test_a_path_that_leads_to_no_store_is_named(path):
    with pytest.raises(FileStoreSpecificationError, match=f"^Invalid FileStore type {path}: it "):
        FileStoreFactory.get_file_store_class(path)
