"""Ingest jobs for tests: rows as a door and the workers would have written them, without a file."""

import datetime as dt
from typing import Any

from app.extensions import db
from app.ingest.models import IngestAttempt, IngestJob

SUBMITTED = dt.datetime(2026, 11, 20, 3, 15, tzinfo=dt.UTC)


def add_job(filename: str, **values: Any) -> int:
    """Write a job's row. Needs the application's context."""
    usual = {"filepath": f"/incoming/{filename}", "is_upload": True, "created": SUBMITTED}
    job = IngestJob(filename=filename, **usual | values)
    db.session.add(job)
    db.session.commit()
    return job.id


def add_attempt(job_id: int, started: dt.datetime, **values: Any) -> None:
    """Write a line of a job's history. Needs the application's context."""
    db.session.add(IngestAttempt(job_id=job_id, worker="archive-1:4711", started=started, **values))
    db.session.commit()
