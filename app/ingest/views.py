"""Ingest as an operator sees it in a browser."""

from flask import Blueprint, render_template

from app.accounts.viewer import require_admin
from app.ingest import queries
from app.ingest.models import JobState
from app.ingest.schemas import JobSearchSchema
from app.params import parse_query

blueprint = Blueprint("ingest_views", __name__)


@blueprint.get("/ingest")
def show_jobs() -> str:
    """The newest jobs, by state, with their errors."""
    viewer = require_admin()
    search = parse_query(JobSearchSchema())
    return render_template(
        "ingest/jobs.html",
        jobs=queries.list_jobs(viewer, search),
        counts=queries.count_jobs_by_state(viewer),
        search=search,
        states=JobState,
    )
