"""A store that has every file, made of zeros, and takes as long for an answer as a file says; FILESTORE_TYPE names it.

The made-up catalogue has no files: what is measured with this is how soon a zip begins.
"""

import io
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ocs_archive.storage.filestore import FileStore

CONTENT_BYTES = 2**21
TYPE = "bench.made_up_store.MadeUpStore"
WAIT_FILE = "BENCH_STORE_WAIT_MS_FILE"


class MadeUpStore(FileStore):
    """Waits before each answer."""

    @contextmanager
    def get_fileobj(self, path: str, version_id: str = "") -> Iterator[IO[bytes] | None]:
        self._wait()
        yield io.BytesIO(bytes(CONTENT_BYTES))

    def get_file_size(self, path: str, version_id: str = "") -> int:
        self._wait()
        return CONTENT_BYTES

    def _wait(self) -> None:
        time.sleep(int(Path(os.environ[WAIT_FILE]).read_text()) / 1000)
