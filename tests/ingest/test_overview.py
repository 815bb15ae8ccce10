"""What an operator is told first: how ingest stands, what is wrong, and the mend."""

import datetime as dt
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from app.events.models import BROKER, EventTarget
from app.extensions import db
from app.ingest.models import IngestJob, JobState
from tests.bad_night import add_bad_night, register_workers
from tests.fixtures.application import MakeApp
from tests.fixtures.ingest import Headers, make_headers
from tests.frames_factory import add_frame
from tests.html_page import get_page
from tests.jobs_factory import add_attempt, add_job

STORE = {"error_class": "BackoffRetryError", "error_code": "store.unavailable"}


def ago(seconds: float) -> dt.datetime:
    return dt.datetime.now(dt.UTC) - dt.timedelta(seconds=seconds)


@pytest.fixture
def with_worker(app: Flask) -> None:
    with app.app_context():
        register_workers(1)


def add_failed(code: str, seconds_ago: float, **values: Any) -> int:
    ended = ago(seconds_ago)
    told = {"error_class": "DoNotRetryError", "error_code": code, "error_message": "Broken."}
    return add_job(
        "bad.fits", created=ended, started=ended, **{"state": JobState.FAILED, "finished": ended, **told, **values}
    )


@pytest.mark.usefixtures("with_worker")
def test_all_is_well(app: Flask, client: FlaskClient, as_operator: Headers) -> None:
    page = get_page(client, "/ingest", as_operator)
    assert "Nothing waits, nothing failed in the last 24 h. No frame came in." in page.text
    with app.app_context():
        archived = {"state": JobState.ARCHIVED, "created": ago(14), "finished": ago(12), "size": 2000}
        add_job("good.fits", frame_id=add_frame("good", site_id="coj"), **archived)
        add_job("again.fits", **archived | {"state": JobState.ALREADY_ARCHIVED})
        add_job("old.fits", **archived | {"created": ago(90_000), "finished": ago(90_000)})
    page = get_page(client, "/ingest", as_operator)
    assert "notice is-good" in page.html
    assert "notice is-bad" not in page.html
    assert "The last frame came in 12 s ago, from coj." in page.text
    assert "Archived 1 in the last 24 h: 2 kB; 1 in the last hour; 1 more were there already" in page.text
    assert "coj median 2.0 s, 95 % within 2.0 s 1 frames, the last 12 s ago" in page.text


def test_that_no_worker_runs(app: Flask, client: FlaskClient, as_operator: Headers) -> None:
    assert "No worker runs. Start one: flask --app wsgi worker" in get_page(client, "/ingest", as_operator).text
    with app.app_context():
        add_job("new.fits", created=ago(1))
    page = get_page(client, "/ingest", as_operator)
    assert "No worker runs, and 1 file in the queue. Start one: flask --app wsgi worker" in page.text
    assert "1 file on the way" in page.text


def test_that_redis_is_away(make_app: MakeApp) -> None:
    app = make_app(REDIS_URL="redis://127.0.0.1:1/0")
    page = get_page(app.test_client(), "/ingest", make_headers(app, "operator", is_admin=True))
    assert "Redis, at the setting REDIS_URL) does not answer" in page.text
    assert "by workers unknown" in page.text


@pytest.mark.usefixtures("with_worker")
def test_that_workers_stand_still(app: Flask, client: FlaskClient, as_operator: Headers) -> None:
    alarm = "no worker has begun one for more than 2 minutes, though Redis knows of 1."
    with app.app_context():
        new_id = add_job("new.fits", created=ago(20))
        add_job("retried.fits", created=ago(600), **STORE)
    assert alarm not in get_page(client, "/ingest", as_operator).text
    with app.app_context():
        db.session.get_one(IngestJob, new_id).created = ago(600)
        busy_id = add_job("long.fits", state=JobState.RUNNING, created=ago(700), due=ago(-30))
        add_attempt(busy_id, ago(690))
    assert alarm not in get_page(client, "/ingest", as_operator).text
    with app.app_context():
        db.session.get_one(IngestJob, busy_id).due = ago(60)  # its worker is gone, too
        db.session.commit()
    assert f"2 files in the queue, and {alarm}" in get_page(client, "/ingest", as_operator).text
    with app.app_context():
        add_attempt(busy_id, ago(5))
    assert alarm not in get_page(client, "/ingest", as_operator).text


@pytest.mark.usefixtures("with_worker")
def test_that_nobody_looks_after_what_is_due(app: Flask, client: FlaskClient, as_operator: Headers) -> None:
    with app.app_context():
        add_job("late.fits", state=JobState.WAITING, due=ago(600), started=ago(700), **STORE)
    page = get_page(client, "/ingest", as_operator)
    assert "What is due is not looked after" in page.text
    assert "flask --app wsgi reconcile" in page.text


@pytest.mark.usefixtures("with_worker")
def test_failures_stand_by_their_reason_whatever_their_age(
    app: Flask, client: FlaskClient, as_operator: Headers
) -> None:
    with app.app_context():
        add_failed("fits.truncated", 5)
        add_failed("fits.truncated", 300_000)
        add_failed("observatory.own", 60)
        add_failed("", 5, **STORE)
        for _ in range(2):
            add_job("later.fits", state=JobState.WAITING, created=ago(90), started=ago(60), due=ago(-45.5), **STORE)
    page = get_page(client, "/ingest", as_operator)
    assert "2 files on the way, 3 failed in the last 24 h." in page.text
    assert "2 files to be tried again: the file store does not answer (store.unavailable)." in page.text
    assert "To be tried again 2 the next at" in page.text
    assert "UTC, in 45 s" in page.text
    rows = page.text.partition("What failed, by its reason")[2]
    assert "store.unavailable BackoffRetryError the file store does not answer 1 2" in rows
    assert "fits.truncated DoNotRetryError its headers promise more bytes than it has: send it again, whole 2 0" in rows
    assert "3 days ago Try all 2 again with fits.truncated" in rows
    assert "observatory.own DoNotRetryError a code of the observatory's own 1 0" in rows
    assert rows.index("store.unavailable") < rows.index("fits.truncated") < rows.index("observatory.own")
    assert page.links["fits.truncated"] == "/ingest/jobs?error_code=fits.truncated"


@pytest.mark.usefixtures("with_worker")
def test_that_pipelines_are_not_told(app: Flask, client: FlaskClient, as_operator: Headers) -> None:
    assert "Telling the pipelines" not in get_page(client, "/ingest", as_operator).text
    with app.app_context():
        db.session.add(EventTarget(name=BROKER, due=ago(0), failures=3, error="Connection refused."))
        db.session.add(EventTarget(name="https://host.example/secret-path", due=ago(0)))
        db.session.commit()
    page = get_page(client, "/ingest", as_operator)
    assert "RabbitMQ can't be told of what is archived, 0 messages owed: Connection refused." in page.text
    assert "host.example no longer told" in page.text
    assert "secret-path" not in page.html


def test_the_numbers_of_a_night_cost_few_queries(app: Flask, client: FlaskClient, as_operator: Headers) -> None:
    with app.app_context():
        add_bad_night(ago(0), every_s=900)
        statements: list[str] = []
        event.listen(db.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    assert get_page(client, "/ingest", as_operator).status == 200
    assert len(statements) < 15
