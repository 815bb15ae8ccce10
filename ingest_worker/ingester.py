"""One file on its way to one frame, without RQ: open, read the header, look for a duplicate, store, verify, write.

The frame's rows and the mark on the job are one transaction. A file is stored before its rows are written, so that a
crash in between leaves a file without rows, never rows without a file.
"""

import errno
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import marshmallow as ma
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, OperationalError

from app.errors import BadRequest
from app.extensions import db, get_file_store
from app.frames.actions import save_frame, save_thumbnail
from app.frames.models import Frame, Thumbnail
from app.frames.queries import find_version_by_md5
from app.frames.schemas import LONGEST_BASENAME, NewFrameSchema
from app.ingest.actions import is_below_ingest_roots, mark_archived
from app.ingest.models import IngestJob
from app.params import build_bad_parameter
from ingest_worker.exceptions import BackoffRetryError, DoNotRetryError, RetryError
from ocs_archive.input.file import DataFile, File, FileSpecificationException
from ocs_archive.input.filefactory import FileFactory
from ocs_archive.input.thumbnailfile import ThumbnailFile
from ocs_archive.settings import settings
from ocs_archive.storage.filestore import FileStore, FileStoreConnectionError, FileStoreSpecificationError

log = logging.getLogger(__name__)

THUMBNAIL_SIZES = ("small", "medium", "large")
LARGEST_THUMBNAIL_BYTES = 16 * 2**20
BAD_PATH = {errno.ENAMETOOLONG, errno.ENOTDIR, errno.ELOOP}


def ingest(job: IngestJob, owner: str) -> None:
    """Bring the file of a job into the archive, and mark the job, in one transaction.

    Raises
    ------
    IngestError
        One of its four kinds, if the file could not be archived; nothing has been written then.
    """
    with _translated_errors(job.filename), _open(job) as stream:
        file = File(stream, job.filename)
        md5, size = file.get_md5(), len(file)
        known = find_version_by_md5(md5)
        frame_id, is_new = (known.frame_id, False) if known else _archive(file, md5, size, job.file_metadata)
        mark_archived(job.id, owner, frame_id=frame_id, md5=md5, size=size, is_new=is_new)
        db.session.commit()


def build_frame_record(data_file: DataFile) -> dict[str, Any]:
    """Return what the archive keeps of a data file, as the contract's POST has it, without its versions."""
    return data_file.header_data.get_archive_frame_data() | {
        "basename": data_file.open_file.basename,
        "headers": data_file.header_data.get_headers(),
        "area": data_file.get_wcs_corners(),
    }


def _archive(file: File, md5: str, size: int, file_metadata: Mapping[str, Any]) -> tuple[int, bool]:
    """Store a file and write its rows, uncommitted; return the id of its frame, and whether the file is new."""
    data_file = _read(file, file_metadata)
    if isinstance(data_file, ThumbnailFile):
        return _archive_thumbnail(data_file, md5, size)
    record = _check_record(build_frame_record(data_file))
    stored = _store(data_file, md5, size)
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
    return save_thumbnail(basename, size_name, **_store(file, md5, size)).frame_id, True


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


def _read(file: File, file_metadata: Mapping[str, Any]) -> DataFile:
    if any(part in (file.basename or "") for part in settings.IGNORED_CHARS):
        raise DoNotRetryError(f"{file.filename}: IGNORED_CHARS keeps files of this name out.", "file.ignored")
    file_class = FileFactory.get_datafile_class_for_extension(file.extension)
    return file_class(file, dict(file_metadata))


def _store(data_file: DataFile, md5: str, size: int) -> dict[str, str]:
    """Store a file, and make sure that the store holds just what was read."""
    store, path = get_file_store(), data_file.get_filestore_path()
    stored = store.store_file(data_file)
    if stored["md5"] != md5:
        raise BackoffRetryError("The file changed while it was being stored.", "store.checksum_mismatch")
    stored_size = store.get_file_size(path, stored["key"])
    if stored_size != size and type(store) is not FileStore:  # the dummy keeps nothing
        raise BackoffRetryError(f"The store holds {stored_size} of {size} bytes.", "store.size_mismatch")
    return {**stored, "store_path": path}


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


@contextmanager
def _translated_errors(filename: str) -> Iterator[None]:
    """Turn what the parts raise into one of the four kinds."""
    try:
        yield
    except FileSpecificationException as error:
        raise DoNotRetryError(str(error), error.code) from error
    except ma.ValidationError as error:
        message = build_bad_parameter(error.messages_dict).message
        raise DoNotRetryError(f"{filename}: {message}", "record.invalid") from error
    except FileStoreSpecificationError as error:
        raise BackoffRetryError(f"The file store is not set up right: {error}", "store.misconfigured") from error
    except FileStoreConnectionError as error:
        raise BackoffRetryError(f"The file store does not answer: {error}", "store.unavailable") from error
    except (BadRequest, IntegrityError) as error:  # two workers brought the same file at the same moment
        raise RetryError(f"{filename} came in by another way at this moment.", "database.conflict") from error
    except OperationalError as error:
        raise BackoffRetryError(f"The database does not answer: {error.orig}", "database.unavailable") from error
    except PermissionError as error:
        raise DoNotRetryError(f"The worker may not read {filename}: {error.strerror}.", "file.unreadable") from error
    except OSError as error:
        if error.errno in BAD_PATH:
            raise DoNotRetryError(f"{filename} lies at no usable path: {error.strerror}.", "path.unusable") from error
        raise BackoffRetryError(f"{filename} could not be read: {error.strerror}.", "file.io_error") from error
