"""Ingest jobs over HTTP, as a telescope control system sees them."""

from http import HTTPStatus
from typing import Any, cast

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.viewer import Viewer, require_ingester, require_job_reader
from app.errors import BadRequest, build_error
from app.extensions import db
from app.ingest import actions, queries
from app.ingest.bell import INGEST_QUEUE, ring, ring_each
from app.ingest.models import IngestAttempt, IngestJob
from app.ingest.schemas import JobBatchSchema, JobByPathSchema, JobByUploadSchema, JobSearchSchema
from app.ingest.uploads import UploadRequest, receive_file
from app.params import parse_query, parser
from app.times import format_time

LARGEST_BATCH_BYTES = 16 * 2**20  # as many jobs as it may have, their paths as long as they may be

blueprint = Blueprint("ingest_api", __name__)


@blueprint.post("/ingest/jobs")
def create_job() -> ResponseReturnValue:
    """Take a file in, by its path as JSON or itself as a form; or, as JSON, many by their paths."""
    viewer = require_ingester()
    request.max_content_length = LARGEST_BATCH_BYTES
    if request.mimetype == "multipart/form-data":
        job = _take_upload(viewer.user_id)
    elif isinstance(request.get_json(silent=True), dict) and "jobs" in request.get_json():
        return _create_jobs(viewer)
    else:
        job = actions.submit_path(**parser.parse(JobByPathSchema(), request, location="json"), user_id=viewer.user_id)
        db.session.commit()
    ring(job.id)
    receipt = _build_receipt(job)
    return receipt, HTTPStatus.ACCEPTED, {"Location": receipt["url"]}


@blueprint.post("/ingest/jobs/<int:job_id>/retry")
def retry_job(job_id: int) -> ResponseReturnValue:
    """Try a failed job again."""
    job = queries.get_job(require_ingester(), job_id)
    actions.retry(job)
    db.session.commit()
    ring(job_id)
    return _build_receipt(job), HTTPStatus.ACCEPTED


def list_jobs() -> ResponseReturnValue:
    """List the newest of the jobs that are asked for, and count them, in whatever state, by their states.

    The address is shared with the page, as is that of one job: see `app.ingest.views`.
    """
    viewer = require_job_reader()
    search = parse_query(JobSearchSchema())
    jobs = queries.list_jobs(viewer, search)
    return {"counts": queries.count_jobs_by_state(viewer, search), "results": [build_record(job) for job in jobs]}


def show_job(job_id: int) -> ResponseReturnValue:
    """Tell what became of a job."""
    job = queries.get_job(require_job_reader(), job_id)
    history = [_build_attempt(attempt) for attempt in job.history]
    return build_record(job) | {"file_metadata": job.file_metadata, "history": history}


def build_record(job: IngestJob) -> dict[str, Any]:
    frame_url = url_for("frames_views.show_frame", frame_id=job.frame_id, _external=True) if job.frame_id else None
    return {
        "id": job.id,
        "state": job.state,
        "url": url_for("ingest_views.show_job", job_id=job.id, _external=True),
        "filename": job.filename,
        "filepath": None if job.is_upload else job.filepath,
        "door": job.door,
        "request_id": job.request_id,
        "attempts": job.attempts,
        "due": format_time(job.due),
        "error_class": job.error_class,
        "error_code": job.error_code,
        "error_message": job.error_message,
        "frame_id": job.frame_id,
        "frame_url": frame_url,
        "md5": job.md5,
        "size": job.size,
        "preview_state": job.preview_state,
        "preview_error": job.preview_error,
        "created": format_time(job.created),
        "started": format_time(job.started),
        "finished": format_time(job.finished),
    }


def _build_receipt(job: IngestJob) -> dict[str, Any]:
    url = url_for("ingest_views.show_job", job_id=job.id, _external=True)
    return {"id": job.id, "state": job.state, "url": url}


def _build_attempt(attempt: IngestAttempt) -> dict[str, Any]:
    return {
        "worker": attempt.worker,
        "started": format_time(attempt.started),
        "finished": format_time(attempt.finished),
        "outcome": attempt.outcome,
        "error_class": attempt.error_class,
        "error_code": attempt.error_code,
        "error_message": attempt.error_message,
        "read_s": attempt.read_s,
        "store_s": attempt.store_s,
        "database_s": attempt.database_s,
    }


def _create_jobs(viewer: Viewer) -> ResponseReturnValue:
    """Take many files in; each is answered on its own, and one that is refused keeps no other out."""
    wanted = parser.parse(JobBatchSchema(), request, location="json")["jobs"]
    submitted = [_submit_one(job, viewer.user_id) for job in wanted]
    db.session.commit()
    jobs = [job for job in submitted if isinstance(job, IngestJob)]
    ring_each(INGEST_QUEUE, [job.id for job in jobs])
    results = [_build_receipt(job) if isinstance(job, IngestJob) else build_error(job) for job in submitted]
    return {"results": results}, HTTPStatus.ACCEPTED if jobs else HTTPStatus.BAD_REQUEST


def _submit_one(wanted: Any, user_id: int | None) -> IngestJob | BadRequest:
    try:
        return actions.submit_described(wanted, user_id)
    except BadRequest as refused:
        return refused


def _take_upload(user_id: int | None) -> IngestJob:
    upload = actions.new_upload_path()
    with receive_file(cast(UploadRequest, request), upload, queries.count_waiting_bytes(user_id)) as filename:
        metadata = parser.parse(JobByUploadSchema(), request, location="form")
        job = actions.submit_upload(upload, filename, user_id=user_id, **metadata)
    db.session.commit()  # if it fails the file stays: the database may have it none the less, and the audit sweeps it
    return job
