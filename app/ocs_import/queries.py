"""Reads of a copy: what of a page is here already, which frame is which, and how many of what there are."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice

from sqlalchemy import func, select

from app.extensions import db
from app.frames.models import Frame, RelatedFrame, Thumbnail, Version
from app.ocs_import.models import ImportedFrame, ImportFinding, OcsImport, Part
from app.ocs_import.preparation import read_id, read_line, read_list
from app.ocs_import.source import Record

MOST_PARAMETERS = 10_000  # of a query; SQLite takes 32,766


@dataclass(frozen=True)
class Known:
    """What the archive has of a page of the source's records."""

    modified: dict[int, str] = field(default_factory=dict)  # of copied frames without a finding, by the source's id
    owners: dict[str, str] = field(default_factory=dict)  # basenames, by md5
    thumbnails: dict[str, int] = field(default_factory=dict)  # how many, by basename

    def is_unchanged(self, record: Record) -> bool:
        """Say whether a frame has been copied as it is now."""
        modified = self.modified.get(read_id(record))
        is_same = bool(modified) and modified == read_line(record, "modified")
        has_all = len(read_list(record, "thumbnails")) <= self.thumbnails.get(read_line(record, "basename"), 0)
        return is_same and has_all and list_md5s(record) <= self.owners.keys()

    def list_versions(self, basename: str) -> set[str]:
        """Return the md5s of a frame's files here."""
        return {md5 for md5, owner in self.owners.items() if owner == basename}


def list_md5s(record: Record) -> set[str]:
    """Return the md5s of the files of a record, as far as it has any."""
    return {read_line(version, "md5") for version in read_list(record, "version_set") if isinstance(version, dict)}


def find_import(source_url: str) -> OcsImport | None:
    return db.session.scalar(select(OcsImport).where(OcsImport.source_url == source_url))


def find_known(import_id: int, records: Collection[Record]) -> Known:
    """Find what the archive has of some records, with a query for each kind."""
    ids = [read_id(record) for record in records]
    has_finding = select(ImportFinding.source_id).where(
        ImportFinding.import_id == import_id, ImportFinding.source_id.in_(ids), ImportFinding.part != Part.RELATED
    )
    copied = select(ImportedFrame.source_id, ImportedFrame.modified).where(
        ImportedFrame.import_id == import_id,
        ImportedFrame.source_id.in_(ids),
        ImportedFrame.source_id.not_in(has_finding),
    )
    names = {read_line(record, "basename") for record in records}
    md5s = {md5 for record in records for md5 in list_md5s(record)}
    stored = select(Version.md5, Frame.basename).join(Frame)
    by_name, by_md5 = stored.where(Frame.basename.in_(names)), stored.where(Version.md5.in_(md5s))
    owners = by_name.union(by_md5)  # an OR over two tables would use no index
    pictures = select(Frame.basename, func.count()).join(Thumbnail).where(Frame.basename.in_(names))
    found = (copied, owners, pictures.group_by(Frame.basename))
    return Known(*(dict(db.session.execute(statement).all()) for statement in found))


def has_imported(import_id: int) -> bool:
    return (
        db.session.scalar(select(ImportedFrame.source_id).where(ImportedFrame.import_id == import_id).limit(1))
        is not None
    )


def find_frame_ids(import_id: int, source_ids: Collection[int]) -> dict[int, int]:
    """Return which frames of the source are which here, as far as they are known."""
    frame_ids: dict[int, int] = {}
    wanted = iter(source_ids)
    while batch := list(islice(wanted, MOST_PARAMETERS)):
        found = select(ImportedFrame.source_id, ImportedFrame.frame_id).where(
            ImportedFrame.import_id == import_id, ImportedFrame.source_id.in_(batch)
        )
        frame_ids |= dict(db.session.execute(found).all())
    return frame_ids


def list_findings(import_id: int) -> Iterator[ImportFinding]:
    """Yield what could not be copied, by the source's ids."""
    found = select(ImportFinding).where(ImportFinding.import_id == import_id)
    yield from db.session.scalars(
        found.order_by(ImportFinding.source_id, ImportFinding.id).execution_options(yield_per=1000)
    )


def count_findings(import_id: int) -> dict[str, int]:
    found = select(ImportFinding.part, func.count()).where(ImportFinding.import_id == import_id)
    return dict(db.session.execute(found.group_by(ImportFinding.part)).all())


def count_copied(import_id: int) -> dict[str, int]:
    """Count what the archive has of the source: of frames, those that lists show."""
    frames = select(ImportedFrame.frame_id).where(ImportedFrame.import_id == import_id)
    listed = select(Version.frame_id).join(Frame).where(Frame.observation_date.is_not(None))
    counts = {
        "frames": select(func.count()).select_from(frames.where(ImportedFrame.frame_id.in_(listed)).subquery()),
        "versions": select(func.count(Version.id)).where(Version.frame_id.in_(frames)),
        "thumbnails": select(func.count(Thumbnail.id)).where(Thumbnail.frame_id.in_(frames)),
        "related frames": select(func.count()).select_from(RelatedFrame).where(RelatedFrame.frame_id.in_(frames)),
    }
    return {name: db.session.scalar(statement) or 0 for name, statement in counts.items()}
