"""Ingest as an operator sees it in a browser."""

import datetime as dt

from flask import Blueprint, render_template

from app.accounts.viewer import require_admin
from app.addresses import address_with
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
    counts = queries.count_jobs_by_state(viewer, search)
    limit, offset = search["limit"], search.get("offset", 0)
    count = counts[search["state"]] if "state" in search else sum(counts.values())
    return render_template(
        "ingest/jobs.html",
        jobs=queries.list_jobs(viewer, search),
        count=count,
        counts=counts,
        search=search,
        states=JobState,
        first=offset + 1,
        previous=address_with(offset=max(offset - limit, 0) or None) if offset else None,
        next=address_with(offset=offset + limit) if offset + limit < count else None,
    )


@blueprint.app_template_filter("duration")
def format_duration(duration: dt.timedelta) -> str:
    """Write how long something took, in the unit in which it is easiest to read."""
    seconds = duration.total_seconds()
    if seconds < 59.95:  # more is written as 60.0
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
