"""Writes of ingest jobs: taking a file in, ringing the workers, and marking what became of it."""

import datetime as dt
import logging
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy import select, update

from app.errors import BadRequest
from app.extensions import db, get_config, get_queue
from app.frames.fields import CONTROL_CHARACTERS
from app.ingest.models import UNFINISHED, IngestJob, JobState, PreviewState
from app.ingest.schemas import LONGEST_FILENAME

log = logging.getLogger(__name__)

INGEST_QUEUE, PREVIEW_QUEUE = "ingest", "previews"
RUN_INGEST_JOB = "ingest_worker.jobs.run_ingest_job"
RUN_PREVIEW_JOB = "ingest_worker.jobs.run_preview_job"
PREVIEW_TIMEOUT_S = 300
LONGEST_MESSAGE = 2000


def submit_path(filepath: str, file_metadata: Mapping[str, Any], user_id: int | None) -> IngestJob:
    """Add the job of a file that lies below one of INGEST_ROOTS; the caller commits, and then rings.

    Raises
    ------
    BadRequest
        If it lies elsewhere, or a symlink leads it elsewhere.
    """
    if not is_below_ingest_roots(Path(filepath)):
        raise BadRequest(
            f"{filepath} is not below one of this archive's INGEST_ROOTS; upload the file instead.",
            code="path.outside_roots",
            fields={"filepath": ["Not below one of this archive's INGEST_ROOTS."]},
        )
    return _add_job(Path(filepath).name, filepath, file_metadata, user_id, is_upload=False)


def submit_upload(upload: Path, filename: str, file_metadata: Mapping[str, Any], user_id: int | None) -> IngestJob:
    """Add the job of a file that has been written to the upload folder; the caller commits, and then rings.

    Raises
    ------
    BadRequest
        If the name is no file name.
    """
    check_filename(filename)
    return _add_job(filename, str(upload), file_metadata, user_id, is_upload=True)


def submit_copy(source: Path) -> IngestJob:
    """Add the job of a file that only this process can reach, by a copy of it; the caller commits, and then rings."""
    upload = new_upload_path()
    shutil.copyfile(source, upload)
    return submit_upload(upload, source.name, {}, None)


def new_upload_path() -> Path:
    """Return a new place in the upload folder, which workers reach too."""
    folder = get_config().upload_dir
    folder.mkdir(parents=True, exist_ok=True)
    return folder / uuid.uuid4().hex


def is_below_ingest_roots(path: Path) -> bool:
    """Say whether a path, its symlinks followed, lies below one of INGEST_ROOTS."""
    resolved = path.resolve()
    return any(resolved.is_relative_to(root) for root in get_config().ingest_roots)


def check_filename(filename: str) -> None:
    """Refuse what is no name of a file: the archive calls the frame by it.

    Raises
    ------
    BadRequest
    """
    if (
        not filename
        or len(filename.encode()) > LONGEST_FILENAME
        or "/" in filename
        or filename.startswith(".")
        or CONTROL_CHARACTERS.search(filename)
    ):
        raise BadRequest(
            f"{filename[:80]!r} is no file name: it must be 1 to {LONGEST_FILENAME} bytes, without a slash, "
            "control characters or a dot in front.",
            code="filename.bad",
            fields={"file": ["Has no usable file name."]},
        )


def ring(job_id: int) -> None:
    """Tell the workers that a job waits. A bell that can't be rung loses nothing: the row is there, and says so."""
    timeout = get_config().ingest_job_timeout_s
    _enqueue(INGEST_QUEUE, RUN_INGEST_JOB, job_id, timeout)


def ring_for_previews(job_id: int) -> None:
    """Tell the workers that the frame of a job lacks its pictures."""
    _enqueue(PREVIEW_QUEUE, RUN_PREVIEW_JOB, job_id, PREVIEW_TIMEOUT_S)


def ring_for_all() -> int:
    """Ring again for each job that is queued or owes previews: Redis may have been emptied. Return their number."""
    queued = db.session.scalars(select(IngestJob.id).where(IngestJob.state == JobState.QUEUED)).all()
    owed = db.session.scalars(select(IngestJob.id).where(IngestJob.preview_state == PreviewState.OWED)).all()
    for job_id in queued:
        ring(job_id)
    for job_id in owed:
        ring_for_previews(job_id)
    return len(queued) + len(owed)


def claim(job_id: int) -> IngestJob | None:
    """Take a job for this worker and commit; None if it has ended, or is another's by now."""
    claimed = db.session.execute(
        update(IngestJob)
        .where(IngestJob.id == job_id, IngestJob.state == JobState.QUEUED)
        .values(state=JobState.RUNNING, attempts=IngestJob.attempts + 1, started=_now())
    )
    db.session.commit()
    return db.session.get(IngestJob, job_id) if claimed.rowcount else None  # type: ignore[attr-defined]  # of an UPDATE


def mark_archived(job: IngestJob, *, frame_id: int, md5: str, size: int, is_new: bool) -> None:
    """Say that a job's file is in the archive, by this job or from before. The caller commits."""
    job.state = JobState.ARCHIVED if is_new else JobState.ALREADY_ARCHIVED
    job.frame_id, job.md5, job.size, job.finished = frame_id, md5, size, _now()
    job.error_class = job.error_code = job.error_message = ""
    if is_new:
        job.preview_state = PreviewState.OWED


def mark_failed(job_id: int, *, error_class: str, error_code: str, error_message: str) -> None:
    """Say why a job's file is not in the archive. The caller commits."""
    db.session.execute(
        update(IngestJob)
        .where(IngestJob.id == job_id, IngestJob.state.in_(UNFINISHED))
        .values(
            state=JobState.FAILED,
            error_class=error_class,
            error_code=error_code,
            error_message=_printable(error_message),
            finished=_now(),
        )
    )


def mark_previews(job_id: int, state: PreviewState, error: str = "") -> None:
    """Say what became of the pictures of a job's frame. The caller commits."""
    db.session.execute(
        update(IngestJob).where(IngestJob.id == job_id).values(preview_state=state, preview_error=_printable(error))
    )


def _add_job(
    filename: str, filepath: str, file_metadata: Mapping[str, Any], user_id: int | None, *, is_upload: bool
) -> IngestJob:
    job = IngestJob(
        filename=filename,
        filepath=filepath,
        is_upload=is_upload,
        file_metadata=dict(file_metadata),
        submitted_by=user_id,
        created=_now(),
    )
    db.session.add(job)
    db.session.flush()
    return job


def _enqueue(queue_name: str, function: str, job_id: int, timeout_s: int) -> None:
    try:
        get_queue(queue_name).enqueue(function, job_id, job_timeout=timeout_s, result_ttl=0, failure_ttl=86400)
    except RedisError as error:
        log.warning("the queue does not answer, ingest job %d waits in the database: %s", job_id, error)


def _printable(message: str) -> str:
    return CONTROL_CHARACTERS.sub(" ", message)[:LONGEST_MESSAGE]


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
