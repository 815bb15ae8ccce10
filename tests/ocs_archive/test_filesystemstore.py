"""The local store: what is on the disk, and what happens when the disk fails."""

import errno
import hashlib
import io
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ocs_archive.input.file import DataFile, File
from ocs_archive.storage.filestore import FileStoreConnectionError, FileStoreSpecificationError
from ocs_archive.storage.filesystemstore import FileSystemStore
from tests.fits_factory import FRAME_CARDS
from tests.nasty_paths import PlacedFile

NAME = "coj1m011-kb05-20240219-0125-e91.fits"
PATH = f"coj/kb05/20240219/processed/{NAME}"


def list_files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_newest_is_at_its_path_and_each_version_at_its_md5(local_store, make_data_file):
    keys = [local_store.store_file(make_data_file(content))["md5"] for content in (b"one", b"two")]
    assert list_files(local_store.root) == {PATH, *(f".versions/{PATH}/{key}" for key in keys)}
    assert (local_store.root / PATH).samefile(local_store.root / ".versions" / PATH / keys[1])


def test_file_and_its_folders_are_on_the_disk(local_store, make_data_file, monkeypatch):
    synced = set()
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.add(os.fstat(descriptor).st_ino))
    local_store.store_file(make_data_file())
    newest = local_store.root / PATH
    version = next((local_store.root / ".versions" / PATH).iterdir())
    for path in (newest, newest.parent, version.parent, *newest.parents[1:4]):
        assert path.stat().st_ino in synced


def test_a_received_file_is_read_once_and_leaves_nothing_behind(local_store):
    class CountingFile(io.BytesIO):
        bytes_read = 0

        def read(self, size: int | None = -1) -> bytes:
            block = super().read(size)
            self.bytes_read += len(block)
            return block

    source = CountingFile(b"content")
    with local_store.receive(File(source, NAME)) as received:
        local_store.store_file(DataFile(received, FRAME_CARDS))
    assert source.bytes_read == len(b"content")
    with local_store.receive(File(source, NAME)):
        pass
    assert list((local_store.root / ".tmp").iterdir()) == []


def test_an_error_over_a_received_file_is_the_callers_own(local_store):
    with pytest.raises(OSError, match="mine"), local_store.receive(File(io.BytesIO(b"content"), NAME)):
        raise OSError("mine")
    assert list((local_store.root / ".tmp").iterdir()) == []


def test_same_content_again_changes_nothing(local_store, make_data_file):
    first = local_store.store_file(make_data_file(b"one"))
    before = (local_store.root / PATH).stat()
    assert local_store.store_file(make_data_file(b"one")) == first
    after = (local_store.root / PATH).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_older_content_again_is_the_newest_again(local_store, make_data_file):
    for content in (b"one", b"two", b"one"):
        local_store.store_file(make_data_file(content))
    assert (local_store.root / PATH).read_bytes() == b"one"
    local_store.delete_file(PATH, "")
    assert (local_store.root / PATH).read_bytes() == b"two"


def test_empty_folders_go_but_not_the_root(local_store, make_data_file):
    local_store.store_file(make_data_file())
    local_store.store_file(make_data_file(SITEID="lsc"))
    local_store.delete_file(PATH, "")
    assert {entry.name for entry in local_store.root.iterdir()} == {"lsc", ".versions", ".tmp"}
    local_store.delete_file(PATH.replace("coj", "lsc", 1), "")
    assert {entry.name for entry in local_store.root.iterdir()} <= {".tmp"}


def test_copies_where_there_are_no_hard_links(local_store, make_data_file, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    for content in (b"one", b"two"):
        local_store.store_file(make_data_file(content))
    local_store.delete_file(PATH, "")
    assert (local_store.root / PATH).read_bytes() == b"one"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EIO])
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_failing_disk_is_a_connection_error_and_leaves_nothing(local_store, make_data_file, monkeypatch, code, step):
    local_store.store_file(make_data_file(b"one"))
    before = list_files(local_store.root)

    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(FileStoreConnectionError, match=f"{NAME}.*{os.strerror(code)}"):
        local_store.store_file(make_data_file(b"two"))
    assert list_files(local_store.root) == before
    assert (local_store.root / PATH).read_bytes() == b"one"


def test_source_that_fails_midway_leaves_nothing(local_store):
    class FailingFile(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() >= 2**20:
                raise OSError(errno.EIO, "gone")
            return super().read(size)

    with pytest.raises(FileStoreConnectionError, match="gone"):
        local_store.store_file(DataFile(File(FailingFile(bytes(2**21)), NAME), FRAME_CARDS))
    assert list_files(local_store.root) == set()


UNSAFE_PATHS = ["", "../outside", "a/../../outside", "/etc/passwd", "a//b", "a/./b", "a\0b", ".versions/a", ".tmp/a"]


@pytest.mark.parametrize("path", UNSAFE_PATHS)
def test_path_that_leaves_the_root_is_refused(local_store, path):
    calls = [
        lambda: local_store.delete_file(path, ""),
        lambda: local_store.get_file_size(path),
        lambda: local_store.get_fileobj(path).__enter__(),
    ]
    for call in calls:
        with pytest.raises(FileStoreSpecificationError):
            call()


@pytest.mark.parametrize("version_id", ["../a", "..", "/etc/passwd", "a/b", "\0"])
def test_version_id_is_no_way_out_either(local_store, version_id):
    with pytest.raises(FileStoreSpecificationError):
        local_store.get_file_size(PATH, version_id)


def test_symbolic_link_that_leads_out_is_refused(local_store, make_data_file, tmp_path):
    (tmp_path / "outside").mkdir()
    local_store.root.mkdir()
    (local_store.root / "coj").symlink_to(tmp_path / "outside")
    with pytest.raises(FileStoreSpecificationError):
        local_store.store_file(make_data_file())
    assert list((tmp_path / "outside").iterdir()) == []


def test_name_too_long_is_no_transient_error(local_store, make_data_file):
    with pytest.raises(FileStoreSpecificationError):
        local_store.store_file(make_data_file(name="é" * 200 + ".fits"))


def test_writers_at_the_same_time_leave_whole_versions(local_store, make_data_file):
    contents = [bytes([number]) * 3_000_000 for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        keys = list(threads.map(lambda content: local_store.store_file(make_data_file(content))["key"], contents))
    for key, content in zip(keys, contents, strict=True):
        assert (local_store.root / ".versions" / PATH / key).read_bytes() == content
    assert (local_store.root / PATH).read_bytes() in contents
    assert not any((local_store.root / ".tmp").iterdir())


@pytest.mark.parametrize("root_dir", [None, ""])
def test_root_must_be_set(root_dir):
    with pytest.raises(FileStoreSpecificationError, match="FILESYSTEM_STORAGE_ROOT_DIR"):
        FileSystemStore(root_dir)


def test_root_and_base_url_come_from_the_settings(tmp_path, monkeypatch, make_data_file):
    monkeypatch.setenv("FILESYSTEM_STORAGE_ROOT_DIR", str(tmp_path))
    monkeypatch.setenv("FILESYSTEM_STORAGE_BASE_URL", "https://archive.example/files/")
    store = FileSystemStore()
    store.store_file(make_data_file())
    assert (tmp_path / PATH).is_file()
    assert store.get_url(PATH, "", 60) == f"https://archive.example/files/{PATH}"


def put(store: FileSystemStore, path: str) -> None:
    """Put a file into the store's folder, as a person would."""
    (store.root / path).parent.mkdir(parents=True, exist_ok=True)
    (store.root / path).write_bytes(b"put")


def test_what_the_store_did_not_put_there_is_listed_without_a_key(local_store, make_data_file):
    version = local_store.store_file(make_data_file())
    put(local_store, "coj/kb05.txt")
    (local_store.root / PATH).unlink()
    put(local_store, PATH)
    not_unicode = os.fsdecode(b"coj/\xff.txt")
    put(local_store, not_unicode)
    listed = [(file.path, file.key) for file in local_store.list_files()]
    assert listed == [("coj/kb05.txt", ""), (PATH, ""), (PATH, version["key"]), (not_unicode, "")]


def test_copy_is_listed_once(local_store, make_data_file, monkeypatch):
    monkeypatch.setattr(Path, "hardlink_to", lambda *_: (_ for _ in ()).throw(OSError(errno.EPERM, "no hard links")))
    keys = [local_store.store_file(make_data_file(content))["key"] for content in (b"one", b"two")]
    assert [file.key for file in local_store.list_files()] == keys[::-1]


def test_half_written_files_links_and_pipes_are_not_listed(local_store, make_data_file, tmp_path):
    version = local_store.store_file(make_data_file())
    (local_store.temporary_folder / "0").touch()
    (local_store.root / "link").symlink_to(tmp_path)
    (local_store.root / ".versions" / "loop").symlink_to("loop")
    os.mkfifo(local_store.root / ".versions" / PATH / "pipe")
    assert [file.key for file in local_store.list_files()] == [version["key"]]


def test_what_goes_while_it_is_listed_is_passed_over(local_store):
    for path in ("a/x", "b/x", "c/x"):
        local_store.store_file(PlacedFile(path))
    listed = local_store.list_files()
    assert next(listed).path == "a/x"
    local_store.delete_file("b/x", "")
    assert [file.path for file in listed] == ["c/x"]


def test_a_folder_that_can_not_be_read_is_an_error(local_store, make_data_file, monkeypatch):
    local_store.store_file(make_data_file())

    def refuse(folder: str) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", folder)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(FileStoreConnectionError, match="Permission denied"):
        list(local_store.list_files())


def test_leftovers_of_a_killed_process_are_swept_after_a_day(local_store, make_data_file, monkeypatch):
    leftover = local_store.root / ".tmp" / "leftover"
    leftover.parent.mkdir(parents=True)
    leftover.touch()
    local_store.store_file(make_data_file())
    assert leftover.exists()
    tomorrow = time.time() + 25 * 3600
    monkeypatch.setattr(time, "time", lambda: tomorrow)
    next_store = FileSystemStore(local_store.root)
    assert leftover.exists()  # making a store does not touch the disk
    next_store.store_file(make_data_file())
    assert not leftover.exists()
    assert (local_store.root / PATH).exists()


def test_what_an_ocs_program_puts_at_a_path_becomes_a_version(local_store, make_data_file):
    file = local_store.root / PATH
    keys = []
    for age_s, content in ((30, b"one"), (20, b"two"), (10, b"two")):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)  # over the same file, as the OCS's own store does
        os.utime(file, (time.time() - age_s,) * 2)
        keys.append(hashlib.md5(content).hexdigest())
        local_store.adopt_file(PATH, keys[-1])
    assert [local_store.find_file(PATH, key).read_bytes() for key in keys] == [b"one", b"two", b"two"]
    listed = [(stored.path, stored.key) for stored in local_store.list_files()]
    assert listed == [(PATH, keys[1]), (PATH, keys[0])]  # the file itself is a copy of the newest
    local_store.store_file(make_data_file(b"three"))
    local_store.delete_file(PATH, "")
    assert file.read_bytes() == b"two"


def test_another_file_than_was_promised_is_not_adopted(local_store):
    local_store.adopt_file(PATH, hashlib.md5(b"one").hexdigest())  # nothing is there yet
    file = local_store.root / PATH
    file.parent.mkdir(parents=True)
    file.write_bytes(b"two")
    local_store.adopt_file(PATH, hashlib.md5(b"one").hexdigest())
    assert [stored.key for stored in local_store.list_files()] == [""]
    assert list((local_store.root / ".tmp").iterdir()) == []


def test_a_disk_without_room_is_told_before_it_is_needed(local_store, monkeypatch):
    monkeypatch.setattr("ocs_archive.storage.filesystemstore.LEAST_ROOM_BYTES", 2**80)
    with pytest.raises(FileStoreConnectionError, match="has room for"):
        local_store.check()


def test_a_folder_that_can_not_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FileStoreConnectionError, match="file/store"):
        FileSystemStore(tmp_path / "file" / "store").check()
