"""What stored files hold: their md5, read back from the store, block by block."""

import hashlib
import math
from typing import IO

from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_exponential

from app.frames.models import Version
from ocs_archive.storage.filestore import FileStore, FileStoreConnectionError, FileStoreSpecificationError, StoredFile

BLOCK_BYTES = 2**20
CANT_GIVE = (FileStoreConnectionError, FileStoreSpecificationError)


@retry(
    retry=retry_if_exception_type(FileStoreConnectionError),
    wait=wait_exponential(multiplier=0.2, max=10),
    stop=stop_after_attempt(3),
    reraise=True,
)
def read_md5(store: FileStore, path: str, key: str, first_bytes: float = math.inf) -> str | None:
    """Return the md5 of a stored file, or of its first bytes, in hex; None if it is not there.

    Raises
    ------
    FileStoreConnectionError, FileStoreSpecificationError
        If the store can't give it, even when asked again.
    """
    with store.get_fileobj(path, key) as stored:
        return None if stored is None else _hash(stored, path, first_bytes)


def is_sound(store: FileStore, version: Version) -> bool:
    """Say whether the store gives a version's very content."""
    try:
        return read_md5(store, version.store_path, version.key) == version.md5
    except CANT_GIVE:
        return False


def is_cut_short(store: FileStore, file: StoredFile, md5: str, version: Version) -> bool:
    """Say whether a stored file is no more than the beginning of a version, which the store has whole."""
    beginning = read_md5(store, version.store_path, version.key, first_bytes=file.size)
    return beginning == md5 and is_sound(store, version)


def find_size(store: FileStore, path: str, key: str) -> int | None:
    """Return the size of a stored file in bytes, asked of the store itself; None if it is not there.

    Raises
    ------
    FileStoreConnectionError, FileStoreSpecificationError
        If the store can't say.
    """
    with store.get_fileobj(path, key) as stored:
        return None if stored is None else store.get_file_size(path, key)


def hash_file(file: IO[bytes], first_bytes: float = math.inf) -> str:
    md5, left_bytes = hashlib.md5(usedforsecurity=False), first_bytes
    while block := file.read(int(min(BLOCK_BYTES, left_bytes))):
        md5.update(block)
        left_bytes -= len(block)
    return md5.hexdigest()


def _hash(stored: IO[bytes], path: str, first_bytes: float) -> str:
    try:
        return hash_file(stored, first_bytes)
    except OSError as error:  # a disk that has lost a sector
        raise FileStoreConnectionError(f"{path} can't be read: {error.strerror or error}") from error
