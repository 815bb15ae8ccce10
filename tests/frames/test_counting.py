"""Counts: exact where there is time, else said to be estimated; the next page never depends on an estimate."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert

from app.extensions import db
from app.frames.models import Frame, Version
from tests.fixtures.application import MakeApp
from tests.frames_factory import add_frame

FRAMES = 9000
TYPES = ("BIAS", "EXPOSE", "EXPOSE")


@pytest.fixture
def hasty(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A client of an archive that takes a millisecond for a count, and would need several.

    Its columns in memory are still being made.
    """
    app = make_app(COUNT_PATIENCE_MS="1")
    monkeypatch.setattr(app.extensions["frame_columns"], "refresh", lambda: None)
    add_many(app)
    return app.test_client()


def add_many(app: Flask) -> None:
    """Archive so many frames that counting them is some work; every third is a bias."""
    with app.app_context():
        first = db.session.get_one(Frame, add_frame("first", configuration_type="BIAS"))
        model = {column.name: getattr(first, column.name) for column in Frame.__table__.columns}
        numbers = range(1, FRAMES)
        frames = [
            model | {"id": first.id + n, "basename": f"frame{n}", "configuration_type": TYPES[n % 3]} for n in numbers
        ]
        version = {"key": "", "extension": ".fits", "store_path": "", "created": first.created, "size": 1}
        versions = [version | {"frame_id": first.id + n, "md5": f"{n:032x}"} for n in numbers]
        db.session.execute(insert(Frame), frames)
        db.session.execute(insert(Version), versions)
        db.session.commit()


def get_list(client: FlaskClient, search: str) -> dict[str, Any]:
    answer = client.get(f"/frames/?{search}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


def test_a_count_in_time_is_exact(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        for name in ("a", "b", "c"):
            add_frame(name)
    found = get_list(client, "limit=1")
    assert (found["count"], found["count_estimated"]) == (3, False)


def test_a_count_that_takes_too_long_is_estimated_and_says_so(hasty: FlaskClient) -> None:
    found = get_list(hasty, "limit=1&configuration_type=BIAS")
    assert found["count_estimated"] is True
    assert found["count"] == pytest.approx(FRAMES / 3, rel=0.2)
    assert found["next"]


def test_a_forced_count_is_exact_however_long_it_takes(hasty: FlaskClient) -> None:
    found = get_list(hasty, "limit=1&configuration_type=BIAS&force_count=true")
    assert (found["count"], found["count_estimated"]) == (FRAMES // 3, False)


def test_the_last_page_knows_the_count(hasty: FlaskClient) -> None:
    found = get_list(hasty, f"limit=1000&offset={FRAMES - 10}")
    assert (found["count"], found["count_estimated"]) == (FRAMES, False)
    assert found["next"] is None
