"""What every file store can do; the base class itself is the store that keeps nothing, ``dummy``."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from inspect import signature
from typing import IO, Any
from uuid import uuid4

from ocs_archive.input.file import DataFile, File


class FileStoreConnectionError(Exception):
    """The store can't be reached, or failed for now: trying again later may help."""


class FileStoreSpecificationError(Exception):
    """The store is misconfigured, or was asked for what it can't do: trying again will not help."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One version of a file, as a store lists it.

    The key is the store's id of the version; empty: a file that lies in the store and is none of its versions.
    """

    path: str
    key: str
    size: int  # bytes
    modified: datetime  # UTC, by the store's clock


class ReceivedFile(File):
    """A file that a store has read once, so that its md5 is known: nobody changes it, or the store will notice."""

    def __init__(self, source: File, fileobj: IO[bytes], md5: str) -> None:
        super().__init__(fileobj, source.filename)
        self.basename, self.extension = source.basename, source.extension
        self._md5 = md5

    def get_md5(self) -> str:
        return self._md5


class FileStore:
    """A store that keeps nothing; stores that do keep files override every method.

    An empty version id means the newest version. Every method raises FileStoreConnectionError where the store fails for
    now, and FileStoreSpecificationError where its settings or the path are at fault.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        """Let a store that was written without versions, with `get_fileobj(path)`, be asked for one all the same."""
        super().__init_subclass__(**options)
        for name in ("get_fileobj", "get_file_size"):
            if name in vars(cls) and not _takes_version(vars(cls)[name]):
                setattr(cls, name, _without_version(vars(cls)[name]))

    @contextmanager
    def receive(self, file: File) -> Iterator[File]:
        """Take a file in before it is known what it is and whether to keep it, for a ``with`` statement.

        What it gives is the file to look into, to ask for the md5 and to store: so each byte is read and hashed but
        once, and what is stored is what was looked at. What has not been stored when the block is left is gone.
        """
        yield file

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

    def check(self) -> None:
        """Raise one of the store's errors if it could not take a file now; it is asked often, and answers soon."""

    def adopt_file(self, path: str, version_id: str) -> None:
        """Make a version of what another program has just put at a path.

        A store that has only versions, as a bucket does, has nothing to do, nor has any if it is not that version.
        """

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

    def list_files(self, prefix: str = "") -> Iterator[StoredFile]:
        """Yield every version of every file whose path begins with `prefix`, in memory that does not grow with them.

        They come in the byte order of their whole paths in UTF-8, as S3 and the database order them, and of one path
        the newest first. What is stored or deleted meanwhile may be listed or not.

        Raises
        ------
        FileStoreSpecificationError
            If a store that keeps files does not override it.
        """
        if type(self) is not FileStore:
            raise FileStoreSpecificationError(
                f"The file store {type(self).__name__} can't list its files: give it a method list_files, "
                "as FileStore describes it."
            )
        return iter(())


def _takes_version(method: Callable[..., Any]) -> bool:
    try:
        signature(method).bind("self", "path", "version_id")
    except TypeError:
        return False
    return True


def _without_version(method: Callable[..., Any]) -> Callable[..., Any]:
    """Give a method a version that it does not look at: such a store has only the newest."""

    @wraps(method)
    def with_version(self: FileStore, path: str, version_id: str = "") -> Any:
        return method(self, path)

    return with_version
