"""Reads of ingest jobs. They are for operators, but for what a frame's page says of its pictures."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, func, select

from app.accounts.viewer import Viewer
from app.columns import contains
from app.errors import NotAllowed, NotFound
from app.extensions import db
from app.ingest.models import UNFINISHED, IngestJob, JobState, PreviewState

LARGEST_BATCH = 1000  # ids in one query
NO_SEARCH: Mapping[str, Any] = {}


def get_job(viewer: Viewer, job_id: int) -> IngestJob:
    """Return one job.

    Raises
    ------
    NotAllowed, NotFound
    """
    _require_operator(viewer)
    job = db.session.get(IngestJob, job_id)
    if job is None:
        raise NotFound(f"There is no ingest job {job_id}.", code="job_not_found")
    return job


def list_jobs(viewer: Viewer, search: Mapping[str, Any]) -> list[IngestJob]:
    """Return the newest jobs that a search, as `JobSearchSchema` loads it, asks for."""
    _require_operator(viewer)
    statement = select(IngestJob).where(*_conditions(search)).order_by(IngestJob.id.desc())
    if "state" in search:
        statement = statement.where(IngestJob.state == search["state"])
    return list(db.session.scalars(statement.limit(search["limit"]).offset(search.get("offset", 0))))


def count_jobs_by_state(viewer: Viewer, search: Mapping[str, Any] = NO_SEARCH) -> dict[str, int]:
    """Return how many of the jobs that a search asks for, in whatever state, stand where; every state is named."""
    _require_operator(viewer)
    statement = select(IngestJob.state, func.count()).where(*_conditions(search)).group_by(IngestJob.state)
    counted = db.session.execute(statement)
    return dict.fromkeys(JobState, 0) | dict(counted.all())


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


def _conditions(search: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    """Return the conditions of a search but for the state, by which the answer is parted."""
    exact = ("error_class", "error_code", "frame_id", "preview_state")
    conditions = [getattr(IngestJob, name) == search[name] for name in exact if name in search]
    return conditions + ([contains(IngestJob.filename, search["filename"])] if "filename" in search else [])


def _require_operator(viewer: Viewer) -> None:
    if not viewer.is_admin:
        raise NotAllowed("Only operators may see ingest jobs.")
