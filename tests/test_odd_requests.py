"""Odd requests: whatever comes in, no answer is the archive's own fault, and errors suit whoever asked."""

import itertools
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from gunicorn.http.body import Body, ChunkedReader
from gunicorn.http.unreader import IterUnreader

from app.accounts.viewer import SESSION_KEY
from app.extensions import db
from tests.fixtures.application import MakeApp
from tests.fixtures.ingest import Headers
from tests.frames_factory import add_frame

HUGE = "9" * 30
#: As they stand in an address.
TEXTS = [
    "%00",
    "%ED%A0%80",  # half a surrogate pair
    "%C3%A9" * 300,
    "%25",
    "'%20OR%201=1%20--",
    "..%2F..%2Fetc%2Fpasswd",
    "%3Cscript%3E",
    HUGE,
    "-1",
    "1e999",
    "[]",
    "%0D%0AX:%20y",
]
BODIES: list[tuple[bytes, str]] = [
    (b"", "application/json"),
    (b"[]", "application/json"),
    (b"7", "application/json"),
    (b'{"filepath": 7}', "application/json"),
    (b'{"filepath": "/a\\u0000b"}', "application/json"),
    (b'{"filepath": "/root/\\ud800"}', "application/json"),
    (b'{"filepath": "/x", "file_metadata": {"a": NaN}}', "application/json"),
    (b"{" * 5000, "application/json"),
    (b'{"username": ' + b"9" * 5000 + b', "password": "x"}', "application/json"),
    (b"[" * 200_000 + b"]" * 200_000, "application/json"),
    (b"\xff\xfe", "application/json"),
    (b"x", "text/plain"),
    (b"no parts", "multipart/form-data"),
    (b"--x\r\n\r\n", "multipart/form-data; boundary=x"),
    (b"username=a%00b&password=x", "application/x-www-form-urlencoded"),
    (b"x" * 2_000_000, "application/json"),
]


def list_routes(app: Flask) -> set[tuple[str, str]]:
    """Return every route's methods, and its pattern with {} for what varies."""
    rules = list(app.url_map.iter_rules())
    return {(method, re.sub("<[^>]*>", "{}", rule.rule)) for rule in rules for method in rule.methods & {"GET", "POST"}}


def test_no_route_breaks(app: Flask, client: FlaskClient, as_operator: Headers) -> None:
    app.config["WTF_CSRF_ENABLED"] = False  # so that forms get further than their token
    with app.app_context():
        add_frame("a-frame")
    for (method, pattern), text in itertools.product(list_routes(app), TEXTS):
        address = f"{pattern.replace('{}', text)}?next={text}&header={text}"
        for headers in ({}, as_operator, {"Accept": "text/html"}):
            answer = client.open(address, method=method, headers=headers)
            assert answer.status_code < 500, (method, address, answer.get_data(as_text=True))


@pytest.mark.parametrize(("body", "content_type"), BODIES)
def test_no_body_breaks(app: Flask, client: FlaskClient, as_operator: Headers, body: bytes, content_type: str) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    for path, headers in (
        ("/ingest/jobs", as_operator),
        ("/login", {}),
        ("/logout", {}),
        ("/api-token-auth/", {}),
        ("/frames/zip/", {}),
        ("/frames/", as_operator),
        ("/thumbnails/", as_operator),
    ):
        answer = client.post(path, data=body, content_type=content_type, headers=headers)
        assert answer.status_code < 500, (path, answer.get_data(as_text=True))


@pytest.mark.parametrize(
    ("kind", "count", "path"),
    [("query_string", 800, "/frames/"), ("data", 30_000, "/api-token-auth/"), ("json", 40_000, "/api-token-auth/")],
)
def test_of_very_many_unknown_names_some_are_told(client: FlaskClient, kind: str, count: int, path: str) -> None:
    """To look for what each was meant to be would take minutes."""
    method = "GET" if kind == "query_string" else "POST"
    answer = client.open(path, method=method, **{kind: {f"unknown{number}": "x" for number in range(count)}})
    assert (answer.status_code, answer.json["code"]) == (400, "bad_parameter")
    assert len(answer.data) < 20_000


def test_a_body_in_broken_chunks_is_told(client: FlaskClient) -> None:
    chunks = ChunkedReader(None, IterUnreader([b"no length\r\n"]))
    body = {"wsgi.input": Body(chunks), "wsgi.input_terminated": True}
    answer = client.post("/api-token-auth/", content_type="application/json", environ_overrides=body)
    assert (answer.status_code, answer.json["code"]) == (400, "broken_body")


def test_errors_are_pages_for_browsers_and_json_for_programs(client: FlaskClient) -> None:
    page = client.get("/frames/99/", headers={"Accept": "text/html,*/*;q=0.8"})
    assert (page.status_code, page.mimetype) == (404, "text/html")
    answer = client.get("/frames/99/", headers={"Accept": "*/*"})
    assert (answer.status_code, answer.json["code"]) == (404, "frame_not_found")


def test_errors_keep_the_headers_that_tell_what_would_do(client: FlaskClient) -> None:
    assert "GET" in client.post("/frames/1/headers/").headers["Allow"]
    assert client.get("/ingest/jobs").headers["WWW-Authenticate"] == "Token"


def test_a_database_that_is_away_is_said_to_be(make_app: MakeApp) -> None:
    app = make_app(DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")
    client = app.test_client()
    with client.session_transaction() as session:
        session[SESSION_KEY] = "of somebody"
    for accept, mimetype in (("text/html", "text/html"), ("application/json", "application/json")):
        answer = client.get("/", headers={"Accept": accept})
        assert (answer.status_code, answer.mimetype, answer.headers["Retry-After"]) == (503, mimetype, "10")
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("address", ["//evil.example", "/\\evil.example", "https://evil.example", "//%5B", "/\r\nX: y"])
def test_log_in_leads_nowhere_else(app: Flask, client: FlaskClient, as_operator: Headers, address: str) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    form = {"username": "operator", "password": "operator", "next": address}
    answer = client.post("/login", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


@pytest.mark.parametrize(("host", "status"), [("archive.example", 200), ("a.sub.example", 200), ("evil.example", 400)])
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_only_trusted_hosts_are_answered(make_app: MakeApp, host: str, status: int, accept: str) -> None:
    client = make_app(TRUSTED_HOSTS="archive.example, .sub.example").test_client()
    answer = client.get("/frames/" if accept != "text/html" else "/", headers={"Host": host, "Accept": accept})
    assert (answer.status_code, answer.mimetype) == (status, accept if status == 200 else "application/json")
    assert "evil" not in answer.text
