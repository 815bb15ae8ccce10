"""Makes quick looks, one at a time in each web process, by a program of its own; each is made once and kept."""

import logging
import subprocess
import sys
import threading
from pathlib import Path

from app.downloads.queries import StoredVersion
from app.downloads.stored_files import BrokenStreamError, open_on_disk
from app.errors import NotFound, Unavailable
from app.processes import PROJECT_DIR
from app.quick_looks.kept import KeptQuickLooks
from ocs_archive.storage.filestore import FileStore

log = logging.getLogger(__name__)

PROGRAM = "ingest_worker.previews.quick_look"
NO_QUICK_LOOK = 3  # the program's status where it says why
PATIENCE_S = 60
MOST_BYTES = 4 * 2**30  # of a file: more would take minutes to read
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

turn = threading.Lock()  # of the requests of this process, to make one


class BusyError(Unavailable):
    code, retry_after_s = "busy", 2


def get_quick_look(kept: KeptQuickLooks, store: FileStore, folder: Path, version: StoredVersion) -> bytes:
    """Return the quick look of a file; make it if it is not kept.

    Parameters
    ----------
    folder
        Where copies go of what the store can't open as a file of this machine.

    Raises
    ------
    NotFound
        If the file has none; the message says why.
    BusyError
        If this process is making another: the other requests need its threads.
    Unavailable
        If it takes too long.
    """
    if content := kept.find(version.md5):
        return content
    reason = kept.find_reason(version.md5)
    if reason is None:
        if not turn.acquire(blocking=False):
            raise BusyError("Other quick looks are being made; this one's turn comes in a moment.")
        try:
            made = _make(store, folder, version)
        finally:
            turn.release()
        if isinstance(made, bytes):
            kept.keep(version.md5, made)
            return made
        reason = made
        kept.keep_reason(version.md5, reason)
    raise NotFound(f"There is no quick look of {version.filename}: {reason}.", code="no_quick_look")


def _make(store: FileStore, folder: Path, version: StoredVersion) -> bytes | str:
    """Return a quick look, or why there is none."""
    if version.size is not None and version.size > MOST_BYTES:
        return f"it is larger than {MOST_BYTES // 2**30} GiB"
    try:
        opened, file = open_on_disk(store, version, folder, checked=False)
    except BrokenStreamError as error:
        raise NotFound(f"The file store has lost this file: {error}", code="file_missing") from error
    with opened:
        file.seek(0)
        return _run(file.fileno(), version)


def _run(descriptor: int, version: StoredVersion) -> bytes | str:
    try:
        program = subprocess.run(  # noqa: S603 (our own program; nobody's text is among its arguments)
            [sys.executable, "-E", "-s", "-m", PROGRAM, str(descriptor)],
            cwd=PROJECT_DIR,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            pass_fds=[descriptor],
            env=ONE_THREAD,  # and none of our secrets: it reads what strangers wrote
            timeout=PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        message = f"The quick look of {version.filename} takes too long; download the file."
        raise Unavailable(message, code="too_slow") from None
    if program.returncode == 0:
        return program.stdout
    reason = program.stdout.decode() if program.returncode == NO_QUICK_LOOK else "it can't be decoded"
    log.warning("no quick look of %s (status %d): %s", version.filename, program.returncode, reason)
    return reason
