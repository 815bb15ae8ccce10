"""Reads stored files as streams: a block at a time, the next ones opened ahead, each checked against its record."""

import hashlib
import io
import itertools
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import IO

from app.downloads.queries import StoredVersion
from ocs_archive.storage.filestore import FileStore, FileStoreConnectionError

BLOCK_BYTES = 2**20
#: Files that begin within so many bytes are opened already, but no more than so many: a store may take 100 ms to
#: answer, and hangs up on whoever leaves an open file unread for minutes.
AHEAD_BYTES = 8 * 2**20
MOST_AHEAD = 3

OpenedFile = tuple[ExitStack, IO[bytes]]


class BrokenStreamError(Exception):
    """What comes from the store is not what was archived. The answer ends short of its length: the client notices."""


def iter_blocks(fileobj: IO[bytes], version: StoredVersion) -> Iterator[bytes]:
    """Yield a file's content, the last block only once size and md5 are known to be those on record.

    Raises
    ------
    BrokenStreamError
        If they are others.
    """
    md5, size, held = hashlib.md5(usedforsecurity=False), 0, b""
    while block := fileobj.read(BLOCK_BYTES):
        md5.update(block)
        size += len(block)
        if held:
            yield held
        held = block
    if md5.hexdigest() != version.md5 or version.size not in (None, size):
        raise BrokenStreamError(f"{version.store_path} in the store has {size} bytes or an md5 that are not on record.")
    yield held


def open_file(store: FileStore, version: StoredVersion) -> OpenedFile:
    """Open a version; what is returned first closes it.

    Raises
    ------
    BrokenStreamError
        If it is not there.
    """
    with ExitStack() as stack:
        fileobj = stack.enter_context(store.get_fileobj(version.store_path, version.key))
        if fileobj is None:
            raise BrokenStreamError(f"{version.store_path} is not in the store.")
        return stack.pop_all(), fileobj


def fill_in_sizes(store: FileStore, versions: Sequence[StoredVersion]) -> list[StoredVersion]:
    """Ask the store for the sizes that are not on record.

    Raises
    ------
    BrokenStreamError, FileStoreConnectionError, FileStoreSpecificationError
        If such a file is not there, or the store fails.
    """

    def fill_in(version: StoredVersion) -> StoredVersion:
        return version if version.size is not None else replace(version, size=_ask_size(store, version))

    with ThreadPoolExecutor(MOST_AHEAD) as pool:
        return list(pool.map(fill_in, versions))


def _ask_size(store: FileStore, version: StoredVersion) -> int:
    try:
        return store.get_file_size(version.store_path, version.key)
    except FileStoreConnectionError:
        opened, _ = open_file(store, version)  # a store that is well, and has no such file, says so here
        opened.close()
        raise


def open_on_disk(store: FileStore, version: StoredVersion, folder: Path, *, checked: bool) -> OpenedFile:
    """Open a version as a file of this machine, which other programs can seek in: the store's own, or a copy.

    Parameters
    ----------
    folder
        Where copies go. They have no names: nothing is left of them when they are closed.
    checked
        Whether to read the store's own file through first, and compare size and md5. A copy is always compared.
    """
    with ExitStack() as stack:
        opened, fileobj = open_file(store, version)
        stack.enter_context(opened)
        if isinstance(fileobj, io.BufferedReader) and fileobj.seekable():
            if checked:
                deque(iter_blocks(fileobj, version), maxlen=0)
            return stack.pop_all(), fileobj
        folder.mkdir(parents=True, exist_ok=True)
        copy = stack.enter_context(tempfile.TemporaryFile(dir=folder))
        for block in iter_blocks(fileobj, version):
            copy.write(block)
        copy.flush()
        return stack.pop_all(), copy


class AheadReader:
    """Reads versions one after the other, each opened a little before its turn.

    Parameters
    ----------
    versions
        In the order in which they will be read; their sizes are known.
    """

    def __init__(self, store: FileStore, versions: Sequence[StoredVersion]) -> None:
        self._store = store
        self._waiting = deque(zip(versions, itertools.accumulate((v.size or 0 for v in versions), initial=0)))  # noqa: B905 (the last sum is the end)
        self._opened: deque[Future[OpenedFile]] = deque()
        self._pool = ThreadPoolExecutor(MOST_AHEAD, "open-ahead")
        self._position = 0  # bytes of all that has been read

    def read(self, version: StoredVersion) -> Iterator[bytes]:
        """Yield the content of the version whose turn it is.

        Raises
        ------
        BrokenStreamError, FileStoreConnectionError, FileStoreSpecificationError
            If it is not what is on record, or the store fails.
        """
        self._open_ahead()
        opened, fileobj = self._opened.popleft().result()
        with opened:
            for block in iter_blocks(fileobj, version):
                self._position += len(block)
                self._open_ahead()
                yield block

    def close(self) -> None:
        """Close what was opened and not read, also what the store opens only now."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for opening in self._opened:
            opening.add_done_callback(_close_opened)

    def _open_ahead(self) -> None:
        while self._waiting and len(self._opened) < MOST_AHEAD and self._waiting[0][1] <= self._position + AHEAD_BYTES:
            version, _begin = self._waiting.popleft()
            self._opened.append(self._pool.submit(open_file, self._store, version))


def _close_opened(opening: Future[OpenedFile]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result()[0].close()
