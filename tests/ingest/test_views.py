"""The operators' page: jobs by state, with what became of them."""

import datetime as dt
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.extensions import db
from app.ingest.models import IngestJob, JobState
from app.ingest.views import format_duration
from tests.fixtures.ingest import Headers
from tests.frames_factory import add_frame
from tests.html_page import get_page

SUBMITTED = dt.datetime(2026, 11, 20, 3, 15, tzinfo=dt.UTC)
BROKEN = {
    "state": JobState.FAILED,
    "error_class": "DoNotRetryError",
    "error_code": "fits.invalid",
    "error_message": "<b>junk.fits</b> is not a valid FITS file.",
    "started": SUBMITTED + dt.timedelta(seconds=1),
    "finished": SUBMITTED + dt.timedelta(seconds=3.5),
}


def add_job(filename: str, **values: Any) -> int:
    """Write a job's row. Needs the application's context."""
    job = IngestJob(filename=filename, filepath=f"/incoming/{filename}", is_upload=True, created=SUBMITTED, **values)
    db.session.add(job)
    db.session.commit()
    return job.id


@pytest.fixture
def jobs(app: Flask) -> list[int]:
    """The numbers of an archived, a broken and a waiting job."""
    with app.app_context():
        frame_id = add_frame("good-e00")
        return [
            add_job("good-e00.fits", state=JobState.ARCHIVED, frame_id=frame_id, size=2000, preview_state="no_picture"),
            add_job("junk.fits", **BROKEN),
            add_job("next-e00.fits", state=JobState.QUEUED),
        ]


def test_nobody_is_asked_to_log_in(client: FlaskClient) -> None:
    page = get_page(client, "/ingest?state=failed")
    assert page.status == 401
    assert page.links["Log in"] == "/login?next=/ingest?state%3Dfailed"


def test_who_is_no_operator_is_refused(client: FlaskClient, as_member: Headers) -> None:
    page = get_page(client, "/ingest", as_member)
    assert page.status == 403
    assert "member is none" in page.text


def test_the_newest_jobs_come_first_with_what_became_of_them(
    client: FlaskClient, as_operator: Headers, jobs: list[int]
) -> None:
    good, broken, waiting = jobs
    page = get_page(client, "/ingest", as_operator)
    assert f"{waiting} next-e00.fits queued" in page.text
    assert (
        f"{broken} junk.fits failed fits.invalid DoNotRetryError <b>junk.fits</b> is not a valid FITS file. – "
        "2026-11-20 03:15:00 2026-11-20 03:15:03 in 2.5 s" in page.text
    )
    assert f"{good} good-e00.fits archived Frame 1 no picture in it 2 kB" in page.text
    assert page.text.index("next-e00") < page.text.index("junk") < page.text.index("good-e00")
    assert page.links["Frame 1"] == "/frames/1/"
    assert f'id="job-{broken}"' in page.html


def test_jobs_by_state(client: FlaskClient, as_operator: Headers, jobs: list[int]) -> None:
    links = get_page(client, "/ingest", as_operator).links
    assert {"All 3", "Queued 1", "Running 0", "Archived 1", "Already archived 0", "Failed 1"} <= links.keys()
    page = get_page(client, links["Failed 1"], as_operator)
    assert "1–1 of 1 jobs" in page.text
    assert "good-e00" not in page.text
    assert page.fields["state"] == "failed"  # kept when a file is looked for


@pytest.mark.parametrize("query", ["filename=JUNK", "error_code=fits.invalid"])
def test_filters_count_too(client: FlaskClient, as_operator: Headers, jobs: list[int], query: str) -> None:
    page = get_page(client, f"/ingest?{query}", as_operator)
    assert {"All 1", "Archived 0", "Failed 1"} <= page.links.keys()
    assert "good-e00" not in page.text
    assert "There are no such jobs." in get_page(client, page.links["Archived 0"], as_operator).text


def test_pages_of_jobs(client: FlaskClient, as_operator: Headers, jobs: list[int]) -> None:
    page = get_page(client, "/ingest?limit=2", as_operator)
    assert "1–2 of 3 jobs" in page.text
    last = get_page(client, page.links["Next"], as_operator)
    assert "good-e00" in last.text
    assert last.links["Previous"] == "http://localhost/ingest?limit=2"
    assert "There are only 3 such jobs." in get_page(client, "/ingest?offset=9", as_operator).text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (59.9, "59.9 s"),
        (59.96, "1 min 00 s"),
        (61, "1 min 01 s"),
        (3599.6, "1 h 00 min"),
        (7260, "2 h 01 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert format_duration(dt.timedelta(seconds=seconds)) == text
