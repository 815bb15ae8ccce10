"""The style sheet: all of its parts, and nothing that no page needs."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.styles import LIFE_S, PARTS, STYLES_DIR, register_styles

LONGEST_PART = 400
APP_DIR = STYLES_DIR.parents[1]
RULES = {path.stem: re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.DOTALL) for path in STYLES_DIR.iterdir()}
CLASS = re.compile(r"\.([a-z][\w-]*)(?=[^{}]*\{)")
COLOUR = re.compile(r"#[0-9a-f]{3,8}\b|\b(?:rgb|hsl|oklch)a?\(")
BUILT = {"is-info", "is-good", "is-warn", "is-bad"}  # templates put these together


@pytest.fixture
def client() -> FlaskClient:
    app = Flask("app")
    register_styles(app)
    return app.test_client()


def test_the_sheet_is_all_of_its_parts(client: FlaskClient) -> None:
    sheet = client.get("/static/archive.css")
    assert sheet.mimetype == "text/css"
    assert sheet.text == "\n".join((STYLES_DIR / f"{part}.css").read_text("utf-8") for part in PARTS)
    assert RULES.keys() == set(PARTS)
    assert [part for part in PARTS if (STYLES_DIR / f"{part}.css").read_text("utf-8").count("\n") > LONGEST_PART] == []
    assert client.get("/static/archive.css", headers={"If-None-Match": sheet.headers["ETag"]}).status_code == 304
    script = client.get("/static/archive.js")
    assert script.mimetype == "text/javascript"
    assert [kept.cache_control.max_age for kept in (sheet, script)] == [LIFE_S, LIFE_S]


def test_every_class_is_one_that_a_page_has() -> None:
    sources = [path for path in APP_DIR.rglob("*") if path.suffix in {".html", ".js", ".py"}]
    words = {word for path in sources for word in re.findall(r"[a-z][\w-]*", path.read_text("utf-8"))}
    assert set(CLASS.findall("".join(RULES.values()))) - BUILT - words == set()


def test_colours_are_said_by_the_theme_alone() -> None:
    assert [part for part, rules in RULES.items() if part != "theme" and COLOUR.search(rules)] == []
