"""The local store: a folder that keeps every version of every file.

``<root>/<path>`` is the newest version, and ``<root>/.versions/<path>/<md5>`` is every version: a hard link to the
same file, or a copy where the file system has no hard links. A file is written in ``<root>/.tmp`` first, and becomes
visible by a rename when it is whole and on the disk.
"""

import errno
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import IO
from uuid import uuid4

from ocs_archive.input.file import DataFile, File
from ocs_archive.settings import settings
from ocs_archive.storage.filestore import (
    FileStore,
    FileStoreConnectionError,
    FileStoreSpecificationError,
    ReceivedFile,
    StoredFile,
)
from ocs_archive.storage.folderlisting import list_stored_files

VERSIONS_FOLDER, TEMPORARY_FOLDER = ".versions", ".tmp"
LEFTOVER_AGE_S = 24 * 3600
LEAST_ROOM_BYTES = 2**30  # a few dozen frames
BAD_PATH_ERRNOS = {errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EINVAL, errno.ELOOP}
NO_HARD_LINKS_ERRNOS = {errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.EXDEV, errno.ENOSYS}


@contextmanager
def translate_errors(path: str) -> Iterator[None]:
    """Turn what the operating system says into the store's errors."""
    try:
        yield
    except OSError as error:
        kind = FileStoreSpecificationError if error.errno in BAD_PATH_ERRNOS else FileStoreConnectionError
        raise kind(f"The local store failed on {path}: {error.strerror or error}") from error


def sync_folder(folder: Path) -> None:
    """Bring a folder's entries to the disk: a rename alone may be lost with the power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, each of them on the disk."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def write_file(file: File, target: Path) -> str:
    """Write a file, which may not be on the disk then, and return the md5 of what was written."""
    md5 = hashlib.md5(usedforsecurity=False)
    with target.open("xb") as written:
        for block in file.iter_blocks():
            md5.update(block)
            written.write(block)
    return md5.hexdigest()


def sync_file(path: Path) -> None:
    """Bring a file's content to the disk."""
    with path.open("rb") as content:
        os.fsync(content.fileno())


def link_or_copy(source: Path, target: Path) -> None:
    """Link a file to a second name, or copy it, with its times, where the file system can't."""
    try:
        target.hardlink_to(source)
    except OSError as error:
        if error.errno not in NO_HARD_LINKS_ERRNOS:
            raise
        shutil.copy2(source, target)
        sync_file(target)


def list_versions(folder: Path) -> list[Path]:
    """Return the versions in a folder, oldest first."""
    versions = [entry for entry in folder.iterdir() if entry.is_file()] if folder.is_dir() else []
    return sorted(versions, key=lambda version: version.stat().st_mtime_ns)


def is_same_file(first: Path, second: Path) -> bool:
    return first.exists() and second.exists() and first.samefile(second)


def holds(path: Path, md5: str) -> bool:
    """Say whether a file has this content: disks err, and a file that is stored again may be there to mend it."""
    with path.open("rb") as fileobj:
        return hashlib.file_digest(fileobj, lambda: hashlib.md5(usedforsecurity=False)).hexdigest() == md5


def remove_empty_folders(folder: Path, root: Path) -> None:
    """Remove a folder and its parents below the root, as far as they are empty."""
    with suppress(OSError):  # not empty, or gone already
        while folder != root:
            folder.rmdir()
            folder = folder.parent


class TemporaryCopy(ReceivedFile):
    """A copy in the store, under a temporary name, that becomes a version by another name."""

    def __init__(self, source: File, fileobj: IO[bytes], md5: str, path: Path) -> None:
        super().__init__(source, fileobj, md5)
        self.path = path


class FileSystemStore(FileStore):
    """A store in a local folder. The key of a version is its md5.

    Parameters
    ----------
    root_dir
        The folder; None takes FILESYSTEM_STORAGE_ROOT_DIR. It is made when the first file comes.

    Raises
    ------
    FileStoreSpecificationError
        If there is no folder.
    """

    def __init__(self, root_dir: str | os.PathLike[str] | None = None) -> None:
        root = settings.FILESYSTEM_STORAGE_ROOT_DIR if root_dir is None else root_dir
        if not root:
            raise FileStoreSpecificationError("The local store needs a folder: set FILESYSTEM_STORAGE_ROOT_DIR.")
        self.root = Path(root).resolve()
        self._is_swept = False

    @contextmanager
    def receive(self, file: File) -> Iterator[TemporaryCopy]:
        """Copy a file into the store under a temporary name, and hash it on the way.

        A store's first call also removes what a process that was killed left behind more than a day ago.
        """
        self._sweep_leftovers()
        with ExitStack() as stack:
            with translate_errors(str(file)):
                temporary = stack.enter_context(self._make_temporary_name())
                md5 = write_file(file, temporary)
                fileobj = stack.enter_context(temporary.open("rb"))
            yield TemporaryCopy(file, fileobj, md5, temporary)

    def store_file(self, data_file: DataFile) -> dict[str, str]:
        """Store a file, read once, as the newest version; if it is the newest already, nothing changes."""
        path, file = data_file.get_filestore_path(), data_file.open_file
        newest, folder = self._locate_newest(path), self._locate_versions_folder(path)
        with nullcontext(file) if isinstance(file, TemporaryCopy) else self.receive(file) as copy:
            md5 = copy.get_md5()
            with translate_errors(path):
                if not (is_same_file(folder / md5, newest) and holds(newest, md5)):
                    self._add_version(copy.path, folder / md5)
                    self._publish(folder / md5, newest)
        return {"key": md5, "md5": md5, "extension": file.extension or ""}

    def check(self) -> None:
        """Make sure that the folder can be written, and has some room."""
        with translate_errors(f"its folder {self.root}"), self._make_temporary_name() as temporary:
            temporary.touch()
            room_bytes = shutil.disk_usage(temporary).free
        if room_bytes < LEAST_ROOM_BYTES:
            raise FileStoreConnectionError(f"The local store has room for {room_bytes} bytes only: make some.")

    def adopt_file(self, path: str, version_id: str) -> None:
        """Make a version of what an OCS program put at a path: such a program keeps no versions.

        It is copied, as that program will write its next version over the same file.
        """
        newest, version = self._locate_newest(path), self._locate_version(path, version_id)
        with translate_errors(path):
            if not newest.is_file() or is_same_file(newest, version):
                return
            with self._make_temporary_name() as temporary, newest.open("rb") as fileobj:
                if write_file(File(fileobj), temporary) == version_id:
                    self._add_version(temporary, version, modified_ns=newest.stat().st_mtime_ns)

    def delete_file(self, path: str, version_id: str) -> None:
        """Delete one version; the newest that is left, if any, becomes the newest."""
        newest, folder = self._locate_newest(path), self._locate_versions_folder(path)
        with translate_errors(path):
            versions = list_versions(folder)
            doomed = [version for version in versions if version.name == version_id] if version_id else versions[-1:]
            left = [version for version in versions if version not in doomed]
            if left:
                self._publish(left[-1], newest)
            elif doomed:
                newest.unlink(missing_ok=True)
            for version in doomed:
                version.unlink(missing_ok=True)
            for emptied in (folder, newest.parent):
                remove_empty_folders(emptied, self.root)

    def get_url(self, path: str, version_id: str, expiration: int) -> str:
        """Return FILESYSTEM_STORAGE_BASE_URL + path: a link to the newest version, without a time limit."""
        return f"{settings.FILESYSTEM_STORAGE_BASE_URL}{path}"

    @contextmanager
    def get_fileobj(self, path: str, version_id: str = "") -> Iterator[IO[bytes] | None]:
        """Open a version as a binary file object, for a ``with`` statement; None if it is not there."""
        target = self.find_file(path, version_id)
        with translate_errors(path):
            fileobj = target.open("rb") if target else None
        try:
            yield fileobj
        finally:
            if fileobj:
                fileobj.close()

    def find_file(self, path: str, version_id: str = "") -> Path | None:
        """Return where a version lies on the disk, for a server that sends files by their paths; None if nowhere."""
        target = self._locate_version(path, version_id)
        with translate_errors(path):
            return target if target.is_file() else None

    def get_file_size(self, path: str, version_id: str = "") -> int:
        """Return a version's size in bytes; FileStoreConnectionError if it is not there."""
        target = self._locate_version(path, version_id)
        with translate_errors(path):
            return target.stat().st_size

    def list_files(self, prefix: str = "") -> Iterator[StoredFile]:
        """Yield every version of every file whose path begins with `prefix`, in the byte order of paths.

        What lies at a path and is none of its versions, such as a file that somebody put there, has an empty key.
        """
        with translate_errors(f"the list of its files {prefix}".rstrip()):
            yield from list_stored_files(
                str(self.root), str(self.root / VERSIONS_FOLDER), {VERSIONS_FOLDER, TEMPORARY_FOLDER}, prefix
            )

    @property
    def temporary_folder(self) -> Path:
        """Where files are written before they are whole; a process that is killed leaves them there."""
        return self.root / TEMPORARY_FOLDER

    def _locate_newest(self, path: str) -> Path:
        return self._locate_inside(path, self.root)

    def _locate_versions_folder(self, path: str) -> Path:
        return self._locate_inside(path, self.root / VERSIONS_FOLDER)

    def _locate_version(self, path: str, version_id: str) -> Path:
        """Return where a version is; the id may hold no more of a path than a file's name."""
        folder = self._locate_versions_folder(path)
        return self._locate_inside(version_id.replace("/", "\0"), folder) if version_id else self._locate_newest(path)

    def _locate_inside(self, path: str, folder: Path) -> Path:
        """Return a path below a folder of the store, if neither it nor a symbolic link in it leads out of the root."""
        parts = path.split("/")
        target = folder / path
        if (
            "\0" in path
            or not {"", ".", ".."}.isdisjoint(parts)
            or parts[0] in (VERSIONS_FOLDER, TEMPORARY_FOLDER)
            or not Path(os.path.realpath(target)).is_relative_to(self.root)  # unlike resolve(), takes link loops
        ):
            raise FileStoreSpecificationError(f"{path!r} is no path inside the local store.")
        return target

    @contextmanager
    def _make_temporary_name(self) -> Iterator[Path]:
        """Give a name for a file that is renamed or, when anything fails, removed."""
        make_folder(self.root / TEMPORARY_FOLDER)
        temporary = self.root / TEMPORARY_FOLDER / uuid4().hex
        try:
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)

    def _add_version(self, temporary: Path, version: Path, modified_ns: int | None = None) -> None:
        """Make a temporary file a version, on the disk; versions are ordered by their times."""
        time_ns = modified_ns or time.time_ns()  # a file system's own clock may tick too slowly
        os.utime(temporary, ns=(time_ns, time_ns))
        sync_file(temporary)
        make_folder(version.parent)
        temporary.replace(version)
        sync_folder(version.parent)

    def _publish(self, version: Path, newest: Path) -> None:
        """Make a version the newest one."""
        if is_same_file(version, newest):
            return
        with self._make_temporary_name() as temporary:
            link_or_copy(version, temporary)
            make_folder(newest.parent)
            temporary.replace(newest)
            sync_folder(newest.parent)

    def _sweep_leftovers(self) -> None:
        """Remove old temporary files, once; by ctime, as a hard link has its file's mtime."""
        if self._is_swept:
            return
        self._is_swept = True
        for leftover in (self.root / TEMPORARY_FOLDER).glob("*"):
            with suppress(OSError):  # another process swept it, or only its owner may
                if leftover.stat().st_ctime < time.time() - LEFTOVER_AGE_S:
                    leftover.unlink()
