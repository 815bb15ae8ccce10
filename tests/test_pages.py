"""What every answer tells browsers to keep to, and that pages can."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.actions import create_user
from app.extensions import db
from tests.fixtures.application import MakeApp
from tests.fixtures.ingest import Headers, log_in
from tests.frames_factory import add_frame, square
from tests.html_page import BROWSER
from tests.jobs_factory import add_job

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SECRET = "long enough for a production, and random"
HTTPS = "https://archive.example"
INLINE = re.compile(r"<script(?![^>]*\bsrc=)|<style|<[^>]*\s(?:style|on[a-z]+)=|javascript:", re.IGNORECASE)


def test_no_page_has_scripts_or_styles_within(app: Flask, client: FlaskClient, as_operator: Headers) -> None:
    with app.app_context():
        add_frame("a-frame", area=square(10, 10, 1))
        add_job("a.fits.fz")
        db.session.commit()
    log_in(client, "operator")
    paths = {re.sub("<int:[^>]*>", "1", rule.rule) for rule in app.url_map.iter_rules() if "GET" in rule.methods}
    answers = [client.get(path, headers=BROWSER) for path in paths | {"/?colour=1", "/frames/9/"} if "<" not in path]
    pages = [answer.text for answer in answers if answer.mimetype == "text/html"]
    assert len(pages) > 8
    assert [match[0] for page in pages for match in INLINE.finditer(page)] == []


@pytest.mark.parametrize(
    ("path", "resource_policy"), [("/", "same-origin"), ("/frames/", "cross-origin"), ("/redoc/", "same-origin")]
)
def test_what_browsers_keep_to(client: FlaskClient, path: str, resource_policy: str) -> None:
    headers = client.get(path, headers=BROWSER if path != "/frames/" else {}).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == resource_policy
    assert headers["Permissions-Policy"].startswith("camera=()")
    assert "Strict-Transport-Security" not in headers


def test_production_keeps_to_https(make_app: MakeApp) -> None:
    app = make_app(ENVIRONMENT="production", SECRET_KEY=SECRET, PUBLIC_URL=HTTPS)
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context():
        create_user("observer", "secret")
        db.session.commit()
    client = app.test_client()
    answer = client.post("/login", data={"username": "observer", "password": "secret"}, base_url=HTTPS)
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    name, *attributes = answer.headers["Set-Cookie"].replace("=", "; ", 1).split("; ")
    assert name == "__Host-session"
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(attributes)
    assert "Log out" in client.get("/", headers=BROWSER, base_url=HTTPS).text
