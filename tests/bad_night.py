"""A bad night, as rows: four sites, a store that went away twice, broken files, and a site that fell silent.

The rows are what the workers would have written; there are no files, and nothing is ingested.
"""

import datetime as dt
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flask_migrate
from rq import Worker
from sqlalchemy import insert
from werkzeug.serving import make_server

from app import create_app
from app.accounts.actions import create_user
from app.config import AppConfig
from app.events.models import BROKER, EventTarget, OwedEvent
from app.extensions import db, get_redis
from app.frames.models import Frame, Version
from app.ingest.bell import INGEST_QUEUE, PREVIEW_QUEUE
from app.ingest.models import Door, IngestAttempt, IngestJob, JobState, PreviewState
from app.processes import PROJECT_DIR
from tests.services import LOOPBACK

HOST = "archive-1"
WAITS_S = (2, 13, 90, 600, None)  # after each attempt that failed for the store
BACKLOG = 18  # files that a pipeline has just sent
OWED = 60  # messages to the broker, which is away too
WEBHOOK = "https://pipeline.example/hooks/archived"


@dataclass(frozen=True)
class Site:
    """A site, and between how many hours before the end its files came."""

    code: str
    name: str  # how the names of its files begin
    door: Door
    from_h: float
    until_h: float


@dataclass(frozen=True)
class Failure:
    """Why files failed, and which: those that came between some hours before the end, one in so many."""

    code: str
    error_class: str
    message: str
    site: str
    from_h: float
    until_h: float
    one_in: int = 1


SITES = (
    Site("coj", "coj1m011-fa12", Door.UPLOAD, 17.5, 8),
    Site("cpt", "cpt1m010-fa16", Door.RABBITMQ, 8.5, 0),
    Site("lsc", "lsc1m009-fa15", Door.FOLDER, 5, 0),
    Site("tfn", "tfn0m414-sq33", Door.PATH, 7, 3.2),  # then its link broke
)
NEVER, BACKOFF = "DoNotRetryError", "BackoffRetryError"
AWAY = "The bucket “science” can't be reached: connection refused."
TRUNCATED = "{0} has 1048576 bytes, and its headers promise 8650368: send it again, whole."
DIED = "Each worker that tried this file died over it; look at the file and at the workers' memory."
FAILURES = (
    Failure("header.missing", NEVER, "{0} lacks the required key BLKUID.", "cpt", 6, 5.53),
    Failure("fits.truncated", NEVER, TRUNCATED, "lsc", 4, 2.8, 4),
    Failure("file.missing", NEVER, "/data/{0} does not exist on the worker's machine.", "tfn", 3.3, 3.2),
    Failure("worker.died", NEVER, DIED, "coj", 12, 11.93),
    Failure("store.unavailable", BACKOFF, AWAY, "", 2.6, 2.22),
    Failure("store.unavailable", BACKOFF, AWAY, "", 0.15, -1),  # and still is
)


@contextmanager
def serving_bad_night(folder: Path | str, redis_url: str) -> Iterator[str]:
    """Serve an archive after a bad night and yield its address; there are two workers on paper, and none runs.

    Its operator's password is the name.
    """
    settings = {"DATA_DIR": str(folder), "REDIS_URL": redis_url, "SECRET_KEY": "night"}
    settings |= {"PROCESSED_EXCHANGE_ENABLED": "1", "QUEUE_BROKER_URL": "amqp://broker/"}
    app = create_app(AppConfig.from_env(settings | {"WEBHOOK_URLS": WEBHOOK, "WEBHOOK_SECRET": "night"}))
    with app.app_context():
        flask_migrate.upgrade(PROJECT_DIR / "migrations")
        create_user("operator", "operator", is_admin=True)
        add_bad_night(dt.datetime.now(dt.UTC))
        register_workers()
    server = make_server(LOOPBACK, 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://{LOOPBACK}:{server.port}"
    server.shutdown()
    with app.app_context():
        db.engine.dispose()


def add_bad_night(end: dt.datetime, every_s: float = 120) -> None:
    """Write a night to an empty archive, with a file from each site every so many seconds.

    Needs the application's context.
    """
    night = _Night(end)
    files = sorted((time, site.code, site) for site in SITES for time in night.list_times(site, every_s))
    for created, _, site in files:
        night.add(created, site)
    for _ in range(BACKLOG):
        night.add(end - dt.timedelta(seconds=2), SITES[1], is_late=True)
    for job in night.jobs[-2:]:
        night.attempt(job, end - dt.timedelta(seconds=1), end + dt.timedelta(seconds=1), None)
    night.attempts.sort(key=lambda attempt: attempt["started"])
    rows = {Frame: night.frames, Version: night.versions, IngestJob: night.jobs, IngestAttempt: night.attempts}
    for model, values in rows.items():
        db.session.execute(insert(model), values)
    _add_events(night.versions[-OWED:], end)
    db.session.commit()


def _add_events(versions: list[dict[str, Any]], end: dt.datetime) -> None:
    refused = "Connecting to broker:5672 failed: connection refused."
    db.session.add(EventTarget(name=BROKER, due=end + dt.timedelta(seconds=20), failures=9, error=refused))
    db.session.add(EventTarget(name=WEBHOOK, due=end))
    values = [{"frame_id": row["frame_id"], "version_id": row["id"], "created": row["created"]} for row in versions]
    db.session.execute(insert(OwedEvent).values(target=BROKER), values)


def register_workers(count: int = 2) -> None:
    """Let Redis know of workers, none of which runs."""
    for _ in range(count):
        worker = Worker([INGEST_QUEUE, PREVIEW_QUEUE], connection=get_redis())
        worker.hostname = HOST
        worker.register_birth()


class _Night:
    """The rows of a night that ends now."""

    def __init__(self, end: dt.datetime) -> None:
        self.end = end
        self.chance = random.Random(42)
        self.frames: list[dict[str, Any]] = []
        self.versions: list[dict[str, Any]] = []
        self.jobs: list[dict[str, Any]] = []
        self.attempts: list[dict[str, Any]] = []

    def list_times(self, site: Site, every_s: float) -> Iterator[dt.datetime]:
        time = self.end - dt.timedelta(hours=site.from_h)
        while time < self.end - dt.timedelta(hours=site.until_h):
            yield time
            time += dt.timedelta(seconds=every_s * self.chance.uniform(0.6, 1.4))

    def add(self, created: dt.datetime, site: Site, *, is_late: bool = False) -> None:
        """Add a file, and what the workers made of it by the end."""
        number = len(self.jobs) + 1
        filename = f"{site.name}-{created:%Y%m%d}-{number:04d}-e00.fits.fz"
        job = {
            "id": number,
            "state": JobState.QUEUED,
            "filename": filename,
            "filepath": f"/data/{filename}",
            "is_upload": site.door == Door.UPLOAD,
            "door": site.door,
            "attempts": 0,
            "created": created,
            "started": None,
            "finished": None,
            "due": self.end + dt.timedelta(seconds=40),
            "size": None,
            "md5": "",
            "frame_id": None,
            "preview_state": PreviewState.NOT_OWED,
            **_say(None, filename),
        }
        self.jobs.append(job)
        if not is_late:
            self._work(job, site)

    def _work(self, job: dict[str, Any], site: Site) -> None:
        begun = job["created"] + self._seconds(0.3)
        for wait_s in WAITS_S:
            if begun > self.end:  # not yet
                job["due"] = begun
                break
            failure, finished = self._find_failure(site, job["id"], begun), begun + self._seconds(1.2)
            self.attempt(job, begun, finished, failure)
            if job["state"] != JobState.WAITING:
                break
            if wait_s is None:
                job |= {"state": JobState.FAILED, "finished": finished, "due": None}
                self.attempts[-1]["outcome"] = JobState.FAILED
                break
            begun = finished + dt.timedelta(seconds=wait_s * self.chance.uniform(0.8, 1.2))
        if job["state"] == JobState.ARCHIVED:
            self._archive(job, site)

    def attempt(self, job: dict[str, Any], begun: dt.datetime, finished: dt.datetime, failure: Failure | None) -> None:
        if finished > self.end:
            state, finished, failure = JobState.RUNNING, None, None
        elif failure is None:
            state = JobState.ARCHIVED
        else:
            state = JobState.WAITING if failure.error_class == BACKOFF else JobState.FAILED
        has_ended = state in {JobState.ARCHIVED, JobState.FAILED}
        told = _say(failure, job["filename"])
        job |= {"state": state, "attempts": job["attempts"] + 1, "started": begun, **told}
        job |= {"finished": finished, "due": None} if has_ended else {}
        took_s = (finished - begun).total_seconds() if finished else 0
        parts = {"read_s": took_s * 0.2, "store_s": took_s * 0.6, "database_s": took_s * 0.1} if took_s else {}
        self.attempts.append(
            {"job_id": job["id"], "worker": f"{HOST}:{4711 + job['id'] % 2}", "started": begun, "finished": finished}
            | {"outcome": "" if state == JobState.RUNNING else state, **told}
            | {"read_s": None, "store_s": None, "database_s": None, **parts}
        )

    def _archive(self, job: dict[str, Any], site: Site) -> None:
        number, filename, archived = job["id"], job["filename"], job["finished"]
        basename, size = filename.partition(".")[0], self.chance.randrange(6_000_000, 30_000_000)
        frame = {"id": number, "basename": basename, "site_id": site.code}
        self.frames.append(frame | {"created": archived, "modified": archived})
        version = {"id": number, "frame_id": number, "key": basename, "md5": f"{number:032x}", "extension": ".fits.fz"}
        self.versions.append(version | {"size": size, "store_path": f"{site.code}/{filename}", "created": archived})
        job |= {"frame_id": number, "md5": version["md5"], "size": size, "preview_state": PreviewState.MADE}

    def _find_failure(self, site: Site, number: int, time: dt.datetime) -> Failure | None:
        hours = (self.end - time) / dt.timedelta(hours=1)
        for failure in FAILURES:
            is_hit = failure.site in ("", site.code) and number % failure.one_in == 0
            if is_hit and failure.from_h > hours >= failure.until_h:
                return failure
        return None

    def _seconds(self, median_s: float) -> dt.timedelta:
        return dt.timedelta(seconds=median_s * self.chance.lognormvariate(0, 0.5))


def _say(failure: Failure | None, filename: str) -> dict[str, str]:
    if failure is None:
        return {"error_class": "", "error_code": "", "error_message": ""}
    message = failure.message.format(filename)
    return {"error_class": failure.error_class, "error_code": failure.code, "error_message": message}
