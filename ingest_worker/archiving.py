"""One file on its way to one frame, without RQ: take in, look for a duplicate, read the header, store, verify, write.

The frame's rows and the mark on the job are one transaction. A file is stored before its rows are written, so that a
crash in between leaves a file without rows, never rows without a file.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import marshmallow as ma
from sqlalchemy import select

from app.extensions import db, get_file_store
from app.frames.actions import restore_version, save_frame, save_thumbnail
from app.frames.models import THUMBNAIL_SIZES, Frame, Thumbnail
from app.frames.queries import find_frame_id_by_md5
from app.frames.schemas import LONGEST_BASENAME, NewFrameSchema
from app.ingest.actions import is_below_ingest_roots, mark_archived
from app.ingest.models import IngestJob, JobState
from ingest_worker.datafiles import build_frame_record, read_data_file, store_data_file
from ingest_worker.exceptions import BackoffRetryError, DoNotRetryError
from ingest_worker.failures import translated_errors
from ingest_worker.interrupts import interruptible
from ingest_worker.timings import Timings
from ocs_archive.input.file import File
from ocs_archive.input.thumbnailfile import ThumbnailFile

log = logging.getLogger(__name__)

LARGEST_THUMBNAIL_BYTES = 16 * 2**20
RECORD_SCHEMA = NewFrameSchema(exclude=["version_set"])


def ingest(job: IngestJob, owner: str, took: Timings) -> JobState:
    """Bring the file of a job into the archive, and mark the job, in one transaction; note what `took` how long.

    Returns
    -------
    JobState
        That of the job: archived, or already archived.

    Raises
    ------
    IngestError
        One of its four kinds, if the file could not be archived; nothing has been written then.
    Interrupted
        If the worker was told to end; of the transaction nothing has been committed then.
    """
    with translated_errors(job.filename), ExitStack() as until_marked:
        with interruptible():
            with took.measure("read_s"):
                file = until_marked.enter_context(_receive(job))
                md5, size = file.get_md5(), len(file)
            with took.measure("database_s"):
                known_id = find_frame_id_by_md5(md5)
            frame_id, is_new = (known_id, False) if known_id else _archive(file, md5, size, job.file_metadata, took)
        state = mark_archived(job.id, owner, frame_id=frame_id, md5=md5, size=size, is_new=is_new, took=took)
        db.session.commit()
    return state


def _archive(file: File, md5: str, size: int, file_metadata: Mapping[str, Any], took: Timings) -> tuple[int, bool]:
    """Store a file and write its rows, uncommitted; return the id of its frame, and whether the file is new."""
    with took.measure("read_s"):
        data_file = read_data_file(file, file_metadata)
    if isinstance(data_file, ThumbnailFile):
        return _archive_thumbnail(data_file, md5, size, took)
    with took.measure("read_s"):
        record = _check_record(build_frame_record(data_file))
    with took.measure("store_s"):
        stored = store_data_file(get_file_store(), data_file, md5, size)
    version = stored | {"size": size}
    with took.measure("database_s"):
        return restore_version(md5, version) or save_frame(record | {"version_set": [version]}), True


def _archive_thumbnail(file: ThumbnailFile, md5: str, size: int, took: Timings) -> tuple[int, bool]:
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
    with took.measure("read_s"):
        frame = _check_record(build_frame_record(file))
    with took.measure("store_s"):
        stored = store_data_file(get_file_store(), file, md5, size)
    with took.measure("database_s"):
        return save_thumbnail(basename, size_name, frame, **stored).frame_id, True


def _find_thumbnail(basename: str, size_name: str, md5: str) -> int | None:
    """Return the id of the frame that has this very thumbnail; two frames may have equal ones, such as black ones."""
    found = select(Thumbnail.frame_id).join(Frame).where(Frame.basename == basename)
    return db.session.scalar(found.where(Thumbnail.size == size_name, Thumbnail.md5 == md5))


def _check_record(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record as the archive keeps it; without its footprint, if that is none that can be searched."""
    try:
        loaded: dict[str, Any] = RECORD_SCHEMA.load(record)
    except ma.ValidationError as error:
        if "area" not in error.messages_dict:
            raise
        log.warning("%s goes without its footprint: %s", record["basename"], error.messages_dict["area"])
        loaded = RECORD_SCHEMA.load(record | {"area": None})
    return loaded


@contextmanager
def _receive(job: IngestJob) -> Iterator[File]:
    """Have the file store take in the file of a job."""
    with _open(job) as stream:
        before = os.fstat(stream.fileno())
        with get_file_store().receive(File(stream, job.filename)) as file:
            after = os.fstat(stream.fileno())
            if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
                raise BackoffRetryError(
                    f"{job.filename} changed while it was read; it is tried again.", "store.checksum_mismatch"
                )
            yield file


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
        raise DoNotRetryError(f"{path} is no regular file; submit the path of one.", "file.irregular")
    with path.open("rb") as stream:
        yield stream
