"""Ingest jobs: one file on its way in. The row is the truth; Redis only rings the bell for it."""

import datetime as dt
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import User
from app.columns import PlainText, UtcDateTime
from app.extensions import Model
from app.frames.models import Frame, Id


class JobState(StrEnum):
    """Where a job stands; the last three are ends."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"  # to try again
    ARCHIVED = "archived"
    ALREADY_ARCHIVED = "already_archived"
    FAILED = "failed"


UNFINISHED = (JobState.QUEUED, JobState.RUNNING, JobState.WAITING)
RETRIABLE = (JobState.FAILED, JobState.WAITING)


class PreviewState(StrEnum):
    """Where the pictures of a job's frame stand."""

    NOT_OWED = ""
    OWED = "owed"
    MADE = "made"
    NO_PICTURE = "no_picture"
    FAILED = "failed"


class Door(StrEnum):
    """By which way a file came in."""

    PATH = "path"  # POST /ingest/jobs with a file's path
    UPLOAD = "upload"  # POST /ingest/jobs with the file itself
    SHELL = "shell"
    RABBITMQ = "rabbitmq"
    FOLDER = "folder"
    AUDIT = "audit"  # found in the store without rows


class IngestJob(Model):
    """One file on its way in.

    `due` is when somebody must look after the job if nothing has happened by then: a queued job is rung for again, a
    running one is taken from the worker whose lease has ended, a waiting one is tried again. An ended job has none.

    The file lies at `filepath`. Of an upload that is a place of our own, and the file goes when the job ends well.
    """

    __tablename__ = "ingest_job"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    state: Mapped[str] = mapped_column(PlainText, default=JobState.QUEUED)
    filename: Mapped[str] = mapped_column(PlainText)  # as its sender named it
    filepath: Mapped[str] = mapped_column(PlainText)
    is_upload: Mapped[bool]
    door: Mapped[str] = mapped_column(PlainText, default=Door.PATH)
    request_id: Mapped[str] = mapped_column(PlainText, default="")  # of the HTTP request that brought it
    file_metadata: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    attempts: Mapped[int] = mapped_column(default=0)
    due: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    lease_owner: Mapped[str] = mapped_column(PlainText, default="")  # host and process of the worker that has it
    error_class: Mapped[str] = mapped_column(PlainText, default="")
    error_code: Mapped[str] = mapped_column(PlainText, default="")
    error_message: Mapped[str] = mapped_column(PlainText, default="")
    frame_id: Mapped[int | None] = mapped_column(ForeignKey(Frame.id, ondelete="SET NULL"))
    md5: Mapped[str] = mapped_column(PlainText, default="")
    size: Mapped[int | None] = mapped_column(BigInteger)  # bytes
    preview_state: Mapped[str] = mapped_column(PlainText, default=PreviewState.NOT_OWED)
    preview_error: Mapped[str] = mapped_column(PlainText, default="")
    submitted_by: Mapped[int | None] = mapped_column(ForeignKey(User.id, ondelete="SET NULL"))
    created: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    started: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    finished: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

    history: Mapped[list["IngestAttempt"]] = relationship(order_by="IngestAttempt.id", passive_deletes=True)

    __table_args__ = (
        Index("ix_ingest_job_state", "state", "id"),  # the counts by state; the newest of a state
        Index("ix_ingest_job_frame_id", "frame_id"),  # the jobs of a frame
        Index("ix_ingest_job_finished", "finished"),  # what a night brought: its lag, its bytes
        Index(  # what is due, among very many that have ended
            "ix_ingest_job_due",
            "due",
            postgresql_where=text("due IS NOT NULL"),
            sqlite_where=text("due IS NOT NULL"),
        ),
        Index("ix_ingest_job_error_code", "error_code", "state"),  # the failures grouped by code; retry all of a code
        Index(  # the previews still owed, a few of very many
            "ix_ingest_job_preview_owed",
            "id",
            postgresql_where=text("preview_state = 'owed'"),
            sqlite_where=text("preview_state = 'owed'"),
        ),
    )


class IngestAttempt(Model):
    """One line of a job's history: a worker tried, and this came of it."""

    __tablename__ = "ingest_attempt"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey(IngestJob.id, ondelete="CASCADE"), index=True)  # a job's history
    worker: Mapped[str] = mapped_column(PlainText)  # host and process
    started: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    finished: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)  # None while it runs, or if its worker died
    outcome: Mapped[str] = mapped_column(PlainText, default="")  # the state that the job went to
    error_class: Mapped[str] = mapped_column(PlainText, default="")
    error_code: Mapped[str] = mapped_column(PlainText, default="")
    error_message: Mapped[str] = mapped_column(PlainText, default="")
    # How long its parts took, in seconds; None where it did not come so far.
    read_s: Mapped[float | None]  # opening, hashing, the headers
    store_s: Mapped[float | None]
    database_s: Mapped[float | None]

    __table_args__ = (Index("ix_ingest_attempt_finished", "finished"),)  # the latest attempts, for /metrics


class WatchedFile(Model):
    """A file of a watched folder that was taken, as it was then: after a restart it is not taken again."""

    __tablename__ = "watched_file"

    path: Mapped[str] = mapped_column(PlainText, primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)  # bytes
    modified_ns: Mapped[int] = mapped_column(BigInteger)  # nanoseconds since 1970, by the folder's own clock
    job_id: Mapped[int | None] = mapped_column(ForeignKey(IngestJob.id, ondelete="SET NULL"))
    taken: Mapped[dt.datetime] = mapped_column(UtcDateTime)
