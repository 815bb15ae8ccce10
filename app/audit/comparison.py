"""The comparison of rows and stored files: two streams in one order, so that neither is ever held whole."""

import datetime as dt
import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, groupby
from operator import itemgetter

from app.audit.contents import CANT_GIVE, find_size, read_md5
from app.audit.findings import AuditError, Finding, Kind
from app.audit.queries import FileRow, is_archive_empty, list_rows
from app.frames.models import FileFault, Thumbnail, Version
from ocs_archive.storage.filestore import FileStore, StoredFile

Item = FileRow | StoredFile
Flaw = tuple[Kind, str]
AGELESS = {Kind.RECOVERED, Kind.UNSIZED}


@dataclass(frozen=True)
class Scope:
    """What an audit looks at."""

    judged_before: dt.datetime  # rows and files that are younger may belong to an ingest that goes on
    leftovers_before: dt.datetime
    prefix: str = ""
    with_checksums: bool = False
    with_unsized: bool = False


@dataclass
class Counts:
    """What an audit has looked at."""

    versions: int = 0
    thumbnails: int = 0
    files: int = 0
    bytes_read: int = 0
    too_young: int = 0

    @property
    def rows(self) -> int:
        return self.versions + self.thumbnails


def compare(store: FileStore, scope: Scope, counts: Counts) -> Iterator[list[Finding]]:
    """Yield, for each path that the archive or the store has, what is amiss there: mostly nothing.

    Raises
    ------
    AuditError
        If a stream is not in order, or the store keeps nothing, or has nothing though the archive has.
    FileStoreConnectionError, FileStoreSpecificationError
        If the store can't be listed.
    """
    streams: dict[str, Iterator[Item]] = {
        "The store": _list_files(store, scope.prefix),
        "The table version": list_rows(Version, scope.prefix),
        "The table thumbnail": list_rows(Thumbnail, scope.prefix),
    }
    merged = heapq.merge(*(_check_order(items, name) for name, items in streams.items()), key=itemgetter(0))
    for _, group in groupby(merged, key=itemgetter(0)):
        found = list(_judge_path(store, scope, counts, [item for _, item in group]))
        judged = [finding for finding in found if not _is_too_young(finding, scope.judged_before)]
        counts.too_young += len(found) - len(judged)
        yield judged


def _list_files(store: FileStore, prefix: str) -> Iterator[StoredFile]:
    """List the store; one that has nothing, though the archive has, is hardly the right one."""
    if type(store) is FileStore:
        raise AuditError("FILESTORE_TYPE is dummy, a store that keeps nothing: there is nothing to audit.")
    files = store.list_files(prefix)
    first = next(files, None)
    if first is None and not prefix and not is_archive_empty():
        raise AuditError(
            "The file store is empty, and the archive is not: is its disk mounted, and are FILESTORE_TYPE, "
            "FILESYSTEM_STORAGE_ROOT_DIR or BUCKET right? Nothing has been judged."
        )
    return chain([first], files) if first else files


def _check_order(items: Iterator[Item], name: str) -> Iterator[tuple[bytes, Item]]:
    """Give each item its place, the path's bytes. Out of order, what is there would be taken for missing."""
    last = b""
    for item in items:
        place = item.path.encode(errors="surrogateescape")
        if place < last:
            raise AuditError(f"{name} lists {item.path!r} after {last!r}, which is not in byte order.")
        yield place, item
        last = place


def _judge_path(store: FileStore, scope: Scope, counts: Counts, items: list[Item]) -> Iterator[Finding]:
    """Compare what the archive and the store have at one path."""
    rows = [item for item in items if isinstance(item, FileRow)]
    files = {item.key: item for item in items if isinstance(item, StoredFile)}
    unclaimed = dict(files)
    for row in rows:
        file = files.get(row.key)
        unclaimed.pop(row.key, None)
        flaw = _examine(store, scope, counts, row, file)
        if flaw is not None:
            yield Finding(flaw[0], row.path, flaw[1], row, file)
    yield from _judge_unclaimed(unclaimed)
    counts.files += len(files)
    counts.versions += sum(row.model is Version for row in rows)
    counts.thumbnails += sum(row.model is Thumbnail for row in rows)


def _judge_unclaimed(files: dict[str, StoredFile]) -> Iterator[Finding]:
    """Say what files without a row are, by their keys.

    The versions beside a foreign file wait: to delete one, the store would put the newest in that file's place.
    """
    if foreign := files.get(""):
        yield Finding(Kind.FOREIGN, foreign.path, "lies in the store, which did not put it there", file=foreign)
        return
    for file in files.values():
        yield Finding(Kind.ORPHAN, file.path, "belongs to no version and no thumbnail", file=file)


def _examine(store: FileStore, scope: Scope, counts: Counts, row: FileRow, file: StoredFile | None) -> Flaw | None:
    """Return what is amiss with the file of a row."""
    try:
        flaw = _examine_size(store, row, file)
        if flaw is None and scope.with_checksums:
            flaw = _examine_content(store, counts, row, file)
    except CANT_GIVE as error:
        return Kind.UNREADABLE, str(error)
    if flaw is not None:
        return flaw
    if row.fault and (scope.with_checksums or row.fault != FileFault.MD5):
        return Kind.RECOVERED, f"is marked as “{row.fault}” and is right again"
    if scope.with_unsized and scope.with_checksums and row.model is Version and row.size is None and file is not None:
        return Kind.UNSIZED, f"has {file.size} bytes"
    return None


def _examine_size(store: FileStore, row: FileRow, file: StoredFile | None) -> Flaw | None:
    # What the list lacks is asked for by name: it may have come since, or lie behind a link.
    size = file.size if file is not None else find_size(store, row.path, row.key)
    if size is None:
        return Kind.MISSING, "is not in the store"
    if row.size is not None and size != row.size:
        return Kind.SIZE, f"has {size} bytes instead of {row.size}"
    return None


def _examine_content(store: FileStore, counts: Counts, row: FileRow, file: StoredFile | None) -> Flaw | None:
    md5 = read_md5(store, row.path, row.key)
    if md5 is None:
        return Kind.MISSING, "is not in the store"
    counts.bytes_read += file.size if file is not None else 0
    return (Kind.MD5, f"has the md5 {md5} instead of {row.md5}") if md5 != row.md5 else None


def _is_too_young(finding: Finding, judged_before: dt.datetime) -> bool:
    times = [finding.row.created] if finding.row else []
    times += [finding.file.modified] if finding.file else []
    return finding.kind not in AGELESS and not finding.is_known and max(times) > judged_before
