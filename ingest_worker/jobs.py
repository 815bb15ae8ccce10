"""The functions that RQ runs: thin, with an id in and nothing out. They need the application's context."""

import datetime as dt
import io
import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rq.timeouts import JobTimeoutException
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from structlog.contextvars import bound_contextvars

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
from app.ingest.models import IngestJob, JobState, PreviewState
from app.processes import name_process
from ingest_worker.archiving import ingest
from ingest_worker.datafiles import store_data_file
from ingest_worker.exceptions import BackoffRetryError, DoNotRetryError, IngestError, RetryError
from ingest_worker.interrupts import Interrupted
from ingest_worker.leases import kept_lease
from ingest_worker.previews import Preview, PreviewError, build_previews
from ingest_worker.retries import find_wait_s
from ingest_worker.timings import Timings
from ocs_archive.input.file import File, FileSpecificationException
from ocs_archive.input.thumbnailfile import ThumbnailFile
from ocs_archive.settings import settings
from ocs_archive.storage.filestore import FileStoreConnectionError, FileStoreSpecificationError

log = logging.getLogger(__name__)

NEVER_FINISHED = "It was begun and never finished: the process that made it ended."
DATABASE_PAUSE_S = 1.0
QUICK_TRIES = 3  # of what only met another worker
PREVIEW_ERRORS = (
    PreviewError,
    IngestError,
    FileSpecificationException,
    FileStoreConnectionError,
    FileStoreSpecificationError,
    OSError,
)


def run_ingest_job(job_id: int) -> None:
    """Look after the jobs that are due; then ingest the file of this one, unless it is another worker's."""
    owner = name_process()
    with _database_work(job_id, ring):
        reconcile()  # where nothing is due, one query in the transaction that takes the job
        job = claim(job_id, owner)
        if job is not None:
            with bound_contextvars(**_describe(job)), kept_lease(job_id, owner):
                _run(job, owner)


def run_preview_job(job_id: int) -> None:
    """Make the pictures of the frame of a job; that they can't be made fails nothing but themselves."""
    with _database_work(job_id, ring_for_previews):
        job = db.session.get(IngestJob, job_id)
        if job is not None and job.preview_state == PreviewState.OWED:
            # Said first, so that a picture that takes its process down is not tried for ever.
            mark_previews(job_id, PreviewState.FAILED, NEVER_FINISHED)
            db.session.commit()
            with bound_contextvars(**_describe(job)):
                _run_previews(job)


def give_back_previews(job_id: int) -> None:
    """Owe the pictures of a job again whose making was broken off."""
    try:
        job = db.session.get(IngestJob, job_id)
        if job is not None and job.preview_error == NEVER_FINISHED:
            mark_previews(job_id, PreviewState.OWED)
            db.session.commit()
            ring_for_previews(job_id)
    finally:
        db.session.remove()


@contextmanager
def _database_work(job_id: int, ring_again: Callable[[int], object]) -> Iterator[None]:
    """Leave the session at the end; if the database is away, put the bell back, after a pause.

    Without that a worker would run through all bells in no time, and in vain.
    """
    try:
        yield
    except OperationalError as error:
        db.session.rollback()
        log.warning("the database does not answer, ingest job %d waits: %s", job_id, error.orig)
        time.sleep(DATABASE_PAUSE_S)
        ring_again(job_id)
    finally:
        db.session.remove()


def _describe(job: IngestJob) -> dict[str, Any]:
    """Return what each line of the log says of the job in hand."""
    described = {"job_id": job.id, "basename": job.filename.partition(".")[0]}
    return described | ({"request_id": job.request_id} if job.request_id else {})


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
    job_id, filename, attempts, took = job.id, job.filename, job.attempts, Timings()
    try:
        state = _ingest_at_once(job, owner, took)
    except LeaseLostError as error:
        db.session.rollback()
        log.warning("%s", error)
    except IngestError as error:
        log.warning("ingest job %d, %s: %s %s: %s", job_id, filename, type(error).__name__, error.code, error)
        _fail(job_id, owner, error, attempts, took)
    except Interrupted:
        _give_back(job_id, owner)
    except JobTimeoutException:
        late = BackoffRetryError("It took longer than INGEST_JOB_TIMEOUT_S; is the store slow?", "worker.timeout")
        _fail(job_id, owner, late, attempts, took)
    except Exception as error:
        # Whatever it is, the job must stand on the operator's list; the log has the rest.
        log.exception("ingest job %d, %s: unforeseen error", job_id, filename)
        _fail(job_id, owner, DoNotRetryError(f"Unforeseen error, see the worker's log: {error!r}"), attempts, took)
    else:
        _finish(job, state)


def _finish(job: IngestJob, state: JobState) -> None:
    log.info("ingest job %d, %s: %s", job.id, job.filename, state)
    if state == JobState.ARCHIVED:
        ring_for_previews(job.id)
    if job.is_upload:
        Path(job.filepath).unlink(missing_ok=True)


def _give_back(job_id: int, owner: str) -> None:
    db.session().invalidate()  # its connection may have been in the middle of an answer
    give_back(job_id, owner)
    db.session.commit()
    log.warning("ingest job %d is given back: this worker ends", job_id)
    ring(job_id)


def _ingest_at_once(job: IngestJob, owner: str, took: Timings) -> JobState:
    """Ingest; what only met another worker with the same file is tried again at once."""
    for _ in range(QUICK_TRIES - 1):
        try:
            return ingest(job, owner, took)
        except RetryError:
            db.session.rollback()
    return ingest(job, owner, took)


def _fail(job_id: int, owner: str, error: IngestError, attempts: int, took: Timings) -> None:
    db.session.rollback()
    wait_s = find_wait_s(error, attempts)
    retry_at = None if wait_s is None else dt.datetime.now(dt.UTC) + dt.timedelta(seconds=wait_s)
    mark_failed(job_id, owner, Failure(type(error).__name__, error.code, str(error)), retry_at, took)
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
    stored = store_data_file(get_file_store(), picture, file.get_md5(), len(file))
    save_thumbnail(frame.basename, preview.size, width=preview.width, height=preview.height, **stored)


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
