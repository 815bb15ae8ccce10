"""A local store that takes its time, for tests that do something meanwhile; FILESTORE_TYPE names it by its path."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from ocs_archive.input.file import DataFile
from ocs_archive.storage.filesystemstore import FileSystemStore

PATIENCE_S = 60.0


class SlowStore(FileSystemStore):
    """Notes in the file ``busy``, beside its folder, that it is asked for a file, and waits until that is taken away.

    It does so only where a file ``slow`` lies there.
    """

    def store_file(self, data_file: DataFile) -> dict[str, str]:
        self._dawdle()
        return super().store_file(data_file)

    @contextmanager
    def get_fileobj(self, path: str, version_id: str = "") -> Iterator[IO[bytes] | None]:
        self._dawdle()
        with super().get_fileobj(path, version_id) as fileobj:
            yield fileobj

    def _dawdle(self) -> None:
        if not (self.root.parent / "slow").exists():
            return
        busy, deadline_s = self.root.parent / "busy", time.monotonic() + PATIENCE_S
        busy.touch()
        while busy.exists() and time.monotonic() < deadline_s:
            time.sleep(0.02)
