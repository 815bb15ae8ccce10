"""Reading from a store: a little ahead, checked, and with everything closed at the end."""

import hashlib
import io
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

import pytest

from app.downloads.queries import StoredVersion
from app.downloads.stored_files import AHEAD_BYTES, BLOCK_BYTES, AheadReader, BrokenStreamError, open_on_disk
from ocs_archive.storage.filestore import FileStore, FileStoreConnectionError

CONTENTS = {"a": bytes(BLOCK_BYTES * 2 + 1), "b": b"b", "c": b"", "d": b"d" * 100}


class NotingStore(FileStore):
    """A store in memory that notes what is open."""

    def __init__(self, contents: dict[str, bytes]) -> None:
        self.contents = contents
        self.opened: list[str] = []
        self.open: set[str] = set()
        self.changed = threading.Condition()

    @contextmanager
    def get_fileobj(self, path: str, version_id: str = "") -> Iterator[IO[bytes] | None]:
        if path == "unreachable":
            raise FileStoreConnectionError("The store is away.")
        self._note(path, is_open=True)
        try:
            yield io.BytesIO(self.contents[path]) if path in self.contents else None
        finally:
            self._note(path, is_open=False)

    def wait_for_open(self, paths: set[str]) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.open == paths, 10), self.open

    def _note(self, path: str, *, is_open: bool) -> None:
        with self.changed:
            self.opened += [path] if is_open else []
            (self.open.add if is_open else self.open.remove)(path)
            self.changed.notify_all()


def build_version(path: str, content: bytes) -> StoredVersion:
    return StoredVersion(1, path, ".fits", path, "key", hashlib.md5(content).hexdigest(), len(content))


@pytest.fixture
def store() -> NotingStore:
    return NotingStore(CONTENTS)


def test_files_come_in_their_order_and_are_closed(store: NotingStore) -> None:
    versions = [build_version(*item) for item in CONTENTS.items()]
    with closing(AheadReader(store, versions)) as reader:
        contents = [b"".join(reader.read(version)) for version in versions]
    assert contents == list(CONTENTS.values())
    store.wait_for_open(set())


def test_the_next_files_are_open_while_one_is_read(store: NotingStore) -> None:
    versions = [build_version(*item) for item in CONTENTS.items()]
    with closing(AheadReader(store, versions)) as reader:
        blocks = reader.read(versions[0])
        next(blocks)
        store.wait_for_open({"a", "b", "c", "d"})
        blocks.close()
    store.wait_for_open(set())


def test_what_comes_after_a_large_file_waits() -> None:
    large = bytes(AHEAD_BYTES + 2 * BLOCK_BYTES)
    store = NotingStore({"large": large, "next": b"next"})
    versions = [build_version(*item) for item in store.contents.items()]
    with closing(AheadReader(store, versions)) as reader:
        blocks = reader.read(versions[0])
        next(blocks)
        assert store.opened == ["large"]
        assert sum(map(len, blocks)) == len(large) - BLOCK_BYTES
        store.wait_for_open({"next"})
    store.wait_for_open(set())


@pytest.mark.parametrize("record", [b"other", b"b and more", b""])
def test_what_is_not_on_record_breaks_the_stream_before_its_last_block(store: NotingStore, record: bytes) -> None:
    version = build_version("b", record)
    with closing(AheadReader(store, [version])) as reader, pytest.raises(BrokenStreamError):
        next(reader.read(version))


@pytest.mark.parametrize(("path", "error"), [("lost", BrokenStreamError), ("unreachable", FileStoreConnectionError)])
def test_what_can_not_be_opened_breaks_the_stream(store: NotingStore, path: str, error: type[Exception]) -> None:
    version = build_version(path, b"")
    with closing(AheadReader(store, [version])) as reader, pytest.raises(error):
        next(reader.read(version))
    store.wait_for_open(set())


def test_a_copy_on_the_disk_has_no_name(store: NotingStore, tmp_path: Path) -> None:
    opened, fileobj = open_on_disk(store, build_version("d", CONTENTS["d"]), tmp_path / "copies", checked=True)
    with opened:
        fileobj.seek(0)
        assert fileobj.read() == CONTENTS["d"]
        assert list((tmp_path / "copies").iterdir()) == []
    assert fileobj.closed
