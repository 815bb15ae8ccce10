"""Quick looks that are kept on this machine's disk, and files that are known to have none; the least used go first."""

import contextlib
import hashlib
import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)

#: Part of the names of what is kept: another number whenever what is made of a file changes.
FORMAT = 1
MADE, NONE = ".look", ".none"


def name_quick_look(md5: str) -> str:
    """Return what the quick look of a file is known by. Senders of records say the MD5: it may be any text."""
    return f"{hashlib.sha256(md5.encode()).hexdigest()}-{FORMAT}"


class KeptQuickLooks:
    """A folder of quick looks, by the MD5s of their files.

    Parameters
    ----------
    most_bytes
        What they may take together.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder, self._most_bytes = folder, most_bytes

    def find(self, md5: str) -> bytes | None:
        """Return the quick look of a file, if it is kept."""
        return self._read(md5, MADE)

    def find_reason(self, md5: str) -> str | None:
        """Return why a file has no quick look, if that is known."""
        reason = self._read(md5, NONE)
        return None if reason is None else reason.decode()

    def keep(self, md5: str, content: bytes) -> None:
        self._write(md5, MADE, content)

    def keep_reason(self, md5: str, reason: str) -> None:
        self._write(md5, NONE, reason.encode())

    def _read(self, md5: str, ending: str) -> bytes | None:
        path = self._find_path(md5, ending)
        try:
            content = path.read_bytes()
            os.utime(path)  # it is used: others go first
        except OSError:
            return None
        return content

    def _write(self, md5: str, ending: str, content: bytes) -> None:
        """Keep something under its name, whole or not at all; a disk that is full costs only that it is made again."""
        path = self._find_path(md5, ending)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
                file.write(content)
            Path(file.name).replace(path)
            self._forget_least_used()
        except OSError as error:
            log.warning("a quick look is not kept: %s", error)

    def _find_path(self, md5: str, ending: str) -> Path:
        name = name_quick_look(md5)
        return self._folder / name[:2] / f"{name}{ending}"

    def _forget_least_used(self) -> None:
        files = sorted(self._list_files(), reverse=True)
        total = 0
        for _used_ns, size, path in files:
            total += size
            if total > self._most_bytes:
                path.unlink(missing_ok=True)

    def _list_files(self) -> Iterator[tuple[int, int, Path]]:
        for path in self._folder.rglob("*"):
            with contextlib.suppress(FileNotFoundError):  # another process has forgotten it
                status = path.stat()
                if path.is_file():
                    yield status.st_mtime_ns, status.st_size, path
