"""Which files there are below a folder, and which of them are quiet. It knows nothing of the database.

By asking again and again, as inotify tells nothing of what another machine writes to NFS or Samba. A file that is not
taken yet is asked for in each turn. One that is, and a folder that has not changed, is asked for more and more rarely,
at last once a minute: that makes a folder of 100,000 files cheap. The time of each folder, which changes with a new
name, is looked at in each turn.
"""

import errno
import logging
import math
import os
import random
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from app.fields import CONTROL_CHARACTERS
from ingest_worker.intake.names import find_obstacle, is_unfinished
from ingest_worker.intake.outages import Outage

log = logging.getLogger(__name__)

LONGEST_REST_S = 60.0
#: For how long something is left alone, as a part of the time for which it has not changed. A folder's time may be as
#: coarse as 2 s: a second change in one tick is found by the listings that follow the first.
FILE_REST, FOLDER_REST = 0.1, 1.0

Signature = tuple[int, int]
"""Size in bytes, and time of the last change in nanoseconds since 1970 by the file system's own clock."""


@dataclass(slots=True)
class Watched:
    """A file or a folder, as it was when it was last looked at."""

    signature: Signature = (-1, -1)
    since_s: float = 0.0  # by our own clock
    due_s: float = 0.0  # when to look again
    is_settled: bool = False  # nothing is to be done until it changes
    complaint: str = ""  # what has been said of it

    def settle(self, *, is_old: bool = False) -> None:
        """Do nothing more until it changes; what is old need not be looked at soon."""
        self.is_settled = True
        if is_old:
            self.since_s = -math.inf

    def complain(self, path: str, complaint: object) -> None:
        """Say once what is wrong; it is tried again all the same, for the cause may be mended."""
        if str(complaint) != self.complaint:
            log.warning("%s can't be taken: %s", path, complaint)
        self.complaint = str(complaint)

    def note(self, signature: Signature, now_s: float) -> None:
        """Note what was found."""
        if signature != self.signature:
            self.signature, self.since_s = signature, now_s
            self.is_settled, self.complaint = False, ""

    def rest(self, part: float, now_s: float) -> None:
        """Put the next look off."""
        rest_s = min(part * (now_s - self.since_s), LONGEST_REST_S)
        self.due_s = now_s + rest_s * random.uniform(0.5, 1.0)  # noqa: S311  # so that not all are due in one turn


PASSED_OVER = Watched(due_s=math.inf)


@dataclass(slots=True)
class _Folder:
    itself: Watched = field(default_factory=Watched)
    files: dict[str, Watched] = field(default_factory=dict)


class FolderTree:
    """A folder and those below it; links to other folders are not followed.

    Parameters
    ----------
    root
        The folder's path; it may be missing for a while, as one of another machine that is not mounted yet.
    quiet_s
        Seconds for which a file must not have changed.
    clock
        Our own clock, in seconds.
    """

    def __init__(self, root: str, quiet_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.root = root
        self._quiet_s, self._clock = quiet_s, clock
        self._outage = Outage(f"The folder {root}")
        self._folders = {root: _Folder()}

    @property
    def is_empty(self) -> bool:
        """Whether it is missing, or nothing is in it: perhaps it is only the place where it is to be mounted."""
        return len(self._folders) == 1 and not self._folders[self.root].files

    def find_quiet(self) -> Iterator[tuple[str, Watched]]:
        """Look at all that is due; yield what is quiet and not settled, as path and file."""
        paths = list(self._folders)
        for path in paths:  # which grows meanwhile
            paths += self._refresh(path)
            folder, now_s = self._folders.get(path, _Folder()), self._clock()
            for name, file in folder.files.items():
                if file.due_s <= now_s and self._is_quiet(f"{path}/{name}", file):
                    yield f"{path}/{name}", file

    def _refresh(self, path: str) -> list[str]:
        """List a folder if it has changed or is due; return the folders in it that are new."""
        folder, now_s = self._folders[path].itself, self._clock()
        try:
            signature = self._look_at_folder(path)
            if signature == folder.signature and now_s < folder.due_s:
                return []
            found = self._list(path)
        except OSError as error:
            self._note_error(path, error)
            return []
        folder.note(signature, self._clock())
        folder.rest(FOLDER_REST, now_s)
        if path == self.root:
            self._outage.end()
        return found

    def _look_at_folder(self, path: str) -> Signature:
        status = Path(path).stat(follow_symlinks=path == self.root)
        if not stat.S_ISDIR(status.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        return status.st_ino, status.st_mtime_ns

    def _list(self, path: str) -> list[str]:
        """Read a folder's names; return the folders in it that are new."""
        known, files, new = self._folders[path].files, {}, []
        with os.scandir(path) as entries:
            for entry in entries:
                is_folder = entry.is_dir(follow_symlinks=False)
                if entry.name in known and not is_folder:
                    files[entry.name] = known[entry.name]
                elif is_unfinished(entry.name):
                    continue
                elif not is_folder or CONTROL_CHARACTERS.search(entry.name):
                    files[entry.name] = _meet(path, entry.name)
                elif entry.path not in self._folders:
                    new.append(entry.path)
        self._folders[path].files = files
        self._folders |= {path: _Folder() for path in new}
        return new

    def _note_error(self, path: str, error: OSError) -> None:
        if path == self.root:
            self._outage.note(error.strerror)
            self._folders[path] = _Folder()
        elif isinstance(error, FileNotFoundError | NotADirectoryError):
            del self._folders[path]
        else:
            self._folders[path].itself.complain(path, error.strerror)

    def _is_quiet(self, path: str, file: Watched) -> bool:
        """Look at a file; say whether it is there to be taken."""
        now_s = self._clock()
        try:
            status = os.lstat(path)
        except OSError as error:
            if not isinstance(error, FileNotFoundError):  # of which the next listing tells
                file.complain(path, error.strerror)
            file.rest(FILE_REST, now_s)
            return False
        file.note(sign(status), self._clock())  # the look may have taken long: what it found may be that new
        if not stat.S_ISREG(status.st_mode):
            file.complain(path, "it is no regular file, but a link, a pipe or a device")
        if file.is_settled or file.complaint:
            file.rest(FILE_REST, now_s)
        return stat.S_ISREG(status.st_mode) and not file.is_settled and now_s - file.since_s >= self._quiet_s


def sign(status: os.stat_result) -> Signature:
    """Return by what a change of a file is known."""
    return status.st_size, status.st_mtime_ns


def _meet(folder: str, name: str) -> Watched:
    """Return the memory of a new file, or, if files of its name are not taken, say so."""
    obstacle = find_obstacle(name)
    if obstacle is None:
        return Watched()
    log.warning("%r is passed over: %s", f"{folder}/{name}", obstacle)
    return PASSED_OVER
