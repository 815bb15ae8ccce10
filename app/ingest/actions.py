"""Writes of ingest jobs: taking a file in, ringing the workers, and marking what became of it."""

import datetime as dt
import os
import shutil
import uuid
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import marshmallow as ma
from sqlalchemy import Case, ColumnElement, and_, bindparam, case, insert, select, update

from app.errors import BadRequest
from app.extensions import db, get_config, get_table
from app.fields import CONTROL_CHARACTERS
from app.ingest.bell import INGEST_QUEUE, PREVIEW_QUEUE, ring_where_silent
from app.ingest.models import RETRIABLE, Door, IngestAttempt, IngestJob, JobState, PreviewState
from app.ingest.schemas import LONGEST_FILENAME, JobByPathSchema
from app.params import build_bad_parameter
from app.request_ids import get_request_id
from ocs_archive.storage.filesystemstore import sync_folder


@dataclass(frozen=True)
class Failure:
    """Why a file is not in the archive."""

    error_class: str = ""
    error_code: str = ""
    error_message: str = ""


NO_FAILURE = Failure()
NO_TIMES: Mapping[str, float] = {}


class LeaseLostError(Exception):
    """Another worker has the job by now: what this one did for it must not stay."""


LARGEST_BATCH = 1000
LOOKS_BETWEEN = 10  # of those that a job which was looked after while it queued could have had
NO_METADATA: Mapping[str, Any] = {}
NO_SYNC = {"synchronize_session": False}  # the session holds no job while these statements run
LONGEST_MESSAGE = 2000

# What every file needs is built once, and goes past the ORM: it costs a quarter of what it would else.
JOBS, ATTEMPTS = get_table(IngestJob), get_table(IngestAttempt)
QUEUED = select(JOBS.c.id).where(JOBS.c.id == bindparam("claimed_id"), JOBS.c.state == JobState.QUEUED)
CLAIM = (
    update(JOBS)
    .where(JOBS.c.id.in_(QUEUED.with_for_update(skip_locked=True)))
    .values(state=JobState.RUNNING, attempts=JOBS.c.attempts + 1)
    .returning(*JOBS.c)
)
UPDATE_HELD = (
    update(JOBS)
    .where(
        JOBS.c.id == bindparam("held_id"), JOBS.c.state == JobState.RUNNING, JOBS.c.lease_owner == bindparam("owner")
    )
    .returning(JOBS.c.id)
)
BEGIN_ATTEMPT = insert(ATTEMPTS)
END_ATTEMPT = update(ATTEMPTS).where(ATTEMPTS.c.job_id == bindparam("ended_job_id"), ATTEMPTS.c.finished.is_(None))
FIND_DUE = select(JOBS.c.id).where(JOBS.c.due <= bindparam("now")).limit(1)


def submit_path(
    filepath: str, file_metadata: Mapping[str, Any], user_id: int | None, door: Door = Door.PATH
) -> IngestJob:
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
    return _add_job(Path(filepath).name, filepath, file_metadata, user_id, door, is_upload=False)


def submit_described(described: Any, user_id: int | None, door: Door = Door.PATH) -> IngestJob:
    """Add the job that a control system describes, as `JobByPathSchema` has it; the caller commits, and then rings.

    Raises
    ------
    BadRequest
        If it is no such description, or names a file that this archive may not read.
    """
    if not isinstance(described, dict):
        raise BadRequest("A job must be a JSON object that has a filepath.", code="bad_parameter")
    try:
        job: dict[str, Any] = JobByPathSchema().load(described)
    except ma.ValidationError as error:
        raise build_bad_parameter(error.messages_dict) from error
    return submit_path(**job, user_id=user_id, door=door)


def submit_upload(
    upload: Path, filename: str, file_metadata: Mapping[str, Any], user_id: int | None, door: Door = Door.UPLOAD
) -> IngestJob:
    """Add the job of a file that has been written to the upload folder; the caller commits, and then rings.

    Raises
    ------
    BadRequest
        If the name is no file name.
    """
    check_filename(filename)
    job = _add_job(filename, str(upload), file_metadata, user_id, door, is_upload=True)
    job.size = upload.stat().st_size
    return job


def submit_file(path: Path, door: Door, file_metadata: Mapping[str, Any] = NO_METADATA) -> IngestJob:
    """Add the job of a file that this process has found; the caller commits, and then rings.

    One below INGEST_ROOTS is read where it lies. Of any other a copy is taken: the worker may not reach it.

    Raises
    ------
    BadRequest
        If the name is no file name.
    OSError
        If the file can't be copied.
    """
    if is_below_ingest_roots(path):
        return submit_path(str(path), file_metadata, None, door)
    return submit_copy(path, door, file_metadata)


def submit_copy(source: Path, door: Door, file_metadata: Mapping[str, Any] = NO_METADATA) -> IngestJob:
    """Add the job of a file that only this process can reach, by a copy of it; the caller commits, and then rings.

    Raises
    ------
    BadRequest
        If the name is no file name.
    OSError
        If the file can't be copied.
    """
    check_filename(source.name)
    upload = new_upload_path()
    try:
        shutil.copyfile(source, upload)
        with upload.open("rb") as copy:
            os.fsync(copy.fileno())  # what is promised stays, even if power fails
        sync_folder(upload.parent)
        return submit_upload(upload, source.name, file_metadata, None, door)
    except BaseException:
        upload.unlink(missing_ok=True)
        raise


def new_upload_path() -> Path:
    """Return a new place in the upload folder, which workers reach too."""
    folder = get_config().upload_dir
    folder.mkdir(parents=True, exist_ok=True)
    return folder / uuid.uuid4().hex


def is_below_ingest_roots(path: Path) -> bool:
    """Say whether a path, its symlinks followed, lies below one of INGEST_ROOTS; one that leads nowhere does not."""
    try:
        str(path).encode()  # a job's row holds no path that is not Unicode
        resolved = path.resolve()
    except (OSError, RuntimeError, ValueError):  # too long, a loop of symlinks, NUL or a lone surrogate
        return False
    return any(resolved.is_relative_to(root) for root in get_config().ingest_roots)


def check_filename(filename: str) -> None:
    """Refuse what is no name of a file: the archive calls the frame by it.

    Raises
    ------
    BadRequest
    """
    if (
        not filename
        or "/" in filename
        or filename.startswith(".")
        or CONTROL_CHARACTERS.search(filename)
        or len(filename.encode()) > LONGEST_FILENAME
    ):
        raise BadRequest(
            f"{filename[:80]!r} is no file name: it must be 1 to {LONGEST_FILENAME} bytes, without a slash, "
            "control characters or a dot in front.",
            code="filename.bad",
            fields={"file": ["Has no usable file name."]},
        )


def claim(job_id: int, owner: str) -> IngestJob | None:
    """Take a job for a worker and commit; None if it has ended, waits for its time, or is another's.

    What is returned is the job as it was taken, and no part of the session. One statement takes it, so that of two
    workers one gets it: PostgreSQL passes over what another has locked, and SQLite begins an update with the lock on
    the whole database.
    """
    now = _now()
    taken = {"started": now, "due": _end_of_patience(), "lease_owner": owner}
    row = db.session.execute(CLAIM, {"claimed_id": job_id, **taken}).one_or_none()
    if row is not None:
        db.session.execute(BEGIN_ATTEMPT, {"job_id": job_id, "worker": owner, "started": now})
    db.session.commit()
    return None if row is None else IngestJob(**row._mapping)


def renew_lease(job_id: int, owner: str) -> bool:
    """Keep a job for its worker for some time more, and commit; False if it is no longer theirs."""
    is_still_theirs = _update_held(job_id, owner, due=_end_of_patience())
    db.session.commit()
    return is_still_theirs


def mark_archived(
    job_id: int, owner: str, *, frame_id: int, md5: str, size: int, is_new: bool, took: Mapping[str, float] = NO_TIMES
) -> JobState:
    """Say that a job's file is in the archive, by this job or from before, and what `took` how long.

    The caller commits. Returns the job's state.

    Raises
    ------
    LeaseLostError
        If another worker has the job by now; what was written in this transaction must not stay.
    """
    state = JobState.ARCHIVED if is_new else JobState.ALREADY_ARCHIVED
    preview_state = PreviewState.OWED if is_new else PreviewState.NOT_OWED
    found: dict[str, Any] = {"frame_id": frame_id, "md5": md5, "size": size, "preview_state": preview_state}
    _leave(job_id, owner, state, NO_FAILURE, took, due=None, finished=_now(), **found)
    return state


def mark_failed(
    job_id: int, owner: str, failure: Failure, retry_at: dt.datetime | None, took: Mapping[str, float] = NO_TIMES
) -> None:
    """Say why a job's file is not in the archive, when to try again, if ever, and what `took` how long.

    The caller commits.

    Raises
    ------
    LeaseLostError
        If another worker has the job by now.
    """
    state = JobState.WAITING if retry_at else JobState.FAILED
    _leave(job_id, owner, state, failure, took, due=retry_at, finished=None if retry_at else _now())


def give_back(job_id: int, owner: str) -> None:
    """Return a job that this worker could not finish to the others, as if it had not been tried. The caller commits."""
    _leave(job_id, owner, JobState.QUEUED, NO_FAILURE, NO_TIMES, due=_now())
    db.session.execute(update(JOBS).where(JOBS.c.id == job_id).values(attempts=JOBS.c.attempts - 1))


def retry(job: IngestJob) -> None:
    """Let an operator try a failed job again, with all its attempts. The caller commits, and then rings.

    Raises
    ------
    BadRequest
        If it is not one that failed, or waits to be tried again.
    """
    if job.state not in RETRIABLE:
        raise BadRequest(
            f"Ingest job {job.id} is {job.state}; only one that failed or waits can be tried again.",
            code="job_not_retriable",
        )
    _queue(IngestJob.id == job.id)


def retry_all(error_code: str) -> list[int]:
    """Let all jobs that failed for one reason be tried again; return their ids. The caller commits, and then rings."""
    return _queue(IngestJob.error_code == error_code)


def reconcile() -> int:
    """Look after the jobs that are due: queue what waited and what its worker left, and ring for it. Commits.

    Any number of processes may do this, as often as they like: a bell too many finds nothing to do.

    Returns
    -------
    int
        The number of jobs that were looked after.
    """
    now = _now()
    due = select(IngestJob.id).where(IngestJob.due <= now).order_by(IngestJob.due).limit(LARGEST_BATCH)
    if db.session.scalar(FIND_DUE, {"now": now}) is None:  # nearly always
        return 0
    _fail_the_deadly(now)
    job_ids = db.session.scalars(
        update(IngestJob)
        .where(IngestJob.id.in_(due.with_for_update(skip_locked=True).scalar_subquery()))
        .values(state=JobState.QUEUED, due=_choose_next_look(now), lease_owner="")
        .returning(IngestJob.id),
        execution_options=NO_SYNC,
    ).all()
    _close_attempts(job_ids, now)
    db.session.commit()
    if job_ids:
        ring_where_silent(INGEST_QUEUE, job_ids)
    return len(job_ids)


def ring_for_missing() -> None:
    """Ring for all that is queued or owes previews and whose bell is gone: Redis may have been emptied."""
    queued = select(IngestJob.id).where(IngestJob.state == JobState.QUEUED)
    ring_where_silent(INGEST_QUEUE, db.session.scalars(queued).all())
    owed = select(IngestJob.id).where(IngestJob.preview_state == PreviewState.OWED)
    ring_where_silent(PREVIEW_QUEUE, db.session.scalars(owed).all())


def _queue(which: ColumnElement[bool]) -> list[int]:
    values = {"state": JobState.QUEUED, "due": _end_of_patience(), "attempts": 0, "finished": None}
    queued = update(IngestJob).where(which, IngestJob.state.in_(RETRIABLE)).values(values).returning(IngestJob.id)
    return list(db.session.scalars(queued, execution_options=NO_SYNC))


def _fail_the_deadly(now: dt.datetime) -> None:
    """Give up on jobs that took every worker that tried them down: their leases end, and no word comes."""
    deadly = and_(
        IngestJob.due <= now,
        IngestJob.state == JobState.RUNNING,
        IngestJob.attempts >= get_config().ingest_attempts,
    )
    values = {
        "state": JobState.FAILED,
        "due": None,
        "finished": now,
        "error_class": "DoNotRetryError",
        "error_code": "worker.died",
        "error_message": "The last worker that tried this file died; look at the file and at the workers' memory.",
    }
    failed = update(IngestJob).where(deadly).values(values).returning(IngestJob.id)
    _close_attempts(db.session.scalars(failed, execution_options=NO_SYNC).all(), now)


def _close_attempts(job_ids: Collection[int], now: dt.datetime) -> None:
    """End the lines of history that a dead worker left open."""
    values = {"finished": now, "outcome": "lost", "error_class": "RetryError", "error_code": "worker.died"}
    lost = update(IngestAttempt).where(IngestAttempt.job_id.in_(job_ids), IngestAttempt.finished.is_(None))
    db.session.execute(lost.values(**values, error_message="The worker's lease ended."), execution_options=NO_SYNC)


def _leave(
    job_id: int, owner: str, state: JobState, failure: Failure, took: Mapping[str, float], **values: Any
) -> None:
    """Bring a job from its worker's hands to another state, and write what came of the attempt in its history."""
    reason = {name: _printable(text) for name, text in asdict(failure).items()}
    if not _update_held(job_id, owner, state=state, lease_owner="", **reason, **values):
        raise LeaseLostError(f"Ingest job {job_id} is no longer {owner}'s.")
    db.session.execute(END_ATTEMPT, {"ended_job_id": job_id, "finished": _now(), "outcome": state, **reason, **took})


def _update_held(job_id: int, owner: str, **values: Any) -> bool:
    """Change a job that a worker holds; False if it holds it no more."""
    return db.session.scalar(UPDATE_HELD, {"held_id": job_id, "owner": owner, **values}) is not None


def mark_previews(job_id: int, state: PreviewState, error: str = "") -> None:
    """Say what became of the pictures of a job's frame. The caller commits."""
    db.session.execute(
        update(IngestJob).where(IngestJob.id == job_id).values(preview_state=state, preview_error=_printable(error))
    )


def _add_job(
    filename: str, filepath: str, file_metadata: Mapping[str, Any], user_id: int | None, door: Door, *, is_upload: bool
) -> IngestJob:
    job = IngestJob(
        filename=filename,
        filepath=filepath,
        is_upload=is_upload,
        door=door,
        request_id=get_request_id(),
        file_metadata=dict(file_metadata),
        submitted_by=user_id,
        created=_now(),
        due=_end_of_patience(),
    )
    db.session.add(job)
    db.session.flush()
    return job


def _choose_next_look(now: dt.datetime) -> Case[dt.datetime]:
    """Return when a job is looked after again: one that only queues, in a long night, not at every turn."""
    patience = dt.timedelta(seconds=get_config().ingest_lease_s)
    return case((IngestJob.state == JobState.QUEUED, now + LOOKS_BETWEEN * patience), else_=now + patience)


def _end_of_patience() -> dt.datetime:
    """Return when a job is looked after if its worker has not renewed its lease, or its bell has not been heard."""
    return _now() + dt.timedelta(seconds=get_config().ingest_lease_s)


def _printable(message: str) -> str:
    return CONTROL_CHARACTERS.sub(" ", message)[:LONGEST_MESSAGE]


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
