"""Writes of ingest jobs: taking a file in, ringing the workers, and marking what became of it."""

import datetime as dt
import shutil
import uuid
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, and_, select, update

from app.errors import BadRequest
from app.extensions import db, get_config
from app.fields import CONTROL_CHARACTERS
from app.ingest.bell import INGEST_QUEUE, PREVIEW_QUEUE, list_rung, ring, ring_for_previews
from app.ingest.models import Door, IngestAttempt, IngestJob, JobState, PreviewState
from app.ingest.schemas import LONGEST_FILENAME


@dataclass(frozen=True)
class Failure:
    """Why a file is not in the archive."""

    error_class: str = ""
    error_code: str = ""
    error_message: str = ""


NO_FAILURE = Failure()


class LeaseLostError(Exception):
    """Another worker has the job by now: what this one did for it must not stay."""


LEASE = dt.timedelta(seconds=60)  # renewed three times as often
BELL_PATIENCE = dt.timedelta(seconds=60)  # after which a queued job is rung for again, if its bell is gone
RETRIABLE = (JobState.FAILED, JobState.WAITING)
LARGEST_BATCH = 1000
NO_SYNC = {"synchronize_session": False}  # the session holds no job while these statements run
LONGEST_MESSAGE = 2000


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
    return _add_job(filename, str(upload), file_metadata, user_id, door, is_upload=True)


def submit_file(path: Path, door: Door) -> IngestJob:
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
        return submit_path(str(path), {}, None, door)
    return submit_copy(path, door)


def submit_copy(source: Path, door: Door) -> IngestJob:
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
        return submit_upload(upload, source.name, {}, None, door)
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

    One statement, so that of two workers one gets it: PostgreSQL passes over what another has locked, and SQLite
    begins an update with the lock on the whole database.
    """
    now = _now()
    queued = select(IngestJob.id).where(IngestJob.id == job_id, IngestJob.state == JobState.QUEUED)
    taken = {"state": JobState.RUNNING, "attempts": IngestJob.attempts + 1, "started": now}
    job = db.session.scalar(
        update(IngestJob)
        .where(IngestJob.id.in_(queued.with_for_update(skip_locked=True)))
        .values(**taken, due=now + LEASE, lease_owner=owner)
        .returning(IngestJob),
        execution_options={"populate_existing": True},
    )
    if job is not None:
        db.session.add(IngestAttempt(job_id=job_id, worker=owner, started=now))
    db.session.commit()
    return job


def renew_lease(job_id: int, owner: str) -> bool:
    """Keep a job for its worker for some time more, and commit; False if it is no longer theirs."""
    is_still_theirs = _update_held(job_id, owner, due=_now() + LEASE)
    db.session.commit()
    return is_still_theirs


def mark_archived(job_id: int, owner: str, *, frame_id: int, md5: str, size: int, is_new: bool) -> None:
    """Say that a job's file is in the archive, by this job or from before. The caller commits.

    Raises
    ------
    LeaseLostError
        If another worker has the job by now; what was written in this transaction must not stay.
    """
    state = JobState.ARCHIVED if is_new else JobState.ALREADY_ARCHIVED
    preview_state = PreviewState.OWED if is_new else PreviewState.NOT_OWED
    found: dict[str, Any] = {"frame_id": frame_id, "md5": md5, "size": size, "preview_state": preview_state}
    _leave(job_id, owner, state, NO_FAILURE, due=None, finished=_now(), **found)


def mark_failed(job_id: int, owner: str, failure: Failure, retry_at: dt.datetime | None) -> None:
    """Say why a job's file is not in the archive, and when to try again, if ever. The caller commits.

    Raises
    ------
    LeaseLostError
        If another worker has the job by now.
    """
    state = JobState.WAITING if retry_at else JobState.FAILED
    _leave(job_id, owner, state, failure, due=retry_at, finished=None if retry_at else _now())


def give_back(job_id: int, owner: str) -> None:
    """Return a job that this worker could not finish to the others, as if it had not been tried. The caller commits."""
    _leave(job_id, owner, JobState.QUEUED, NO_FAILURE, due=_now(), attempts=IngestJob.attempts - 1)


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
    _fail_the_deadly(now)
    due = select(IngestJob.id).where(IngestJob.due <= now).order_by(IngestJob.due).limit(LARGEST_BATCH)
    job_ids = db.session.scalars(
        update(IngestJob)
        .where(IngestJob.id.in_(due.with_for_update(skip_locked=True).scalar_subquery()))
        .values(state=JobState.QUEUED, due=now + BELL_PATIENCE, lease_owner="")
        .returning(IngestJob.id),
        execution_options=NO_SYNC,
    ).all()
    _close_attempts(job_ids, now)
    db.session.commit()
    if job_ids:
        for job_id in sorted(set(job_ids) - list_rung(INGEST_QUEUE)):
            ring(job_id)
    return len(job_ids)


def ring_for_missing() -> None:
    """Ring for all that is queued or owes previews and whose bell is gone: Redis may have been emptied."""
    queued = db.session.scalars(select(IngestJob.id).where(IngestJob.state == JobState.QUEUED))
    for job_id in sorted(set(queued) - list_rung(INGEST_QUEUE)):
        ring(job_id)
    owed = db.session.scalars(select(IngestJob.id).where(IngestJob.preview_state == PreviewState.OWED))
    for job_id in sorted(set(owed) - list_rung(PREVIEW_QUEUE)):
        ring_for_previews(job_id)


def _queue(which: ColumnElement[bool]) -> list[int]:
    values = {"state": JobState.QUEUED, "due": _now() + BELL_PATIENCE, "attempts": 0, "finished": None}
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
        "error_message": "Each worker that tried this file died over it; look at the file and at the workers' memory.",
    }
    failed = update(IngestJob).where(deadly).values(values).returning(IngestJob.id)
    _close_attempts(db.session.scalars(failed, execution_options=NO_SYNC).all(), now)


def _close_attempts(job_ids: Collection[int], now: dt.datetime) -> None:
    """End the lines of history that a dead worker left open."""
    values = {"finished": now, "outcome": "lost", "error_class": "RetryError", "error_code": "worker.died"}
    lost = update(IngestAttempt).where(IngestAttempt.job_id.in_(job_ids), IngestAttempt.finished.is_(None))
    db.session.execute(lost.values(**values, error_message="The worker's lease ended."), execution_options=NO_SYNC)


def _leave(job_id: int, owner: str, state: JobState, failure: Failure, **values: Any) -> None:
    """Bring a job from its worker's hands to another state, and write what came of the attempt in its history."""
    reason = {name: _printable(text) for name, text in asdict(failure).items()}
    if not _update_held(job_id, owner, state=state, lease_owner="", **reason, **values):
        raise LeaseLostError(f"Ingest job {job_id} is no longer {owner}'s.")
    db.session.execute(
        update(IngestAttempt)
        .where(IngestAttempt.job_id == job_id, IngestAttempt.finished.is_(None))
        .values(finished=_now(), outcome=state, **reason),
        execution_options=NO_SYNC,
    )


def _update_held(job_id: int, owner: str, **values: Any) -> bool:
    """Change a job that a worker holds; False if it holds it no more."""
    is_held = and_(IngestJob.id == job_id, IngestJob.state == JobState.RUNNING, IngestJob.lease_owner == owner)
    changed = update(IngestJob).where(is_held).values(**values).returning(IngestJob.id)
    return db.session.scalar(changed, execution_options=NO_SYNC) is not None


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
        file_metadata=dict(file_metadata),
        submitted_by=user_id,
        created=_now(),
        due=_now() + BELL_PATIENCE,
    )
    db.session.add(job)
    db.session.flush()
    return job


def _printable(message: str) -> str:
    return CONTROL_CHARACTERS.sub(" ", message)[:LONGEST_MESSAGE]


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
