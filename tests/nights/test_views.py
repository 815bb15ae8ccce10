"""The page of a night shows what its viewer may see, leads to other nights, and says when something is new."""

import datetime as dt
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.ingest.models import JobState
from tests.fixtures.ingest import Headers
from tests.frames_factory import add_frame
from tests.jobs_factory import add_job

NEVER = "2999-01-01T00:00:00"


@pytest.fixture
def nights(app: Flask) -> None:
    with app.app_context():
        for day in (1, 3):
            add_frame(f"open-{day}", observation_date=f"2026-11-0{day}T20:00:00", observation_day=f"2026-11-0{day}")
        add_frame("mine-2", observation_date="2026-11-02T20:00:00", observation_day="2026-11-02", public_date=NEVER)


@pytest.mark.usefixtures("nights")
class TestNight:
    def test_the_last_night_comes_first(self, client: FlaskClient) -> None:
        assert client.get("/nights/").location == "/nights/2026-11-03"

    def test_a_night_says_what_came_in_and_leads_to_its_neighbours(self, client: FlaskClient) -> None:
        page = client.get("/nights/2026-11-02").text
        assert "No frame that you may see" in page
        assert re.findall(r'rel="(?:prev|next)" href="([^"]+)"', page) == ["/nights/2026-11-01", "/nights/2026-11-03"]
        assert "1 frame</a> from 1 telescope" in client.get("/nights/20261103").text

    def test_what_is_hidden_is_no_part_of_a_night(self, client: FlaskClient, as_operator: Headers) -> None:
        assert "1 frame</a>" in client.get("/nights/2026-11-02", headers=as_operator).text
        hidden, empty = (client.get(f"/nights/{night}/changes").text for night in ("2026-11-02", "2026-11-09"))
        assert hidden == empty

    def test_it_is_said_when_proprietary_frames_are_public(
        self, app: Flask, client: FlaskClient, as_operator: Headers
    ) -> None:
        def read() -> str:
            page = client.get("/nights/2026-11-02", headers=as_operator).text
            return re.search("status.*?of them</a> *(.*?)</p>", page, re.DOTALL)[1]

        assert read() == "is not public yet: public on 2999-01-01."
        with app.app_context():
            night = {"observation_date": "2026-11-02T21:00:00", "observation_day": "2026-11-02"}
            add_frame("later", public_date="2999-02-01", **night)
            add_frame("never", public_date=None, **night)
        assert read() == "are not public yet: public on 2999-01-01, the last on 2999-02-01; 1 without a date."
        assert "not public" not in client.get("/nights/2026-11-03", headers=as_operator).text

    def test_a_browser_is_told_once_of_what_is_new(self, app: Flask, client: FlaskClient) -> None:
        address = re.search(r'data-live="([^"]+)"', client.get("/nights/2026-11-03").text)[1]
        nothing_new = client.get(address)
        assert nothing_new.mimetype == "text/event-stream"
        assert "event:" not in nothing_new.text
        with app.app_context():
            add_frame("open-4", observation_date="2026-11-03T21:00:00", observation_day="2026-11-03")
        told = client.get(address).text
        assert "event: change" in told
        state = re.search("id: (.*)", told)[1]
        assert "event:" not in client.get(address, headers={"Last-Event-ID": state}).text

    def test_operators_see_what_failed(self, app: Flask, client: FlaskClient, as_operator: Headers) -> None:
        with app.app_context():
            for day in (3, 9):
                finished = dt.datetime(2026, 11, day, 22, tzinfo=dt.UTC)
                add_job("broken.fits", state=JobState.FAILED, error_code="fits.truncated", finished=finished)
        assert re.search(r"fits\.truncated.*: 1</li>", client.get("/nights/2026-11-03", headers=as_operator).text)
        assert "fits.truncated" not in client.get("/nights/2026-11-03").text


def test_an_empty_archive_has_a_night_too(client: FlaskClient) -> None:
    assert client.get("/nights/", follow_redirects=True).status_code == 200


@pytest.mark.parametrize("text", ["yesterday", "2026-02-30", "2026-1-1", "0", "9" * 50])
def test_what_is_no_night_is_not_found(client: FlaskClient, text: str) -> None:
    answer = client.get(f"/nights/{text}", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert "is no night" in answer.text
