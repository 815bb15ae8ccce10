"""How many requests each viewer may send, and where they come from."""

import re
import socket
import time
from unittest.mock import Mock

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from limits import parse
from redis.exceptions import RedisError

from app.accounts.actions import create_token
from app.accounts.models import Scope
from app.accounts.queries import get_user
from app.extensions import db
from app.rate_limits import FREE_BLUEPRINTS, FREE_ENDPOINTS, INGEST_ENDPOINTS
from tests.fixtures.application import MakeApp
from tests.fixtures.ingest import Headers, log_in, make_headers
from tests.frames_factory import add_frame

HTML = {"Accept": "text/html"}
#: The database is no part of it: one is enough.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    app = make_app(RATE_LIMIT_ANONYMOUS="2/day", RATE_LIMIT_USER="3/hour")
    with app.app_context():
        add_frame("a-frame")
    return app


def ask(client: FlaskClient, count: int, path: str = "/frames/", **options: object) -> list[int]:
    return [client.get(path, **options).status_code for _ in range(count)]


def test_an_address_that_asks_too_often_is_told_when_to_come_again(client: FlaskClient) -> None:
    assert [client.get(path).status_code for path in ("/frames/1/", "/frames/9/")] == [200, 404]
    answer = client.get("/frames/")
    assert (answer.status_code, answer.json["code"]) == (429, "throttled")
    assert 86390 < int(answer.headers["Retry-After"]) <= 86400
    assert "2 requests within a day; with a log-in or a token, 3 requests within a hour" in answer.json["detail"]
    page = client.get("/", headers=HTML)
    assert (page.status_code, page.mimetype) == (429, "text/html")
    assert re.search(r"Try again after \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", page.text)


def test_a_user_has_one_count_for_tokens_and_sessions_wherever_they_are(app: Flask, as_member: Headers) -> None:
    client = app.test_client()
    with app.app_context():
        second = {"Authorization": f"Token {create_token(get_user('member'), 'second')}"}
        db.session.commit()
    assert ask(client, 1, headers=as_member) + ask(client, 1, headers=second) == [200, 200]
    log_in(client, "member")
    assert ask(client, 2, "/", environ_overrides={"REMOTE_ADDR": "192.0.2.7"}) == [200, 429]
    assert ask(app.test_client(), 3) == [200, 200, 429]  # the address has a count of its own


def test_a_generous_limit_is_counted_ahead_and_never_exceeded(make_app: MakeApp) -> None:
    limit = parse("1000/day")
    processes = [make_app().extensions["counters"] for _ in range(2)]
    allowed = [sum(counters.hit(limit, "somebody") for _ in range(700)) for counters in processes]
    assert allowed == [700, 300]
    counters = make_app().extensions["counters"]
    assert not counters.hit(limit, "somebody")
    assert counters.hit(limit, "somebody else")


def test_a_token_that_nobody_knows_counts_for_its_address(client: FlaskClient) -> None:
    assert ask(client, 3, headers={"Authorization": "Token of nobody"}) == [401, 401, 429]


def test_operators_ask_as_often_as_they_like(client: FlaskClient, as_operator: Headers) -> None:
    assert ask(client, 5, headers=as_operator) == [200] * 5


def test_who_ingests_is_never_turned_away_where_frames_come_in(app: Flask, client: FlaskClient) -> None:
    make_headers(app, "telescope")
    with app.app_context():
        telescope = {"Authorization": f"Token {create_token(get_user('telescope'), 'of control', Scope.INGEST)}"}
        db.session.commit()
    assert ask(client, 4, headers=telescope) == [200, 200, 200, 429]
    assert ask(client, 1, f"/versions/?md5={'0' * 32}", headers=telescope) == [200]
    for path in ("/frames/", "/thumbnails/", "/ingest/jobs"):
        assert client.post(path, json={}, headers=telescope).status_code == 400


def test_what_is_free_is_not_counted(client: FlaskClient) -> None:
    ask(client, 2)
    assert [client.get(path).status_code for path in ("/health/", "/profile/", "/login", "/openapi/")] == [200] * 4
    assert client.get("/static/icon.svg").status_code == 200
    assert client.get("/downloads/wrong/frame.fits").status_code == 404
    assert client.options("/frames/").status_code == 200


def test_all_that_is_free_exists(app: Flask) -> None:
    assert app.blueprints.keys() >= FREE_BLUEPRINTS
    assert app.view_functions.keys() >= FREE_ENDPOINTS | INGEST_ENDPOINTS


@pytest.mark.parametrize(
    ("address", "other", "is_same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("not an address", "192.0.2.1:80", True),
    ],
)
def test_whose_an_address_is(app: Flask, address: str, other: str, is_same: bool) -> None:
    asked = [ask(app.test_client(), 2, environ_overrides={"REMOTE_ADDR": asking})[1] for asking in (address, other)]
    assert asked == [200, 429 if is_same else 200]


@pytest.mark.parametrize(
    ("proxies", "expected"),
    [("0", ("127.0.0.1", "http")), ("1", ("203.0.113.9", "https")), ("2", ("198.51.100.4", "http"))],
)
def test_proxies_are_believed_as_far_as_they_are_trusted(
    make_app: MakeApp, proxies: str, expected: tuple[str, str]
) -> None:
    """The client itself may have sent the left ones of these names."""
    app = make_app(TRUSTED_PROXIES=proxies)
    forwarded = {
        "X-Forwarded-For": "192.0.2.66, 198.51.100.4, 203.0.113.9",
        "X-Forwarded-Proto": "http, https",
        "X-Forwarded-Host": "evil.example",
    }
    with app.test_client() as client:
        answer = client.get("/openapi/", headers=forwarded)
        assert answer.json["servers"][0]["url"] == f"{expected[1]}://localhost"
        assert request.remote_addr == expected[0]


def test_while_redis_is_away_each_process_counts_and_nobody_waits(make_app: MakeApp) -> None:
    with socket.socket() as listener:  # takes connections, and never answers
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        app = make_app(REDIS_URL=f"redis://127.0.0.1:{listener.getsockname()[1]}", RATE_LIMIT_ANONYMOUS="3/day")
        begun_s = time.monotonic()
        assert ask(app.test_client(), 5, "/frames/aggregate/") == [200, 200, 200, 429, 429]
        assert time.monotonic() - begun_s < 3  # a fraction of a second; each request on its own would wait for it


def test_redis_is_asked_again_once_it_is_back(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.counters.PAUSE_S", 0.0)
    client = app.test_client()
    assert ask(client, 1) == [200]
    with monkeypatch.context() as away:
        away.setattr("redis.ConnectionPool.get_connection", Mock(side_effect=RedisError))
        assert ask(client, 3) == [200, 200, 429]
    assert ask(client, 2) == [200, 429]
