"""The operators' pages: the list of jobs, one job with its history, and trying them again."""

import datetime as dt

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.models import User
from app.extensions import db, get_queue
from app.ingest.models import Door, IngestJob, JobState
from tests.fixtures.ingest import Headers
from tests.frames_factory import add_frame
from tests.html_page import BROWSER, HtmlPage, get_page
from tests.jobs_factory import SUBMITTED, add_attempt, add_job

BROKEN = {
    "state": JobState.FAILED,
    "error_class": "DoNotRetryError",
    "error_code": "fits.invalid",
    "error_message": "<b>junk.fits</b> is not a valid FITS file.",
    "started": SUBMITTED + dt.timedelta(seconds=1),
    "finished": SUBMITTED + dt.timedelta(seconds=3.5),
}


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


@pytest.mark.parametrize("address", ["/ingest", "/ingest/jobs?state=failed", "/ingest/jobs/7"])
def test_nobody_is_led_to_log_in_and_back(app: Flask, client: FlaskClient, as_operator: Headers, address: str) -> None:
    page = get_page(client, address)
    assert page.status == 401
    assert "Token" not in page.text
    form = page.fields | {"username": "operator", "password": "operator"}
    assert client.post("/login", data=form).location == address


def test_who_is_no_operator_is_refused(client: FlaskClient, as_member: Headers) -> None:
    page = get_page(client, "/ingest", as_member)
    assert page.status == 403
    assert "member is none" in page.text


def test_the_newest_jobs_come_first_with_what_became_of_them(
    client: FlaskClient, as_operator: Headers, jobs: list[int]
) -> None:
    good, broken, waiting = jobs
    page = get_page(client, "/ingest/jobs", as_operator)
    assert f"{waiting} next-e00.fits queued" in page.text
    assert (
        f"{broken} junk.fits failed fits.invalid DoNotRetryError <b>junk.fits</b> is not a valid FITS file. – "
        "2026-11-20 03:15:00 2026-11-20 03:15:03 in 2.5 s" in page.text
    )
    assert f"{good} good-e00.fits archived Frame 1 no picture in it 2 kB" in page.text
    assert page.text.index("next-e00") < page.text.index("junk") < page.text.index("good-e00")
    assert page.links["Frame 1"] == "/frames/1/"
    assert page.links[str(broken)] == f"/ingest/jobs/{broken}"


def test_jobs_by_state(client: FlaskClient, as_operator: Headers, jobs: list[int]) -> None:
    links = get_page(client, "/ingest/jobs", as_operator).links
    assert {"All 3", "Queued 1", "Running 0", "Archived 1", "Already archived 0", "Failed 1"} <= links.keys()
    page = get_page(client, links["Failed 1"], as_operator)
    assert "1–1 of 1 jobs" in page.text
    assert "good-e00" not in page.text
    assert page.fields["state"] == "failed"  # kept when a file is looked for


@pytest.mark.parametrize("query", ["filename=JUNK", "error_code=fits.invalid"])
def test_filters_count_too(client: FlaskClient, as_operator: Headers, jobs: list[int], query: str) -> None:
    page = get_page(client, f"/ingest/jobs?{query}", as_operator)
    assert {"All 1", "Archived 0", "Failed 1"} <= page.links.keys()
    assert "good-e00" not in page.text
    assert "There are no such jobs." in get_page(client, page.links["Archived 0"], as_operator).text


def test_pages_of_jobs(client: FlaskClient, as_operator: Headers, jobs: list[int]) -> None:
    page = get_page(client, "/ingest/jobs?limit=2", as_operator)
    assert "1–2 of 3 jobs" in page.text
    last = get_page(client, page.links["Next"], as_operator)
    assert "good-e00" in last.text
    assert last.links["Previous"] == "http://localhost/ingest/jobs?limit=2"
    assert "There are only 3 such jobs." in get_page(client, "/ingest/jobs?offset=9", as_operator).text


def test_one_job_and_its_history(app: Flask, client: FlaskClient, as_operator: Headers) -> None:
    with app.app_context():
        operator = db.session.scalar(db.select(User.id).where(User.username == "operator"))
        origin = {"door": Door.UPLOAD, "request_id": "req-1", "file_metadata": {"OBJECT": "M 42"}}
        waiting = {"state": JobState.WAITING, "due": SUBMITTED + dt.timedelta(minutes=5), "finished": None}
        job_id = add_job("junk.fits", submitted_by=operator, **BROKEN | origin | waiting)
        lost = {"finished": SUBMITTED + dt.timedelta(seconds=60), "outcome": "lost", "error_code": "worker.died"}
        add_attempt(job_id, SUBMITTED, **lost, error_class="RetryError", error_message="The worker's lease ended.")
        times = {"read_s": 0.1, "store_s": 2.345, "database_s": None}
        told = {name: BROKEN[name] for name in ("error_class", "error_code", "error_message")}
        begun = SUBMITTED + dt.timedelta(minutes=1)
        add_attempt(job_id, begun, finished=begun + dt.timedelta(seconds=2.5), outcome="waiting", **times, **told)
    page = get_page(client, f"/ingest/jobs/{job_id}", as_operator)
    assert f"Job {job_id}: junk.fits waiting Try again" in page.text
    assert "To be tried again at 2026-11-20 03:20:00" in page.text
    assert "Came by HTTP, as an upload Submitted by operator" in page.text
    assert "req-1" in page.text
    assert '{ "OBJECT": "M 42" }' in page.text
    history = page.text.partition("History")[2]
    assert (
        "2026-11-20 03:15:00 lost worker.died RetryError The worker's lease ended. 1 min 00 s – – – archive-1:4711"
        in history
    )
    assert (
        "2026-11-20 03:16:00 waiting fits.invalid DoNotRetryError <b>junk.fits</b> is not a valid FITS file. "
        "2.5 s 0.10 s 2.35 s – archive-1:4711" in history
    )
    assert "&lt;b&gt;junk" in page.html
    record = client.get(f"/ingest/jobs/{job_id}", headers=as_operator).json
    assert (record["door"], record["request_id"], record["file_metadata"]) == ("upload", "req-1", {"OBJECT": "M 42"})
    assert [attempt["store_s"] for attempt in record["history"]] == [None, 2.345]


def test_a_job_is_a_page_for_browsers_and_json_for_programs(
    client: FlaskClient, as_operator: Headers, jobs: list[int]
) -> None:
    address = f"/ingest/jobs/{jobs[0]}"
    page = get_page(client, address, as_operator)
    assert page.links["Frame 1"] == "/frames/1/"
    assert "Try again" not in page.text
    for headers, path in ((as_operator, address), (as_operator | BROWSER, f"{address}?format=json")):
        answer = client.get(path, headers=headers)
        assert answer.json["filename"] == "good-e00.fits"
        assert "Accept" in answer.headers["Vary"]
    assert get_page(client, "/ingest/jobs/99", as_operator).status == 404


def test_one_job_is_tried_again(app: Flask, client: FlaskClient, as_operator: Headers, jobs: list[int]) -> None:
    address = f"/ingest/jobs/{jobs[1]}"
    form = get_page(client, address, as_operator).fields
    page = send(client, f"{address}/try-again", form, as_operator)
    assert "junk.fits will be tried again. Job 2: junk.fits queued" in page.text
    with app.app_context():
        assert db.session.get_one(IngestJob, jobs[1]).attempts == 0
        assert get_queue("ingest").count == 1
    assert "is queued; only one that failed or waits" in send(client, f"{address}/try-again", form, as_operator).text


def test_all_of_a_code_are_tried_again(app: Flask, client: FlaskClient, as_operator: Headers, jobs: list[int]) -> None:
    with app.app_context():
        add_job("more.fits", **BROKEN)
        add_job("other.fits", **BROKEN | {"error_code": "fits.empty"})
    fields = get_page(client, "/ingest", as_operator).fields
    page = send(client, "/ingest/try-again", fields | {"error_code": "fits.invalid"}, as_operator)
    assert "2 files with fits.invalid will be tried again." in page.text
    assert page.links.keys() & {"fits.invalid", "fits.empty"} == {"fits.empty"}
    with app.app_context():
        assert get_queue("ingest").count == 2
    assert send(client, "/ingest/try-again", fields | {"error_code": ""}, as_operator).status == 400


@pytest.mark.parametrize("address", ["/ingest/try-again", "/ingest/jobs/{}/try-again"])
def test_only_an_operators_own_form_tries_anything_again(
    app: Flask, client: FlaskClient, as_operator: Headers, as_member: Headers, jobs: list[int], address: str
) -> None:
    address = address.format(jobs[1])
    form = {"error_code": "fits.invalid"}
    answer = client.post(address, data=form, headers=as_operator | BROWSER)  # no token from a page of ours
    assert answer.status_code == 400
    form["csrf_token"] = get_page(client, "/login").fields["csrf_token"]
    for headers, status in ((as_member, 403), ({}, 401)):
        assert send(client, address, form, headers).status == status
    with app.app_context():
        assert db.session.get_one(IngestJob, jobs[1]).state == JobState.FAILED


def send(client: FlaskClient, address: str, form: dict[str, str], headers: Headers) -> HtmlPage:
    """Send a page's form as a browser does, and go where it leads."""
    return HtmlPage(client.post(address, data=form, headers=headers | BROWSER, follow_redirects=True))
