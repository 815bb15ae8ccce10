"""Proposals' members, as an operator keeps them in a browser."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.actions import create_user
from app.extensions import db
from tests.fixtures.ingest import Headers
from tests.html_page import BROWSER, HtmlPage, get_page

PROPOSAL = "LAB2026B-007"


@pytest.fixture
def operator(app: Flask, client: FlaskClient, as_member: Headers) -> FlaskClient:
    """An operator's browser."""
    with app.app_context():
        create_user("operator", "secret", is_admin=True)
        db.session.commit()
    fields = get_page(client, "/login").fields
    client.post("/login", data=fields | {"username": "operator", "password": "secret"})
    return client


def change(browser: FlaskClient, path: str, **values: str) -> HtmlPage:
    """Send a form of the page, and return the page that follows."""
    token = get_page(browser, "/proposals").fields["csrf_token"]
    data = {"csrf_token": token, "proposal_id": PROPOSAL, "username": "member"} | values
    return HtmlPage(browser.post(path, data=data, headers=BROWSER, follow_redirects=True))


def test_members_come_and_go(operator: FlaskClient, as_member: Headers, app: Flask) -> None:
    def proposals() -> list[str]:
        found: list[str] = app.test_client().get("/profile/", headers=as_member).json["profile"]["proposals"]
        return found

    page = change(operator, "/proposals/members")
    assert "member sees the frames of LAB2026B-007 now." in page.text
    assert page.links[PROPOSAL] == f"/?proposal_id={PROPOSAL}"
    assert proposals() == [PROPOSAL, "SECRET2026A-001"]
    change(operator, "/proposals/members/remove")
    assert proposals() == ["SECRET2026A-001"]


@pytest.mark.parametrize(
    ("path", "values", "words"),
    [
        ("/proposals/members", {"username": "nobody"}, "There is no user 'nobody'."),
        ("/proposals/members", {"proposal_id": " "}, "'' is no proposal's id."),
        ("/proposals/members/remove", {}, f"member is no member of {PROPOSAL}."),
    ],
)
def test_what_can_not_be_done_is_told(operator: FlaskClient, path: str, values: dict[str, str], words: str) -> None:
    assert words in change(operator, path, **values).text


@pytest.mark.parametrize("path", ["/proposals", "/proposals/members", "/proposals/members/remove"])
def test_it_is_for_operators(app: Flask, client: FlaskClient, as_member: Headers, path: str) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    ask = client.get if path == "/proposals" else client.post
    assert ask(path, headers=as_member).status_code == 403
    assert ask(path).status_code == 401
