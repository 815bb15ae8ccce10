"""The contract that every file store keeps."""

import hashlib
import io
import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings

from ocs_archive.input.file import DataFile, File, FileSpecificationException
from ocs_archive.storage.filestore import FileStore, FileStoreConnectionError, FileStoreSpecificationError
from tests.fits_factory import FRAME_CARDS
from tests.nasty_paths import HARDEST, PATHS, PlacedFile

PATH = "coj/kb05/20240219/processed/coj1m011-kb05-20240219-0125-e91.fits"


def read(store: FileStore, version_id: str = "") -> bytes | None:
    with store.get_fileobj(PATH, version_id) as fileobj:
        return None if fileobj is None else fileobj.read()


def test_stored_file_comes_back(keeping_store, make_data_file):
    version = keeping_store.store_file(make_data_file(b"one"))
    assert version["md5"] == hashlib.md5(b"one").hexdigest()
    assert version["extension"] == ".fits"
    assert read(keeping_store) == read(keeping_store, version["key"]) == b"one"
    assert keeping_store.get_file_size(PATH) == keeping_store.get_file_size(PATH, version["key"]) == 3


def test_what_is_received_is_what_is_looked_into_and_stored(keeping_store):
    with keeping_store.receive(File(io.BytesIO(b"one"), PATH)) as received:
        assert (received.get_md5(), len(received), str(received)) == (hashlib.md5(b"one").hexdigest(), 3, PATH[-36:])
        version = keeping_store.store_file(DataFile(received, FRAME_CARDS))
        assert received.get_from_start().read() == b"one"
    assert read(keeping_store, version["key"]) == b"one"


def test_what_is_received_and_not_stored_is_gone(keeping_store):
    with keeping_store.receive(File(io.BytesIO(b"one"), PATH)):
        assert read(keeping_store) is None
    assert list(keeping_store.list_files()) == []


def test_every_version_stays_and_the_last_is_the_newest(versioned_store, make_data_file):
    keys = [versioned_store.store_file(make_data_file(content))["key"] for content in (b"one", b"three")]
    assert [read(versioned_store, key) for key in (*keys, "")] == [b"one", b"three", b"three"]
    assert versioned_store.get_file_size(PATH, keys[0]) == 3


def test_deleting_the_newest_brings_back_the_one_before(versioned_store, make_data_file):
    for content in (b"one", b"two", b"three"):
        versioned_store.store_file(make_data_file(content))
    versioned_store.delete_file(PATH, "")
    assert read(versioned_store) == b"two"


def test_deleting_an_old_version_leaves_the_newest(versioned_store, make_data_file):
    old, new = (versioned_store.store_file(make_data_file(content))["key"] for content in (b"one", b"two"))
    versioned_store.delete_file(PATH, old)
    assert [read(versioned_store, key) for key in (old, new, "")] == [None, b"two", b"two"]


@pytest.mark.parametrize("by_key", [True, False])
def test_after_deleting_the_only_version_nothing_is_there(keeping_store, make_data_file, by_key):
    key = keeping_store.store_file(make_data_file())["key"]
    keeping_store.delete_file(PATH, key if by_key else "")
    assert read(keeping_store) is None
    with pytest.raises(FileStoreConnectionError, match="e91"):
        keeping_store.get_file_size(PATH)


def test_deleting_what_is_not_there_is_no_error(keeping_store):
    keeping_store.delete_file(PATH, "")


def test_error_of_the_reader_passes_through(keeping_store, make_data_file):
    keeping_store.store_file(make_data_file())
    with pytest.raises(ZeroDivisionError), keeping_store.get_fileobj(PATH):
        1 / 0  # noqa: B018 -- stands for any fault of the caller's own


def test_every_version_is_listed_by_its_key_the_newest_first(versioned_store, make_data_file):
    keys = [versioned_store.store_file(make_data_file(content))["key"] for content in (b"one", b"three")]
    new, old = versioned_store.list_files()
    assert [(file.path, file.key, file.size) for file in (old, new)] == [(PATH, keys[0], 3), (PATH, keys[1], 5)]
    assert old.modified <= new.modified
    assert abs(new.modified - datetime.now(UTC)) < timedelta(minutes=1)


def test_what_is_deleted_is_no_longer_listed(keeping_store, make_data_file):
    version = keeping_store.store_file(make_data_file())
    assert [file.key for file in keeping_store.list_files()] == [version["key"]]
    keeping_store.delete_file(PATH, version["key"])
    assert list(keeping_store.list_files()) == []


@pytest.mark.parametrize("prefix", ["", "coj", "coj/kb0", "coj/kb05/", PATH, f"{PATH}x", "lsc"])
def test_only_what_begins_with_a_prefix_is_listed(keeping_store, prefix):
    paths = ["coj/kb05.fits", PATH, "coj/kb06/x", "lsc/kb05/x"]
    for path in paths:
        keeping_store.store_file(PlacedFile(path))
    assert [file.path for file in keeping_store.list_files(prefix)] == [p for p in paths if p.startswith(prefix)]


EXAMPLES = itertools.count()


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(paths=PATHS)
@example(paths=HARDEST)
def test_files_are_listed_in_the_byte_order_of_whole_paths(keeping_store, paths):
    root = f"{next(EXAMPLES)}/"
    for path in paths:
        keeping_store.store_file(PlacedFile(root + path))
    listed = [file.path.removeprefix(root) for file in keeping_store.list_files(root)]
    assert listed == sorted(paths, key=str.encode)


def test_a_store_without_a_list_of_its_own_says_so():
    class ObservatoryStore(FileStore):
        """A store from before stores could be listed."""

    with pytest.raises(FileStoreSpecificationError, match=r"ObservatoryStore.*list_files"):
        ObservatoryStore().list_files()


@pytest.mark.parametrize("store", ["dummy_store", "local_store", "s3_store"])
def test_unsafe_path_is_refused_by_every_store(store, request, make_data_file):
    with pytest.raises(FileSpecificationException) as caught:
        request.getfixturevalue(store).store_file(make_data_file(SITEID="../../etc"))
    assert caught.value.code == "header.unsafe_path"


@pytest.fixture
def dummy_store():
    return FileStore()


def test_dummy_store_keeps_nothing(dummy_store, make_data_file):
    version = dummy_store.store_file(make_data_file(b"one"))
    assert version == {"key": version["key"], "md5": hashlib.md5(b"one").hexdigest(), "extension": ".fits"}
    assert version["key"]
    assert read(dummy_store) is None
    assert dummy_store.get_url(PATH, "", 60) == ""
    assert dummy_store.get_file_size(PATH) == 0
    assert list(dummy_store.list_files()) == []
    dummy_store.delete_file(PATH, version["key"])


@pytest.mark.usefixtures("s3_settings")
def test_a_store_that_can_take_a_file_passes_its_check(keeping_store):
    keeping_store.check()
