"""Listing the local store: its two trees, of newest files and of versions, walked in the byte order of their paths."""

import heapq
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter

from ocs_archive.storage.filestore import StoredFile

Entries = list[os.DirEntry[str]]
COPY_TIME_TOLERANCE_S = 2.0  # the coarsest clock of a file system that has no hard links


def list_stored_files(root: str, versions_root: str, hidden: set[str], prefix: str) -> Iterator[StoredFile]:
    """Yield each version below `versions_root`, and each file below `root` that is no name or copy of one.

    They come in the byte order of their paths, of one path what lies at the path itself first, then the newest version.
    No more names are held at a time than the folders on one way down have. Links are passed over.

    Parameters
    ----------
    root, versions_root
        The two folders of the store.
    hidden
        Names directly below `root` that are passed over.
    prefix
        How the paths begin.
    """
    files = walk_files(root, "", prefix, hidden)
    folders = walk_folders(versions_root, "", prefix)
    merged = heapq.merge(files, folders, key=lambda found: os.fsencode(found[0]))
    for path, group in groupby(merged, key=itemgetter(0)):
        found = {is_version: entries for _, entries, is_version in group}
        yield from describe_path(path, found.get(False, []), found.get(True, []))


def walk_files(top: str, path: str, prefix: str, hidden: set[str]) -> Iterator[tuple[str, Entries, bool]]:
    """Yield each file with its path. A folder's files come where its name and a slash would stand."""
    files, folders = list_folder(f"{top}/{path}")
    named = [(os.fsencode(file.name), file) for file in files]
    named += [(os.fsencode(folder.name) + b"/", folder) for folder in folders if folder.name not in hidden]
    for place, entry in sorted(named, key=itemgetter(0)):
        below = join(path, entry.name)
        if not reaches(below, prefix):
            continue
        if place.endswith(b"/"):
            yield from walk_files(top, below, prefix, set())
        elif below.startswith(prefix):
            yield below, [entry], False


def walk_folders(top: str, path: str, prefix: str) -> Iterator[tuple[str, Entries, bool]]:
    """Yield each folder that has files, with these. What is in a folder's own folders comes later than ``<name>-…``."""
    queue = [(os.fsencode(folder.name), folder.name) for folder in list_folder(f"{top}/{path}")[1]]
    heapq.heapify(queue)
    while queue:
        place, name = heapq.heappop(queue)
        below = join(path, name)
        if not reaches(below, prefix):
            continue
        if place.endswith(b"/"):
            yield from walk_folders(top, below, prefix)
            continue
        files, folders = list_folder(f"{top}/{below}")
        if files and below.startswith(prefix):
            yield below, files, True
        if folders:
            heapq.heappush(queue, (place + b"/", name))


def describe_path(path: str, plain: Entries, versions: Entries) -> Iterator[StoredFile]:
    """Yield what lies at a path itself, unless it is one of its versions, and the versions, the newest first."""
    found = [(entry.name, status) for entry in versions if (status := find_status(entry)) is not None]
    inodes = {status.st_ino for _, status in found}
    for entry in plain:
        if entry.inode() in inodes:
            continue
        status = find_status(entry)
        if status is not None and not any(is_same(status, version) for _, version in found):
            yield build_stored_file(path, "", status)
    for name, status in sorted(found, key=lambda version: version[1].st_mtime_ns, reverse=True):
        yield build_stored_file(path, name, status)


def list_folder(folder: str) -> tuple[Entries, Entries]:
    """Return the files and the folders in a folder; one that is gone is empty."""
    found: Entries = []
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        found = list(entries)
    files = [entry for entry in found if entry.is_file(follow_symlinks=False)]
    return files, [entry for entry in found if entry.is_dir(follow_symlinks=False)]


def join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def reaches(path: str, prefix: str) -> bool:
    """Say whether a path, or what lies below it, may begin with a prefix."""
    return path.startswith(prefix) or prefix.startswith(f"{path}/")


def find_status(entry: os.DirEntry[str]) -> os.stat_result | None:
    """Return a file's size and times; None if it is gone."""
    with suppress(FileNotFoundError):
        return entry.stat(follow_symlinks=False)
    return None


def is_same(first: os.stat_result, second: os.stat_result) -> bool:
    """Say whether two names are of one file, or, by size and time, of a file and its copy."""
    is_copy = first.st_size == second.st_size and abs(first.st_mtime - second.st_mtime) < COPY_TIME_TOLERANCE_S
    return os.path.samestat(first, second) or is_copy


def build_stored_file(path: str, key: str, status: os.stat_result) -> StoredFile:
    return StoredFile(path, key, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))
