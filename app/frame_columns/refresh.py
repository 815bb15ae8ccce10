"""The columns of one process: found, and brought up to date, so that each answer has what was committed before it."""

import datetime as dt
import fcntl
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.frame_columns.changes import Mark, find_origin, mark_now
from app.frame_columns.columns import Columns
from app.frame_columns.reading import find_last_id, has_few, read_all, read_some
from app.frame_columns.snapshot import BadSnapshot, map_snapshot, write_snapshot
from app.frame_columns.times import to_microseconds

log = logging.getLogger(__name__)

#: Archives of so many frames are read at once by who needs the columns; of larger ones there is a file.
SMALL = 200_000
MOST_ROOM = 2_000_000  # places that are made for a small archive, or for one frame
MOST_CHANGES = 20_000  # to take in during a request; after more the file is made anew
RENEW_AFTER = 50_000  # changes that each process has for itself
LONGEST_LIFE_S = 12 * 3600  # of the file
PAUSE_S = 60.0  # between two attempts to have it made
PROJECT_DIR = Path(__file__).parents[2]
BUILD = (sys.executable, "-m", "flask", "--app", "wsgi", "columns", "build")


class FrameColumns:
    """The columns of one process, and how far they have got.

    Parameters
    ----------
    folder
        Where the file is that the processes of this machine share.
    """

    def __init__(self, folder: Path) -> None:
        self._file, self._lock_file = folder / "columns", folder / "columns.lock"
        self._lock = threading.Lock()
        self._columns: Columns | None = None
        self._mark = Mark("0", None)
        self._identity = (0, 0)  # of the file that was looked at last
        self._taken_in = 0  # changes since it was mapped
        self._asked_s = -PAUSE_S
        self._builder: subprocess.Popen[bytes] | None = None

    @property
    def file(self) -> Path:
        return self._file

    def find_age_s(self) -> float | None:
        """Return how long ago the file was made; None: there is none."""
        try:
            return time.time() - self._file.stat().st_mtime
        except FileNotFoundError:
            return None

    def refresh(self) -> Columns | None:
        """Return the columns with all that has been committed by now; None: they are being made."""
        with self._lock:
            self._look_at_file()
            if self._columns is None or not self._catch_up():
                self._begin()
            return self._columns

    def build(self) -> bool:
        """Make the file, from the one that is there if it serves; False: another process is at it."""
        with self._hold_lock() as is_ours:
            if not is_ours:
                return False
            self._look_at_file()
            if self._columns is None or not self._catch_up():
                self._read()
            assert self._columns is not None  # noqa: S101  # it was read
            self._columns.settle(to_microseconds(dt.datetime.now(dt.UTC)))
            write_snapshot(self._file, self._columns, self._mark, find_origin())
            return True

    def _look_at_file(self) -> None:
        """Map the file if it is another one than before, and of this database."""
        try:
            stat = self._file.stat()
        except FileNotFoundError:
            return
        if (stat.st_ino, stat.st_mtime_ns) == self._identity:
            return
        self._identity = stat.st_ino, stat.st_mtime_ns
        begin_s = time.monotonic()
        try:
            columns, mark = map_snapshot(self._file, find_origin())
            if not mark.is_past() or mark.find_changes(MOST_CHANGES) is None:
                raise BadSnapshot("the database has gone another way since")
        except (BadSnapshot, OSError) as error:
            log.warning("the columns in %s do not serve: %s", self._file, error)
            return
        self._columns, self._mark, self._taken_in = columns, mark, 0
        log.info("mapped the columns in %s in %.0f ms", self._file, 1000 * (time.monotonic() - begin_s))

    def _catch_up(self) -> bool:
        """Take in what has changed; False: begin anew."""
        found = self._mark.find_changes(MOST_CHANGES)
        if found is None or self._columns is None:
            self._columns = None
            return False
        ids, mark = found
        if max(ids, default=0) > len(self._columns) + MOST_ROOM:
            self._columns = None
            return False
        for rows, gone in read_some(ids):
            self._columns.put(rows, gone)
        self._mark = mark
        self._taken_in += len(ids)
        if self._identity[0] and (
            self._taken_in > RENEW_AFTER or time.time() - self._identity[1] / 1e9 > LONGEST_LIFE_S
        ):
            self._ask_for_file()
        return True

    def _begin(self) -> None:
        last_id = find_last_id()
        is_small = last_id <= SMALL or has_few(SMALL)
        if is_small and last_id <= MOST_ROOM:
            self._read()
        elif not is_small:
            self._ask_for_file()
        # Else there are few frames, with numbers far apart: SQL is quick.

    def _read(self) -> None:
        begin_s, mark = time.monotonic(), mark_now()
        last_id = find_last_id()
        columns = Columns.make(last_id + last_id // 16 + 1)  # room for what comes until the file is renewed
        for rows in read_all():
            columns.put(rows)
        self._columns, self._mark = columns, mark
        log.info("read the columns of %d frames in %.1f s", last_id, time.monotonic() - begin_s)

    def _ask_for_file(self) -> None:
        """Have a process of its own make the file: a thread would hold up the requests of this one."""
        is_busy = self._builder is not None and self._builder.poll() is None
        if is_busy or time.monotonic() - self._asked_s < PAUSE_S:
            return
        self._asked_s = time.monotonic()
        with self._hold_lock() as is_free:
            if not is_free:
                return
        environ = os.environ | {"FLASK_SKIP_DOTENV": "1"}
        self._builder = subprocess.Popen(BUILD, cwd=PROJECT_DIR, env=environ, stdin=subprocess.DEVNULL)  # noqa: S603  # our own command

    @contextmanager
    def _hold_lock(self) -> Iterator[bool]:
        """Hold the lock of those who make the file, if nobody else does."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._lock_file.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
