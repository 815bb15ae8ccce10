"""Embargoes in a browser: an operator rules on a frame's page and on that of the proposals, without JavaScript."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.fixtures.ingest import Headers, log_in, make_headers
from tests.frames_factory import add_frame
from tests.html_page import BROWSER, HtmlPage, get_page

PROPOSAL = "SECRET2026A-001"


@pytest.fixture
def frame_id(app: Flask) -> int:
    with app.app_context():
        return add_frame("a", proposal_id=PROPOSAL)


@pytest.fixture
def operator(app: Flask) -> FlaskClient:
    """An operator's browser."""
    make_headers(app, "operator", is_admin=True)
    browser = app.test_client()
    log_in(browser, "operator")
    return browser


def send(browser: FlaskClient, path: str, **values: str) -> HtmlPage:
    """Send the form of a page, and return the page that follows."""
    names = {"csrf_token", "frame_id", "proposal", "subject", "public_date"}
    fields = {name: value for name, value in get_page(browser, path).fields.items() if name in names}
    data = fields | {"change": "set", "reason": "a thesis"} | values
    return HtmlPage(browser.post("/embargoes", data=data, headers=BROWSER, follow_redirects=True))


def test_a_frame_is_hidden_and_shown_again(
    operator: FlaskClient, client: FlaskClient, as_member: Headers, frame_id: int
) -> None:
    page = send(operator, f"/frames/{frame_id}/", public_date="never")
    assert "Until further notice (before: 2026-11-01 03:00:00)." in page.text
    assert "not public" in page.text
    assert client.get(f"/frames/{frame_id}/").status_code == 404
    shown = get_page(client, f"/frames/{frame_id}/", as_member)
    assert (shown.status, "a thesis" in shown.html, "/embargoes" in shown.html) == (200, False, False)
    page = send(operator, f"/frames/{frame_id}/", change="clear", reason="it is done")
    assert "operator a until further notice (before: 2026-11-01 03:00:00) a thesis" in page.text
    assert "operator a cleared (before: never) it is done" in page.text
    assert client.get(f"/frames/{frame_id}/").status_code == 200


def test_a_proposal_is_hidden_from_either_page(operator: FlaskClient, client: FlaskClient, frame_id: int) -> None:
    page = send(operator, f"/frames/{frame_id}/", subject="proposal", public_date="2999-01-01")
    assert "Public from 2999-01-01 00:00:00 on (1 frame then)." in page.text
    assert client.get(f"/frames/{frame_id}/").status_code == 404
    page = send(operator, "/proposals", proposal=PROPOSAL, change="clear")
    assert f"operator proposal {PROPOSAL} cleared (1 frame then) a thesis" in page.text
    assert client.get(f"/frames/{frame_id}/").status_code == 200


REFUSED: list[tuple[str, dict[str, str], str]] = [
    ("/frames/{}/", {}, "public_date: '' is no time"),
    ("/frames/{}/", {"public_date": "never", "reason": ""}, "reason: Say why"),
    ("/frames/{}/", {"public_date": "never", "change": "open"}, "change: Must be one of: set, clear."),
    ("/frames/{}/", {"public_date": "never", "frame_id": "4711"}, "There is no frame 4711"),
    ("/proposals", {"public_date": "never", "subject": "proposal", "proposal": " "}, "' ' is no proposal's id."),
]


def test_what_can_not_be_done_is_told(operator: FlaskClient, client: FlaskClient, frame_id: int) -> None:
    for path, values, words in REFUSED:
        assert words in send(operator, path.format(frame_id), **values).text
    assert client.get(f"/frames/{frame_id}/").status_code == 200


def test_it_needs_the_token_of_the_form(operator: FlaskClient, client: FlaskClient, frame_id: int) -> None:
    data = {"subject": "frame", "frame_id": str(frame_id), "change": "set", "public_date": "never", "reason": "x"}
    assert operator.post("/embargoes", data=data).json["code"] == "csrf"
    assert client.get(f"/frames/{frame_id}/").status_code == 200
