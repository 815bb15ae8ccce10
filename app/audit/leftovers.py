"""Leftovers: what a process that was killed left in the upload folder and in the local store's temporary folder."""

import datetime as dt
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from app.audit.contents import hash_file
from app.audit.findings import Finding, Kind
from app.audit.queries import find_pending_jobs, list_md5s
from app.extensions import get_config
from app.ingest.models import IngestJob, JobState
from ocs_archive.input.values import split_filename
from ocs_archive.storage.filestore import FileStore
from ocs_archive.storage.filesystemstore import FileSystemStore

LEFTOVER_AGE = dt.timedelta(days=1)  # before an audit beside a running archive
BATCH = 500
# The archive's own names in these folders: whatever else lies there is not its to judge.
OWN_FILE = re.compile("[0-9a-f]{32}")
RECEIVING_FOLDER = re.compile("receiving-.+")


def find_leftovers(store: FileStore, untouched_since: dt.datetime) -> Iterator[Finding]:
    """Yield what nobody waits for and has not been touched since a time."""
    last_s = untouched_since.timestamp()
    if isinstance(store, FileSystemStore):
        for path in _list_old(store.temporary_folder, OWN_FILE, last_s):
            yield Finding(Kind.LEFTOVER, str(path), "is a half-written file of the local store")
    upload_dir = get_config().upload_dir
    for path in _list_old(upload_dir, RECEIVING_FOLDER, last_s):
        yield Finding(Kind.LEFTOVER, str(path), "is an upload that did not come to its end")
    uploads = _list_old(upload_dir, OWN_FILE, last_s)
    while batch := list(islice(uploads, BATCH)):
        jobs = find_pending_jobs([str(path) for path in batch])
        for path in batch:
            if not _is_needed(path, jobs.get(str(path))):
                yield Finding(Kind.LEFTOVER, str(path), "is an upload that no job needs")


def _list_old(folder: Path, name: re.Pattern[str], last_s: float) -> Iterator[Path]:
    """Yield what in a folder has such a name and has not changed since a time, in seconds since 1970."""
    for path in _iter_folder(folder):
        if name.fullmatch(path.name) and _find_change_s(path) <= last_s:
            yield path


def _iter_folder(folder: Path) -> Iterator[Path]:
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            yield Path(entry.path)


def _find_change_s(path: Path) -> float:
    """Return when a file, or a folder or any file in it, last changed.

    It is the ctime: a hard link has its file's mtime.
    """
    times = []
    for changed in (path, *_iter_folder(path)):
        with suppress(FileNotFoundError):
            times.append(changed.lstat().st_ctime)
    return max(times, default=float("inf"))  # gone


def _is_needed(upload: Path, job: IngestJob | None) -> bool:
    """Say whether a job needs an upload: it has not ended, or it has failed and its content came in by no other way."""
    if job is None or job.state != JobState.FAILED:
        return job is not None
    archived = list_md5s(split_filename(job.filename)[0])
    with suppress(FileNotFoundError), upload.open("rb") as file:
        return not archived or hash_file(file) not in archived
    return True
