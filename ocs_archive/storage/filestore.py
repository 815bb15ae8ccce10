"""What every file store can do; the base class itself is the store that keeps nothing, ``dummy``."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO
from uuid import uuid4

from ocs_archive.input.file import DataFile


class FileStoreConnectionError(Exception):
    """The store can't be reached, or failed for now: trying again later may help."""


class FileStoreSpecificationError(Exception):
    """The store is misconfigured, or was asked for what it can't do: trying again will not help."""


class FileStore:
    """A store that keeps nothing; stores that do keep files override every method.

    An empty version id means the newest version. Every method raises FileStoreConnectionError where the store fails for
    now, and FileStoreSpecificationError where its settings or the path are at fault.
    """

    def store_file(self, data_file: DataFile) -> dict[str, str]:
        """Store a file at its `get_filestore_path`, as the newest version.

        Returns
        -------
        dict
            ``key``, the id of the version in this store, ``md5`` in hex, and ``extension``.
        """
        data_file.get_filestore_path()  # a file that no store could keep is refused here too
        return {
            "key": uuid4().hex,
            "md5": data_file.open_file.get_md5(),
            "extension": data_file.open_file.extension or "",
        }

    def delete_file(self, path: str, version_id: str) -> None:
        """Delete one version; the newest that is left, if any, becomes the newest. What is not there is no error."""

    def get_url(self, path: str, version_id: str, expiration: int) -> str:
        """Return a link to a version, valid for `expiration` seconds where the store can limit it."""
        return ""

    @contextmanager
    def get_fileobj(self, path: str, version_id: str = "") -> Iterator[IO[bytes] | None]:
        """Open a version as a binary file object, for a ``with`` statement; None if it is not there."""
        yield None

    def get_file_size(self, path: str, version_id: str = "") -> int:
        """Return a version's size in bytes; FileStoreConnectionError if a store that keeps files has it not."""
        return 0
