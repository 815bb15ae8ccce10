"""Logging in and out in a browser."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.actions import create_user
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


def test_logging_out_ends_the_session(client: FlaskClient) -> None:
    page = log_in(client)
    answer = client.post("/logout", data={"csrf_token": page.fields["csrf_token"]}, headers=BROWSER)
    assert answer.location == "/"
    page = get_page(client, "/")
    assert "You are logged out." in page.text
    assert "observer" not in page.text


@pytest.mark.parametrize("path", ["/login", "/logout"])
def test_another_site_cannot_send_the_forms(client: FlaskClient, path: str) -> None:
    log_in(client)
    answer = client.post(path, data={"username": "observer", "password": "secret"}, headers=BROWSER)
    assert answer.status_code == 400
    assert "csrf" in HtmlPage(answer).text
    assert "observer" in get_page(client, "/").text
