"""Reads of ingest jobs, for operators and for who submitted them, and of what a frame's page says of its pictures."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Float, Row, extract, false, func, select, true
from sqlalchemy.orm import InstrumentedAttribute

from app.accounts.viewer import Viewer
from app.columns import contains
from app.errors import NotAllowed, NotFound
from app.extensions import db
from app.frames.models import Frame
from app.ingest.models import RETRIABLE, UNFINISHED, IngestAttempt, IngestJob, JobState, PreviewState

LARGEST_BATCH = 1000  # ids in one query
NO_SEARCH: Mapping[str, Any] = {}
JULIAN_DAY_OF_1970, SECONDS_PER_DAY = 2440587.5, 86400.0

End = Row[str, str | None, float, float, int | None]
"""What came of a job: its state, its frame's site, when it ended and how long after its arrival (seconds), bytes."""


@dataclass(frozen=True)
class Standing:
    """How many jobs are in a state that is no end, and when the first and the last of them are due."""

    count: int = 0
    first_due: dt.datetime | None = None
    last_due: dt.datetime | None = None


@dataclass(frozen=True)
class FailureGroup:
    """The jobs that failed, or wait to be tried again, for one reason; and when the last and the first of them did."""

    error_code: str
    error_class: str
    failed: int
    waiting: int
    newest: dt.datetime
    oldest: dt.datetime


def get_job(viewer: Viewer, job_id: int) -> IngestJob:
    """Return one job.

    Raises
    ------
    NotFound
        If there is none, or it is not the viewer's to see.
    """
    job = db.session.scalar(select(IngestJob).where(IngestJob.id == job_id, _visible_to(viewer)))
    if job is None:
        raise NotFound(f"There is no ingest job {job_id} that you may see.", code="job_not_found")
    return job


def list_jobs(viewer: Viewer, search: Mapping[str, Any]) -> list[IngestJob]:
    """Return the newest jobs that a search, as `JobSearchSchema` loads it, asks for."""
    statement = select(IngestJob).where(_visible_to(viewer), *_conditions(search)).order_by(IngestJob.id.desc())
    if "state" in search:
        statement = statement.where(IngestJob.state == search["state"])
    return list(db.session.scalars(statement.limit(search["limit"]).offset(search.get("offset", 0))))


def count_jobs_by_state(viewer: Viewer, search: Mapping[str, Any] = NO_SEARCH) -> dict[str, int]:
    """Return how many of the jobs that a search asks for, in whatever state, stand where; every state is named."""
    statement = (
        select(IngestJob.state, func.count()).where(_visible_to(viewer), *_conditions(search)).group_by(IngestJob.state)
    )
    counted = db.session.execute(statement)
    return dict.fromkeys(JobState, 0) | dict(counted.all())


def list_standings(viewer: Viewer) -> dict[str, Standing]:
    """Return where the jobs stand that have not ended; each such state is named."""
    _require_operator(viewer)
    numbers = func.count(), func.min(IngestJob.due), func.max(IngestJob.due)
    statement = select(IngestJob.state, *numbers).where(IngestJob.state.in_(UNFINISHED)).group_by(IngestJob.state)
    found = {state: Standing(count, first, last) for state, count, first, last in db.session.execute(statement)}
    return dict.fromkeys(UNFINISHED, Standing()) | found


def list_failure_groups(viewer: Viewer) -> list[FailureGroup]:
    """Return what stands on the operator's list, by its reason; the most frequent comes first."""
    _require_operator(viewer)
    time = func.coalesce(IngestJob.finished, IngestJob.started)
    failed, waiting = (func.count().filter(IngestJob.state == state) for state in RETRIABLE)
    statement = (
        select(IngestJob.error_code, IngestJob.error_class, failed, waiting, func.max(time), func.min(time))
        .where(IngestJob.state.in_(RETRIABLE))
        .group_by(IngestJob.error_code, IngestJob.error_class)
        .order_by(func.count().desc(), IngestJob.error_code)
    )
    return [FailureGroup(*row) for row in db.session.execute(statement)]


def list_failures(viewer: Viewer, begin: dt.datetime, end: dt.datetime) -> Sequence[Row[str, int]]:
    """Return the codes with which files failed between two times, and how many still have; the most frequent first."""
    _require_operator(viewer)
    statement = (
        select(IngestJob.error_code, func.count())
        .where(IngestJob.state == JobState.FAILED, IngestJob.finished >= begin, IngestJob.finished < end)
        .group_by(IngestJob.error_code)
    )
    return db.session.execute(statement.order_by(func.count().desc(), IngestJob.error_code)).all()


def list_ends(viewer: Viewer, since: dt.datetime) -> Sequence[End]:
    """Return what came of each job that ended since a time, in no order.

    It may be 20,000 rows of a million: numbers are read much quicker than times are, the state is no condition, as
    SQLite would go by it, and the frames are not joined, as PostgreSQL would read them all.
    """
    _require_operator(viewer)
    site_id = select(Frame.site_id).where(Frame.id == IngestJob.frame_id).scalar_subquery()
    finished_s, created_s = (_to_unix_time(time) for time in (IngestJob.finished, IngestJob.created))
    columns = IngestJob.state, site_id, finished_s, finished_s - created_s, IngestJob.size
    return db.session.execute(select(*columns).where(IngestJob.finished >= since)).all()


def count_owed_previews(viewer: Viewer) -> int:
    """Return how many frames lack pictures that are still to be made."""
    _require_operator(viewer)
    owed = select(func.count()).where(IngestJob.preview_state == PreviewState.OWED)
    return db.session.scalar(owed) or 0


def count_waiting_bytes(user_id: int | None) -> int:
    """Return the bytes of a user's uploads that wait to be archived, among what they may still upload."""
    waiting = IngestJob.state.in_(UNFINISHED), IngestJob.is_upload, IngestJob.submitted_by == user_id
    return int(db.session.scalar(select(func.coalesce(func.sum(IngestJob.size), 0)).where(*waiting)) or 0)


def find_longest_queued(viewer: Viewer) -> dt.datetime | None:
    """Return since when the first of the jobs that nobody has tried yet waits; None if there is none."""
    _require_operator(viewer)
    untried = select(IngestJob.created).where(IngestJob.state == JobState.QUEUED, IngestJob.error_code == "")
    return db.session.scalar(untried.order_by(IngestJob.id).limit(1))


def find_last_begun(viewer: Viewer) -> dt.datetime | None:
    """Return when a worker last began with a file; None if none ever has."""
    _require_operator(viewer)
    return db.session.scalar(select(IngestAttempt.started).order_by(IngestAttempt.id.desc()).limit(1))


def list_ended(job_ids: Collection[int]) -> list[IngestJob]:
    """Return those of some jobs that have ended: for the shell that submitted them."""
    batch = sorted(job_ids)[:LARGEST_BATCH]  # the oldest end first
    statement = select(IngestJob).where(IngestJob.id.in_(batch), IngestJob.state.not_in(UNFINISHED))
    return list(db.session.scalars(statement))


def find_preview_state(frame_id: int) -> str:
    """Return where the pictures of a frame stand; empty if no job has owed it any."""
    statement = select(IngestJob.preview_state).where(
        IngestJob.frame_id == frame_id, IngestJob.preview_state != PreviewState.NOT_OWED
    )
    return db.session.scalar(statement.order_by(IngestJob.id.desc()).limit(1)) or PreviewState.NOT_OWED


def _to_unix_time(time: InstrumentedAttribute[Any]) -> ColumnElement[float]:
    """Return the SQL of a time in seconds since 1970."""
    if db.engine.dialect.name == "postgresql":
        return extract("epoch", time).cast(Float)
    return (func.julianday(time) - JULIAN_DAY_OF_1970) * SECONDS_PER_DAY


def _conditions(search: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    """Return the conditions of a search but for the state, by which the answer is parted."""
    exact = ("error_class", "error_code", "frame_id", "preview_state")
    conditions = [getattr(IngestJob, name) == search[name] for name in exact if name in search]
    return conditions + ([contains(IngestJob.filename, search["filename"])] if "filename" in search else [])


def _visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return what lets a viewer see a job: they are operators, or may ingest and submitted it."""
    if viewer.is_admin:
        return true()
    return IngestJob.submitted_by == viewer.user_id if viewer.may_ingest else false()


def _require_operator(viewer: Viewer) -> None:
    if not viewer.is_admin:
        raise NotAllowed("Only operators may see ingest jobs.")
