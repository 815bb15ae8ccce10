"""Reads of ingest jobs. Only operators come here."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import func, select

from app.accounts.viewer import Viewer
from app.errors import NotAllowed, NotFound
from app.extensions import db
from app.frames.search import contains
from app.ingest.models import UNFINISHED, IngestJob, JobState

LARGEST_BATCH = 1000  # ids in one query


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
    statement = select(IngestJob).order_by(IngestJob.id.desc())
    for name in ("state", "error_class", "error_code", "frame_id"):
        if name in search:
            statement = statement.where(getattr(IngestJob, name) == search[name])
    if "filename" in search:
        statement = statement.where(contains(IngestJob.filename, search["filename"]))
    return list(db.session.scalars(statement.limit(search["limit"]).offset(search.get("offset", 0))))


def count_jobs_by_state(viewer: Viewer) -> dict[str, int]:
    """Return how many jobs stand where; every state is named."""
    _require_operator(viewer)
    counted = db.session.execute(select(IngestJob.state, func.count()).group_by(IngestJob.state))
    return dict.fromkeys(JobState, 0) | dict(counted.all())


def list_ended(job_ids: Collection[int]) -> list[IngestJob]:
    """Return those of some jobs that have ended: for the shell that submitted them."""
    batch = sorted(job_ids)[:LARGEST_BATCH]  # the oldest end first
    statement = select(IngestJob).where(IngestJob.id.in_(batch), IngestJob.state.not_in(UNFINISHED))
    return list(db.session.scalars(statement))


def _require_operator(viewer: Viewer) -> None:
    if not viewer.is_admin:
        raise NotAllowed("Only operators may see ingest jobs.")
