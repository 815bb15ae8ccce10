"""Ingest as an operator sees it in a browser: how the night goes, the jobs, one of them, and trying them again."""

import datetime as dt
import json

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from app.accounts.queries import find_user_by_id
from app.accounts.viewer import require_admin, require_operator
from app.addresses import address_with
from app.errors import BadRequest, wants_html
from app.extensions import db
from app.ingest import actions, api, queries
from app.ingest.bell import INGEST_QUEUE, ring, ring_each
from app.ingest.error_codes import MEANINGS
from app.ingest.models import RETRIABLE, JobState
from app.ingest.overview import build_overview, format_files, name_target
from app.ingest.schemas import JobSearchSchema, RetrySchema
from app.params import parse_query, parser
from app.times import format_ago, format_duration

STATE_KINDS = {
    "queued": "",
    "running": "info",
    "waiting": "warn",
    "archived": "good",
    "already_archived": "good",
    "failed": "bad",
    "lost": "bad",  # an attempt's only: its worker died
}

blueprint = Blueprint("ingest_views", __name__)
blueprint.add_app_template_filter(STATE_KINDS.get, "state_kind")
blueprint.add_app_template_filter(MEANINGS.get, "error_meaning")
blueprint.add_app_template_filter(format_duration, "duration")
blueprint.add_app_template_filter(format_ago, "ago")
blueprint.add_app_template_filter(name_target)


@blueprint.get("/ingest")
def show_overview() -> str:
    """How ingest stands, what is wrong, and the mend."""
    viewer = require_operator()
    return render_template("ingest/overview.html", overview=build_overview(viewer, dt.datetime.now(dt.UTC)))


@blueprint.get("/ingest/jobs")
def list_jobs() -> ResponseReturnValue:
    """The newest jobs, by state, with their errors: a page for a browser, JSON for a program."""
    return _vary(_show_list() if wants_html() else api.list_jobs())


@blueprint.get("/ingest/jobs/<int:job_id>")
def show_job(job_id: int) -> ResponseReturnValue:
    """One job and its history: a page for a browser, JSON for a program."""
    return _vary(_show_page(job_id) if wants_html() else api.show_job(job_id))


@blueprint.post("/ingest/jobs/<int:job_id>/try-again")
def retry_job(job_id: int) -> ResponseReturnValue:
    """Try the file of a job again; for the button of its page."""
    job = queries.get_job(require_admin(), job_id)
    try:
        actions.retry(job)
    except BadRequest as refused:  # somebody else was quicker
        flash(refused.message, "warn")
    else:
        db.session.commit()
        ring(job_id)
        flash(f"{job.filename} will be tried again.")
    return redirect(url_for("ingest_views.show_job", job_id=job_id))


@blueprint.post("/ingest/try-again")
def retry_all() -> ResponseReturnValue:
    """Try all files again that failed, or wait, for one reason; for the buttons of the overview."""
    require_admin()
    error_code = parser.parse(RetrySchema(), request, location="form")["error_code"]
    job_ids = actions.retry_all(error_code)
    db.session.commit()
    ring_each(INGEST_QUEUE, job_ids[: actions.LARGEST_BATCH])  # the reconciler rings for the others, once they are due
    flash(f"{format_files(len(job_ids))} with {error_code} will be tried again.")
    return redirect(url_for("ingest_views.show_overview"))


def _vary(answer: ResponseReturnValue) -> Response:
    response = make_response(answer)
    response.vary.add("Accept")
    return response


def _show_list() -> str:
    viewer = require_operator()
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


def _show_page(job_id: int) -> str:
    job = queries.get_job(require_operator(), job_id)
    return render_template(
        "ingest/job.html",
        job=job,
        can_be_retried=job.state in RETRIABLE,
        submitter=find_user_by_id(job.submitted_by) if job.submitted_by else None,
        metadata=json.dumps(job.file_metadata, indent=2, ensure_ascii=False) if job.file_metadata else "",
    )
