"""How often a password may be guessed."""

import logging

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.actions import create_user
from app.extensions import db
from tests.fixtures.application import MakeApp
from tests.fixtures.ingest import log_in

#: The database is no part of it: one is enough.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HERE, THERE = "192.0.2.1", "198.51.100.1"


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    app = make_app(LOG_IN_LIMIT="2/15 minutes")
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context():
        for name in ("observer", "other"):
            create_user(name, name)
        db.session.commit()
    return app


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what is more than one account and one address, too: wrong passwords take time."""
    monkeypatch.setattr("app.accounts.throttle.TIMES_AS_MANY", 2)


def guess(client: FlaskClient, username: str, password: str = "wrong", address: str = HERE) -> int:
    credentials = {"username": username, "password": password}
    return client.post("/api-token-auth/", json=credentials, environ_overrides={"REMOTE_ADDR": address}).status_code


@pytest.mark.parametrize("username", ["observer", "nobody", "\ud800"])
def test_one_account_from_one_address(client: FlaskClient, username: str) -> None:
    """The same, whether there is such an account or not; it stays open to others."""
    assert [guess(client, username) for _ in range(3)] == [400, 400, 429]
    assert guess(client, "other", "other") == 200
    assert guess(client, "observer", "observer", THERE) == 200


def test_the_right_password_is_of_no_use_then(client: FlaskClient) -> None:
    assert [guess(client, "observer") for _ in range(2)] == [400, 400]
    answer = client.post(
        "/login",
        data={"username": "observer", "password": "observer"},
        headers={"Accept": "text/html"},
        environ_overrides={"REMOTE_ADDR": HERE},
    )
    assert (answer.status_code, answer.mimetype) == (429, "text/html")
    assert 880 < int(answer.headers["Retry-After"]) <= 900


def test_right_passwords_do_not_count(client: FlaskClient) -> None:
    assert [guess(client, "observer", "observer") for _ in range(5)] == [200] * 5


def test_many_accounts_from_one_address(client: FlaskClient, few: None) -> None:
    assert [guess(client, f"account {number}") for number in range(5)] == [400] * 4 + [429]
    assert guess(client, "observer", "observer") == 429
    assert guess(client, "observer", "observer", THERE) == 200


def test_one_account_from_many_addresses(client: FlaskClient, few: None) -> None:
    """Strangers who guess all the time keep the user out only where they have never been."""
    assert guess(client, "observer", "observer", THERE) == 200
    assert [guess(client, "observer", address=f"203.0.113.{number}") for number in range(5)] == [400] * 4 + [429]
    assert guess(client, "observer", "observer", HERE) == 429
    assert guess(client, "observer", "observer", THERE) == 200


def test_the_account_page_does_not_help_to_guess(app: Flask, client: FlaskClient) -> None:
    log_in(client, "observer")
    form = {"old_password": "wrong", "new_password": "of good length", "again": "of good length"}
    assert [client.post("/account/password", data=form).status_code for _ in range(3)] == [400, 400, 429]


def test_redis_is_away(make_app: MakeApp) -> None:
    client = make_app(LOG_IN_LIMIT="2/15 minutes", REDIS_URL="redis://127.0.0.1:1").test_client()
    assert [guess(client, "nobody") for _ in range(3)] == [400, 400, 429]


def test_the_log_names_account_and_address(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        guess(client, "a\nline of its own")
    ((level, message),) = [(record.levelno, record.getMessage()) for record in caplog.records if "wrong" in record.msg]
    assert level == logging.WARNING
    assert message == rf"too many wrong passwords: one for 'a\nline of its own' from {HERE} is not looked at"
