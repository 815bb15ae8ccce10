"""A record of another archive, made ready to be saved here: its header fetched, its files found in the store."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import marshmallow as ma

from app.errors import ArchiveError
from app.fields import CONTROL_CHARACTERS, LARGEST_BIGINT
from app.ocs_import import schemas
from app.ocs_import.models import Part
from app.ocs_import.source import AnswerError, Record, Source
from app.posted_files import build_store_path
from ocs_archive.input.exceptions import FileSpecificationException
from ocs_archive.input.file import EmptyFile
from ocs_archive.input.headerdata import HeaderData
from ocs_archive.storage.filestore import FileStore, FileStoreConnectionError, FileStoreSpecificationError

LONGEST_LINE = 500
BEGINNING = dt.datetime.min.replace(tzinfo=dt.UTC)
#: Why one record can't be copied, while others can.
REFUSALS = (AnswerError, ArchiveError, FileSpecificationException, ma.ValidationError)
STORE_FAULTS = (FileStoreConnectionError, FileStoreSpecificationError)


@dataclass(frozen=True)
class Finding:
    """What could not be copied of a frame, and why."""

    part: Part
    reason: str


@dataclass
class PreparedFrame:
    """A frame as it will be saved; `new` is None if it can't be."""

    source_id: int
    basename: str
    modified: str
    new: dict[str, Any] | None = None  # as `app.frames.actions.save_frame` takes it
    thumbnails: dict[str, dict[str, Any]] = field(default_factory=dict)  # by size, as `save_thumbnail` takes them
    findings: list[Finding] = field(default_factory=list)

    @property
    def files(self) -> int:
        """The number of its files."""
        return len(self.new["version_set"]) if self.new else 0

    @property
    def files_missing(self) -> int:
        """The number of its files that the store does not have."""
        return sum(finding.part is Part.FILE for finding in self.findings)


def prepare(source: Source, store: FileStore, record: Record) -> PreparedFrame:
    """Make a record ready. It asks the source for the header, and the store for each file.

    Raises
    ------
    SourceError
        If the source is away.
    """
    frame = PreparedFrame(read_id(record), read_line(record, "basename"), read_line(record, "modified"))
    if not frame.source_id:
        frame.findings.append(Finding(Part.FRAME, explain(f"The source lists it without an id: {record}")))
        return frame
    try:
        frame.new = _load(record, source.get_headers(frame.source_id), frame.findings)
        for version in frame.new["version_set"]:
            _locate(version, frame.new, store, frame.findings)
    except REFUSALS as error:
        frame.new, frame.findings = None, [Finding(Part.FRAME, explain(error))]
        return frame
    for thumbnail in read_list(record, "thumbnails"):
        try:
            told = schemas.THUMBNAIL.load(thumbnail)
            frame.thumbnails[told["size"]] = _find_thumbnail(told, frame.new, store)
        except (*REFUSALS, *STORE_FAULTS) as error:
            frame.findings.append(Finding(Part.THUMBNAIL, explain(error)))
    return frame


def read_id(record: Any) -> int:
    """Return a record's id; 0 if it has none that a database can hold."""
    number = record.get("id") if isinstance(record, dict) else None
    return number if isinstance(number, int) and 0 < number <= LARGEST_BIGINT else 0


def read_line(record: Record, name: str) -> str:
    """Return what a record says, whatever it is, as a line that a database can hold; empty if it says nothing."""
    return _make_line(record.get(name) or "")


def read_list(record: Record, name: str) -> list[Any]:
    """Return a list of a record; empty if it has none."""
    found = record.get(name)
    return found if isinstance(found, list) else []


def explain(error: object) -> str:
    """Return why something could not be copied, in a line."""
    return _make_line(error.messages if isinstance(error, ma.ValidationError) else error)


def _make_line(said: object) -> str:
    return CONTROL_CHARACTERS.sub(" ", str(said))[:LONGEST_LINE]


def _load(record: Record, headers: Record, findings: list[Finding]) -> dict[str, Any]:
    """Return a record as `save_frame` takes it; its files in the order in which they were archived."""
    named = [*HeaderData(headers).get_related_frames().values()]
    body = {**record, "headers": headers, "related_frame_filenames": named}
    try:
        new: dict[str, Any] = schemas.FRAME.load(body)
    except ma.ValidationError as error:
        if set(error.messages_dict) != {"area"}:
            raise
        new = schemas.FRAME.load(body | {"area": None})
    if record.get("area") and new["area"] is None:
        findings.append(Finding(Part.FOOTPRINT, explain(f"It can't be searched: {record['area']}")))
    new["version_set"].sort(key=lambda version: (version["created"] or BEGINNING, version.pop("id")))
    return new


def _locate(version: dict[str, Any], frame: Mapping[str, Any], store: FileStore, findings: list[Finding]) -> None:
    """Add where a file lies, and its size as the store tells it, or else the source."""
    path = version["store_path"] = build_store_path(version["extension"], frame)
    version["created"] = version["created"] or dt.datetime.now(dt.UTC)
    try:
        store.adopt_file(path, version["key"])
        version["size"] = store.get_file_size(path, version["key"]) or version["size"]
    except STORE_FAULTS as error:
        findings.append(Finding(Part.FILE, explain(error)))


def _find_thumbnail(told: Mapping[str, Any], frame: Mapping[str, Any], store: FileStore) -> dict[str, Any]:
    """Return a thumbnail as `save_thumbnail` takes it. The contract does not tell its key and md5: the store does."""
    name = EmptyFile(told["filename"] or f"{frame['basename']}-{told['size']}.jpg")
    path = build_store_path(name.extension or "", {**frame, "basename": name.basename})
    with store.get_fileobj(path) as stored:
        if stored is None:
            raise FileStoreConnectionError(f"The file store has no {path}.")
        md5 = hashlib.md5(stored.read(), usedforsecurity=False).hexdigest()
    store.adopt_file(path, md5)
    newest = next(file for file in store.list_files(path) if file.path == path)
    placed = {"store_path": path, "key": newest.key, "md5": md5, "extension": name.extension}
    return placed | {side: told[side] for side in ("width", "height")}
