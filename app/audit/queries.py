"""Reads of an audit: the rows of stored files in the order of the store, and who still needs a file."""

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, func, literal, null, select, tuple_

from app.extensions import db
from app.frames.models import Frame, Thumbnail, Version
from app.ingest.models import UNFINISHED, Door, IngestJob, JobState
from ocs_archive.storage.filestore import StoredFile

PAGE_ROWS = 1000
FileModel = type[Version] | type[Thumbnail]
Place = tuple[str, str, int]  # of a row in the order of the store: path, key, id


@dataclass(frozen=True, slots=True)
class FileRow:
    """A version or a thumbnail: a row that says that the store has a file."""

    model: FileModel
    id: int
    frame_id: int
    path: str
    key: str
    md5: str
    size: int | None  # bytes; not recorded of thumbnails, nor of what an OCS client stored
    fault: str
    created: dt.datetime


def list_rows(model: FileModel, prefix: str) -> Iterator[FileRow]:
    """Yield the rows whose path begins with a prefix, in the byte order of path and key.

    They are read page by page, each in a transaction of its own: one that lasted as long as an audit would keep the
    database from cleaning up.
    """
    place: Place = (prefix, "", 0)
    while page := _read_page(model, place):
        for row in page:
            if not row.path.startswith(prefix):
                return
            yield row
        place = (page[-1].path, page[-1].key, page[-1].id)


def _read_page(model: FileModel, place: Place) -> list[FileRow]:
    order = (model.store_path, model.key, model.id)
    here = tuple_(*(literal(value, column.type) for value, column in zip(place, order, strict=True)))
    size: Any = model.size if model is Version else null()
    columns = (model.id, model.frame_id, model.store_path, model.key, model.md5, size, model.file_fault, model.created)
    statement = select(*columns).where(tuple_(*order) > here).order_by(*order).limit(PAGE_ROWS)
    rows = [FileRow(model, *row) for row in db.session.execute(statement)]
    db.session.rollback()
    return rows


def count_rows(prefix: str) -> int:
    """Return how many rows `list_rows` gives for versions and thumbnails together."""
    return sum(
        db.session.scalars(select(func.count()).where(model.store_path.startswith(prefix, autoescape=True))).one()
        for model in (Version, Thumbnail)
    )


def is_archive_empty() -> bool:
    """Say whether the archive has no version at all."""
    return db.session.scalar(select(Version.id).limit(1)) is None


def is_named(path: str, key: str) -> bool:
    """Say whether a row names a stored file by now."""
    named = [exists().where(model.store_path == path, model.key.in_([key, ""])) for model in (Version, Thumbnail)]
    return any(db.session.scalar(select(is_there)) for is_there in named)


def is_thumbnail_path(path: str) -> bool:
    """Say whether a thumbnail lies at a path of the store."""
    return bool(db.session.scalar(select(exists().where(Thumbnail.store_path == path))))


def list_md5s(basename: str) -> list[str]:
    """Return the md5s of a frame's versions."""
    return list(db.session.scalars(select(Version.md5).join(Frame).where(Frame.basename == basename)))


def list_longer(file: StoredFile) -> list[Version]:
    """Return the versions at a stored file's path that have more bytes than it."""
    return list(db.session.scalars(select(Version).where(Version.store_path == file.path, Version.size > file.size)))


def find_adopting_job(md5: str) -> IngestJob | None:
    """Return an audit's ingest job for a content that has not been archived."""
    pending = IngestJob.state.in_([*UNFINISHED, JobState.FAILED])
    statement = select(IngestJob).where(pending, IngestJob.door == Door.AUDIT, IngestJob.md5 == md5)
    return db.session.scalar(statement.limit(1))


def find_pending_jobs(filepaths: Collection[str]) -> dict[str, IngestJob]:
    """Return those jobs of some uploads that have not ended, or have failed."""
    pending = IngestJob.state.in_([*UNFINISHED, JobState.FAILED])
    jobs = db.session.scalars(select(IngestJob).where(pending, IngestJob.filepath.in_(filepaths)))
    return {job.filepath: job for job in jobs}
