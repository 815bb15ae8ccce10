"""One file on its way to one frame, without RQ: open, look for a duplicate, read the header, store, verify, write.

The frame's rows and the mark on the job are one transaction. A file is stored before its rows are written, so that a
crash in between leaves a file without rows, never rows without a file.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import marshmallow as ma
from sqlalchemy import select

from app.extensions import db, get_file_store
from app.frames.actions import save_frame, save_thumbnail
from app.frames.models import Frame, Thumbnail
from app.frames.queries import find_version_by_md5
from app.frames.schemas import LONGEST_BASENAME, NewFrameSchema
from app.ingest.actions import is_below_ingest_roots, mark_archived
from app.ingest.models import IngestJob
from ingest_worker.datafiles import build_frame_record, read_data_file, store_data_file, translated_errors
from ingest_worker.exceptions import DoNotRetryError
from ocs_archive.input.file import File
from ocs_archive.input.thumbnailfile import ThumbnailFile

log = logging.getLogger(__name__)

THUMBNAIL_SIZES = ("small", "medium", "large")
LARGEST_THUMBNAIL_BYTES = 16 * 2**20


def ingest(job: IngestJob, owner: str) -> None:
    """Bring the file of a job into the archive, and mark the job, in one transaction.

    Raises
    ------
    IngestError
        One of its four kinds, if the file could not be archived; nothing has been written then.
    """
    with translated_errors(job.filename), _open(job) as stream:
        file = File(stream, job.filename)
        md5, size = file.get_md5(), len(file)
        known = find_version_by_md5(md5)
        frame_id, is_new = (known.frame_id, False) if known else _archive(file, md5, size, job.file_metadata)
        mark_archived(job.id, owner, frame_id=frame_id, md5=md5, size=size, is_new=is_new)
        db.session.commit()


def _archive(file: File, md5: str, size: int, file_metadata: Mapping[str, Any]) -> tuple[int, bool]:
    """Store a file and write its rows, uncommitted; return the id of its frame, and whether the file is new."""
    data_file = read_data_file(file, file_metadata)
    if isinstance(data_file, ThumbnailFile):
        return _archive_thumbnail(data_file, md5, size)
    record = _check_record(build_frame_record(data_file))
    stored = store_data_file(get_file_store(), data_file, md5, size)
    return save_frame(record | {"version_set": [stored | {"size": size}]}).id, True


def _archive_thumbnail(file: ThumbnailFile, md5: str, size: int) -> tuple[int, bool]:
    basename, size_name = file.header_data.get_thumbnail_frame_basename() or "", file.header_data.get_thumbnail_size()
    if size_name not in THUMBNAIL_SIZES or not 1 <= len(basename) <= LONGEST_BASENAME:
        raise DoNotRetryError(
            f"{file.open_file}: its metadata must name its frame, in at most {LONGEST_BASENAME} characters, and its "
            f"size, one of {', '.join(THUMBNAIL_SIZES)}.",
            "metadata.bad_thumbnail",
        )
    if size > LARGEST_THUMBNAIL_BYTES:
        raise DoNotRetryError(
            f"{file.open_file} has {size} bytes; a thumbnail may have {LARGEST_THUMBNAIL_BYTES}.", "thumbnail.too_large"
        )
    known_id = _find_thumbnail(basename, size_name, md5)
    if known_id is not None:
        return known_id, False
    return save_thumbnail(basename, size_name, **store_data_file(get_file_store(), file, md5, size)).frame_id, True


def _find_thumbnail(basename: str, size_name: str, md5: str) -> int | None:
    """Return the id of the frame that has this very thumbnail; two frames may have equal ones, such as black ones."""
    found = select(Thumbnail.frame_id).join(Frame).where(Frame.basename == basename)
    return db.session.scalar(found.where(Thumbnail.size == size_name, Thumbnail.md5 == md5))


def _check_record(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record as the archive keeps it; without its footprint, if that is none that can be searched."""
    schema = NewFrameSchema(exclude=["version_set"])
    try:
        loaded: dict[str, Any] = schema.load(record)
    except ma.ValidationError as error:
        if "area" not in error.messages_dict:
            raise
        log.warning("%s goes without its footprint: %s", record["basename"], error.messages_dict["area"])
        loaded = schema.load(record | {"area": None})
    return loaded


@contextmanager
def _open(job: IngestJob) -> Iterator[IO[bytes]]:
    path = Path(job.filepath)
    if not job.is_upload and not is_below_ingest_roots(path):
        raise DoNotRetryError(f"{path} is not below one of this worker's INGEST_ROOTS.", "path.outside_roots")
    if not path.exists():
        raise DoNotRetryError(
            f"{path} does not exist on the worker's machine; submit it again once it does.", "file.missing"
        )
    if not path.is_file():
        raise DoNotRetryError(f"{path} is no regular file.", "file.irregular")
    with path.open("rb") as stream:
        yield stream
