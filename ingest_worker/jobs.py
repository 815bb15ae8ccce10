"""The functions that RQ runs: thin, with an id in and nothing out. They need the application's context."""

import datetime as dt
import io
import logging
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from app.extensions import db, get_file_store
from app.frames.actions import save_thumbnail
from app.frames.models import Frame, Header, Version
from app.ingest.actions import (
    Failure,
    LeaseLostError,
    claim,
    give_back,
    mark_failed,
    mark_previews,
    reconcile,
)
from app.ingest.bell import ring, ring_for_previews
from app.ingest.models import IngestJob, PreviewState
from ingest_worker.archiving import ingest
from ingest_worker.exceptions import DoNotRetryError, IngestError, RetryError
from ingest_worker.leases import kept_lease
from ingest_worker.previews import Preview, PreviewError, build_previews
from ingest_worker.retries import find_wait_s
from ocs_archive.input.file import File, FileSpecificationException
from ocs_archive.input.thumbnailfile import ThumbnailFile
from ocs_archive.settings import settings
from ocs_archive.storage.filestore import FileStoreConnectionError, FileStoreSpecificationError

log = logging.getLogger(__name__)

NEVER_FINISHED = "It was begun and never finished: the process that made it ended."
QUICK_TRIES = 3  # of what only met another worker
PREVIEW_ERRORS = (
    PreviewError,
    FileSpecificationException,
    FileStoreConnectionError,
    FileStoreSpecificationError,
    OSError,
)


def run_ingest_job(job_id: int) -> None:
    """Ingest the file of a job, unless it is another worker's; then look after the jobs that are due."""
    owner = f"{socket.gethostname()}:{os.getpid()}"
    try:
        job = claim(job_id, owner)
        if job is not None:
            with kept_lease(job_id, owner):
                _run(job, owner)
        reconcile()
    finally:
        db.session.remove()


def run_preview_job(job_id: int) -> None:
    """Make the pictures of the frame of a job; that they can't be made fails nothing but themselves."""
    try:
        job = db.session.get(IngestJob, job_id)
        if job is not None and job.preview_state == PreviewState.OWED:
            # Said first, so that a picture that takes its process down is not tried for ever.
            mark_previews(job_id, PreviewState.FAILED, NEVER_FINISHED)
            db.session.commit()
            _run_previews(job)
    finally:
        db.session.remove()


def _run_previews(job: IngestJob) -> None:
    job_id, filename = job.id, job.filename
    try:
        mark_previews(job_id, _make_previews(job))
    except OperationalError:  # the database was away; if it is back, the previews are still owed
        db.session.rollback()
        mark_previews(job_id, PreviewState.OWED)
        db.session.commit()
        raise
    except PREVIEW_ERRORS as error:
        db.session.rollback()
        log.warning("no preview for %s: %s", filename, error)
        mark_previews(job_id, PreviewState.FAILED, str(error))
    except Exception as error:
        # Whatever it is, the operator must find it; the log has the rest.
        db.session.rollback()
        log.exception("no preview for %s: unforeseen error", filename)
        mark_previews(job_id, PreviewState.FAILED, f"Unforeseen error, see the worker's log: {error!r}")
    db.session.commit()


def _run(job: IngestJob, owner: str) -> None:
    job_id, filename, attempts = job.id, job.filename, job.attempts
    try:
        _ingest_at_once(job, owner)
    except LeaseLostError as error:
        db.session.rollback()
        log.warning("%s", error)
    except IngestError as error:
        log.warning("ingest job %d, %s: %s %s: %s", job_id, filename, type(error).__name__, error.code, error)
        _fail(job_id, owner, error, attempts)
    except Exception as error:
        # Whatever it is, the job must stand on the operator's list; the log has the rest.
        log.exception("ingest job %d, %s: unforeseen error", job_id, filename)
        _fail(job_id, owner, DoNotRetryError(f"Unforeseen error, see the worker's log: {error!r}"), attempts)
    except BaseException:  # this worker is told to end at once
        db.session.rollback()
        give_back(job_id, owner)
        db.session.commit()
        ring(job_id)
        raise
    else:
        _finish(job)


def _finish(job: IngestJob) -> None:
    db.session.refresh(job)
    log.info("ingest job %d, %s: %s", job.id, job.filename, job.state)
    if job.preview_state == PreviewState.OWED:
        ring_for_previews(job.id)
    if job.is_upload:
        Path(job.filepath).unlink(missing_ok=True)


def _ingest_at_once(job: IngestJob, owner: str) -> None:
    """Ingest; what only met another worker with the same file is tried again at once."""
    for remaining in reversed(range(QUICK_TRIES)):
        try:
            ingest(job, owner)
            break
        except RetryError:
            db.session.rollback()
            if not remaining:
                raise


def _fail(job_id: int, owner: str, error: IngestError, attempts: int) -> None:
    db.session.rollback()
    wait_s = find_wait_s(error, attempts)
    retry_at = None if wait_s is None else dt.datetime.now(dt.UTC) + dt.timedelta(seconds=wait_s)
    mark_failed(job_id, owner, Failure(type(error).__name__, error.code, str(error)), retry_at)
    db.session.commit()


def _make_previews(job: IngestJob) -> PreviewState:
    version = db.session.scalar(select(Version).where(Version.md5 == job.md5))
    if version is None:  # a thumbnail, which is a picture itself
        return PreviewState.NO_PICTURE
    if version is not version.frame.versions[0]:  # its pictures would stand beside a newer file
        return PreviewState.NOT_OWED
    with _at_hand(version) as path:
        previews = build_previews(path)
    for preview in previews:
        _save_preview(version.frame, preview)
    return PreviewState.MADE if previews else PreviewState.NO_PICTURE


def _save_preview(frame: Frame, preview: Preview) -> None:
    headers = db.session.get_one(Header, frame.id).data
    names = {settings.THUMBNAIL_FRAME_BASENAME_KEY: frame.basename, settings.THUMBNAIL_SIZE_KEY: preview.size}
    file = File(io.BytesIO(preview.jpeg), f"{frame.basename}-{preview.size}.jpg")
    picture = ThumbnailFile(file, headers | names)
    stored = get_file_store().store_file(picture)
    save_thumbnail(
        frame.basename,
        preview.size,
        width=preview.width,
        height=preview.height,
        store_path=picture.get_filestore_path(),
        **stored,
    )


@contextmanager
def _at_hand(version: Version) -> Iterator[Path]:
    """Give the path of a copy of a stored file, under its own name."""
    with (
        tempfile.TemporaryDirectory() as folder,
        get_file_store().get_fileobj(version.store_path, version.key) as stored,
    ):
        if stored is None:
            raise FileStoreConnectionError(f"The file store has lost {version.store_path}.")
        path = Path(folder) / f"{version.frame.basename}{version.extension}"
        with path.open("wb") as copy:
            shutil.copyfileobj(stored, copy)
        yield path
