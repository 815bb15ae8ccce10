"""Logging in and out in a browser."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.accounts.actions import create_user
from app.accounts.queries import get_user, list_tokens
from app.extensions import db
from tests.html_page import BROWSER, HtmlPage, get_page


@pytest.fixture(autouse=True)
def user(app: Flask) -> None:
    with app.app_context():
        create_user("observer", "secret", proposals=["SECRET2026A-001"])
        db.session.commit()


def log_in(client: FlaskClient, next_address: str = "", **values: str) -> HtmlPage:
    """Fill the form that the page has, send it, and go where it leads."""
    fields = get_page(client, f"/login?next={next_address}").fields
    filled = fields | {"username": "observer", "password": "secret"} | values
    return HtmlPage(client.post("/login", data=filled, headers=BROWSER, follow_redirects=True))


def send(client: FlaskClient, page: HtmlPage, path: str, **values: str) -> TestResponse:
    """Send a form of a page."""
    return client.post(path, data=values | {"csrf_token": page.fields["csrf_token"]}, headers=BROWSER)


def test_logging_in_leads_back(client: FlaskClient) -> None:
    address = get_page(client, "/?site_id=cpt").links["Log in"]
    fields = get_page(client, address).fields
    answer = client.post("/login", data=fields | {"username": "observer", "password": "secret"})
    assert (answer.status_code, answer.location) == (302, "/?site_id=cpt")
    assert "observer" in get_page(client, "/").text
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


@pytest.mark.parametrize("values", [{"password": "wrong"}, {"username": "nobody"}, {"password": ""}])
def test_a_wrong_name_and_a_wrong_password_read_alike(client: FlaskClient, values: dict[str, str]) -> None:
    page = log_in(client, **values)
    assert page.status == 401
    assert "This name and password don't go together." in page.text
    assert page.fields["password"] == ""
    assert "Log out" not in page.text


@pytest.mark.parametrize(
    "address", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "ingest"]
)
def test_a_link_leads_nobody_away(client: FlaskClient, address: str) -> None:
    assert get_page(client, f"/login?next={address}").fields["next"] == "/"
    fields = get_page(client, "/login").fields
    answer = client.post("/login", data=fields | {"username": "observer", "password": "secret", "next": address})
    assert answer.location == "/"


@pytest.mark.parametrize("path", ["/logout", "/account/log-out-everywhere"])
def test_logging_out_ends_the_session_also_for_who_kept_its_cookie(client: FlaskClient, path: str) -> None:
    page = log_in(client)
    cookie = client.get_cookie("session")
    assert cookie is not None
    assert send(client, page, path).location == "/"
    page = get_page(client, "/")
    assert "You are logged out." in page.text
    assert "observer" not in page.text
    client.set_cookie("session", cookie.value)
    assert "observer" not in get_page(client, "/").text


def test_logging_in_gives_another_session(client: FlaskClient) -> None:
    keys = []
    for _ in range(2):
        log_in(client)
        with client.session_transaction() as session:
            keys.append(session["key"])
    assert keys[0] != keys[1]


def test_logging_out_everywhere_ends_the_sessions_of_other_browsers(app: Flask, client: FlaskClient) -> None:
    elsewhere = app.test_client()
    log_in(elsewhere)
    page = log_in(client)
    assert "observer" in get_page(elsewhere, "/").text
    send(client, page, "/account/log-out-everywhere")
    assert "observer" not in get_page(elsewhere, "/").text


class TestAccount:
    def test_it_is_for_whoever_is_logged_in(self, client: FlaskClient, as_member: dict[str, str]) -> None:
        page = get_page(client, "/account", as_member)
        assert (page.status, "This page is for those who are logged in." in page.text) == (401, True)

    def test_it_shows_proposals_and_sessions(self, client: FlaskClient) -> None:
        log_in(client)
        page = get_page(client, "/account", {"User-Agent": "Dome/1.0"})
        assert page.links["SECRET2026A-001"] == "/?proposal_id=SECRET2026A-001"
        assert "this one" in page.text

    def test_a_token_is_shown_once_and_ends_when_it_is_revoked(self, client: FlaskClient) -> None:
        page = log_in(client)
        made = HtmlPage(send(client, page, "/account/tokens", name="my <script>", scope="read", days="7"))
        assert made.status == 201
        token = re.search(r"<code class=\"break\">([\w-]{40})</code>", made.html)
        assert token is not None
        headers = {"Authorization": f"Token {token[1]}"}
        assert client.get("/profile/", headers=headers).json["username"] == "observer"
        page = get_page(client, "/account")
        assert token[1] not in page.html
        assert "my &lt;script&gt;" in page.html
        (revoke,) = re.findall(r"/account/tokens/\d+/revoke", page.html)
        assert "works no more" in get_page(client, send(client, page, revoke).location).text
        assert client.get("/profile/", headers=headers).status_code == 401

    @pytest.mark.parametrize(
        ("values", "words"),
        [
            ({"name": " ", "scope": "read"}, "Missing data"),
            ({"name": "x", "scope": "ingest"}, "Only an operator"),
            ({"name": "x", "scope": "root"}, "Must be one of"),
            ({"name": "password", "scope": "read"}, "choose another name"),
            ({"name": "x", "scope": "read", "days": "0"}, "Must be greater than"),
        ],
    )
    def test_a_token_that_may_not_be_made(self, client: FlaskClient, values: dict[str, str], words: str) -> None:
        refused = HtmlPage(send(client, log_in(client), "/account/tokens", **values))
        assert (refused.status, words in refused.text) == (400, True)

    def test_the_token_of_another_user_is_unknown(
        self, client: FlaskClient, app: Flask, as_member: dict[str, str]
    ) -> None:
        with app.app_context():
            (token,) = list_tokens(get_user("member"))
        assert send(client, log_in(client), f"/account/tokens/{token.id}/revoke").status_code == 404
        assert client.get("/profile/", headers=as_member).status_code == 200

    def test_a_changed_password(self, app: Flask, client: FlaskClient) -> None:
        elsewhere = app.test_client()
        log_in(elsewhere)
        new = {"old_password": "secret", "new_password": "clear dark skies", "again": "clear dark skies"}
        answer = send(client, log_in(client), "/account/password", **new)
        assert "Your password is changed" in get_page(client, answer.location).text
        assert "observer" not in get_page(elsewhere, "/").text
        assert log_in(app.test_client(), password="clear dark skies").status == 200

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"old_password": "wrong"}, "This is not your password."),
            ({"new_password": "short"}, "at least 10 characters"),
            ({"again": "clear dark sky"}, "not the same"),
        ],
    )
    def test_a_password_that_is_not_changed(self, client: FlaskClient, wrong: dict[str, str], words: str) -> None:
        new = {"old_password": "secret", "new_password": "clear dark skies", "again": "clear dark skies"}
        refused = HtmlPage(send(client, log_in(client), "/account/password", **new | wrong))
        assert (refused.status, words in refused.text) == (400, True)
        assert log_in(client).status == 200


@pytest.mark.parametrize("path", ["/login", "/logout"])
def test_another_site_cannot_send_the_forms(client: FlaskClient, path: str) -> None:
    log_in(client)
    answer = client.post(path, data={"username": "observer", "password": "secret"}, headers=BROWSER)
    assert answer.status_code == 400
    assert "csrf" in HtmlPage(answer).text
    assert "observer" in get_page(client, "/").text
