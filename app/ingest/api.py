"""Ingest jobs over HTTP, as a telescope control system sees them."""

from typing import Any, cast

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.viewer import require_admin
from app.extensions import db, get_config
from app.frames.records import format_time
from app.ingest import actions, queries
from app.ingest.models import IngestJob
from app.ingest.schemas import JobByPathSchema, JobByUploadSchema, JobSearchSchema
from app.ingest.uploads import UploadRequest, receive_file
from app.params import parse_query, parser

blueprint = Blueprint("ingest_api", __name__)


@blueprint.post("/ingest/jobs")
def create_job() -> ResponseReturnValue:
    """Take a file in: by its path as JSON, or itself as a form."""
    viewer = require_admin()
    if request.mimetype == "multipart/form-data":
        job = _take_upload(viewer.user_id)
    else:
        job = actions.submit_path(**parser.parse(JobByPathSchema(), request, location="json"), user_id=viewer.user_id)
        db.session.commit()
    actions.ring(job.id)
    url = url_for("ingest_api.show_job", job_id=job.id, _external=True)
    return {"id": job.id, "state": job.state, "url": url}, 202, {"Location": url}


@blueprint.get("/ingest/jobs")
def list_jobs() -> ResponseReturnValue:
    """List the newest jobs, and count all by their states."""
    viewer = require_admin()
    jobs = queries.list_jobs(viewer, parse_query(JobSearchSchema()))
    return {"counts": queries.count_jobs_by_state(viewer), "results": [build_record(job) for job in jobs]}


@blueprint.get("/ingest/jobs/<int:job_id>")
def show_job(job_id: int) -> ResponseReturnValue:
    """Tell what became of a job."""
    return build_record(queries.get_job(require_admin(), job_id))


def build_record(job: IngestJob) -> dict[str, Any]:
    frame_url = url_for("frames_views.show_frame", frame_id=job.frame_id, _external=True) if job.frame_id else None
    return {
        "id": job.id,
        "state": job.state,
        "url": url_for("ingest_api.show_job", job_id=job.id, _external=True),
        "filename": job.filename,
        "filepath": None if job.is_upload else job.filepath,
        "attempts": job.attempts,
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


def _take_upload(user_id: int | None) -> IngestJob:
    upload = actions.new_upload_path()
    with receive_file(cast(UploadRequest, request), upload, get_config().max_upload_bytes) as filename:
        metadata = parser.parse(JobByUploadSchema(), request, location="form")
        job = actions.submit_upload(upload, filename, user_id=user_id, **metadata)
        db.session.commit()
    return job
