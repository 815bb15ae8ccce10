"""Aladin Lite is offered if it is there, and the search page alone may then load what it needs."""

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.fixtures.application import MakeApp
from tests.frames_factory import add_frame, square

MODULE = "export default {};\n"
SURVEY = "https://survey.example"
BROWSER = {"Accept": "text/html"}


def archive_frame(app: Flask) -> FlaskClient:
    with app.app_context():
        add_frame("orion-e91", area=square(83.82, -5.39, 0.5))
    return app.test_client()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder as npm fills it."""
    (tmp_path / "package" / "dist").mkdir(parents=True)
    (tmp_path / "package" / "dist" / "aladin.js").write_text(MODULE)
    return tmp_path / "package"


def test_without_it_nothing_is_different(app: Flask) -> None:
    client = archive_frame(app)
    page = client.get("/", headers=BROWSER)
    assert "On the sky" in page.text
    assert "ladin" not in page.text
    assert page.headers["Content-Security-Policy"] == client.get("/help").headers["Content-Security-Policy"]
    assert client.get("/static/aladin/aladin.js").status_code == 404


def test_with_it_there_is_a_button(make_app: MakeApp, package: Path) -> None:
    client = archive_frame(make_app(ALADIN_LITE_DIR=str(package)))
    page = client.get("/", headers=BROWSER)
    assert 'hidden data-aladin="/static/aladin/aladin.js" data-survey=""' in page.text
    module = client.get("/static/aladin/aladin.js")
    assert (module.text, module.mimetype) == (MODULE, "text/javascript")
    assert client.get("/static/icon.svg").mimetype == "image/svg+xml"
    policy = page.headers["Content-Security-Policy"]
    assert not re.search("http|'unsafe", policy)
    assert "style-src 'self';" in policy
    assert "script-src 'self' 'wasm-unsafe-eval';" in policy
    assert "unsafe" not in client.get("/help").headers["Content-Security-Policy"]


def test_a_survey_is_the_only_other_server(make_app: MakeApp, package: Path) -> None:
    client = make_app(ALADIN_LITE_DIR=str(package), ALADIN_SURVEY_URL=f"{SURVEY}/hips/dss").test_client()
    policy = client.get("/", headers=BROWSER).headers["Content-Security-Policy"]
    sources = dict(directive.split(" ", 1) for directive in policy.split("; "))
    assert {name for name, text in sources.items() if "http" in text} == {"connect-src", "img-src"}
    assert set(re.findall(r"http[^ ;]+", policy)) == {SURVEY}
