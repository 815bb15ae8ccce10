"""Pages: limit and offset, cursors, and a walk through many frames while more arrive that misses none."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert

from app.extensions import db
from app.frames.models import Frame, Version
from tests.contract.stock import BIAS, SCIENCE, Archive
from tests.fixtures.ingest import Headers
from tests.frames_factory import add_frame
from tests.posted_frames import build_post

FRAMES, NEWCOMERS = 2000, 200
LIMIT = 200
BEGIN = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
ORDERINGS = ("-observation_date", "exposure_time")
TYPES = ("EXPOSE", "BIAS", "DARK")


@pytest.fixture
def many(app: Flask) -> set[str]:
    """The basenames of many frames, of which several always have the same date, exposure time and type."""
    with app.app_context():
        first = db.session.get_one(Frame, add_frame("old0000", contents=()))
        model = {column.name: getattr(first, column.name) for column in Frame.__table__.columns}
        frames = [
            model | {"id": 10**6 + n, "basename": f"old{n:04}", "observation_date": compute_date(n)} | vary(n)
            for n in range(1, FRAMES + 1)
        ]
        version = {"key": "", "extension": ".fits", "store_path": "", "created": first.created, "size": 1}
        db.session.execute(insert(Frame), frames)
        db.session.execute(
            insert(Version), [version | {"frame_id": 10**6 + n, "md5": f"{n:032x}"} for n in range(1, FRAMES + 1)]
        )
        db.session.commit()
    return {frame["basename"] for frame in frames}


def compute_date(n: int) -> dt.datetime:
    """Return the n-th frame's date: five in each minute, from the whole of a day, in no order."""
    return BEGIN + dt.timedelta(minutes=n * 7 % (FRAMES // 5))


def vary(n: int) -> dict[str, Any]:
    return {"exposure_time": None if n % 7 == 0 else float(n % 30), "configuration_type": TYPES[n % 3]}


def build_newcomers() -> Iterator[dict[str, Any]]:
    """Yield bodies of POST for frames from before, among and after the others, in every order."""
    for n in range(NEWCOMERS):
        date = compute_date(n * 17) + dt.timedelta(minutes=(n % 3 - 1) * FRAMES // 20)
        yield build_post(f"{'mpz'[n % 3]}{n:03}", observation_date=date.isoformat(), **vary(n)) | {
            "version_set": [{"key": "k", "md5": f"{10**9 + n:032x}", "extension": ".fits"}]
        }


def get_page(client: FlaskClient, address: str) -> tuple[list[str], str | None]:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return [record["basename"] for record in answer.json["results"]], answer.json["next"]


def test_a_walk_by_cursor_misses_none_while_others_arrive(
    client: FlaskClient, many: set[str], as_operator: Headers
) -> None:
    style = f"pagination_style=cursor&limit={LIMIT}&include_related_frames=false"
    addresses: dict[str, str | None] = {name: f"/frames/?{style}&ordering={name}" for name in ORDERINGS}
    seen: dict[str, list[str]] = {name: [] for name in ORDERINGS}
    newcomers = build_newcomers()
    while any(addresses.values()):
        for name, address in addresses.items():
            basenames, addresses[name] = get_page(client, address) if address else ([], None)
            seen[name] += basenames
        for body, _ in zip(newcomers, range(NEWCOMERS * LIMIT // FRAMES), strict=False):
            assert client.post("/frames/", json=body, headers=as_operator).status_code == 201
    assert next(newcomers, None) is None, "all have arrived"
    for name, basenames in seen.items():
        assert many <= set(basenames), name
        assert len(basenames) == len(set(basenames)), name
        assert len(basenames) > len(many), f"{name}: those that came in after the cursor are seen too"


def test_limits_and_offsets(client: FlaskClient, many: set[str]) -> None:
    assert len(client.get("/frames/").json["results"]) == 100
    largest = client.get("/frames/?limit=5000").json
    assert (len(largest["results"]), largest["count"]) == (1000, FRAMES)
    assert largest["next"].startswith("http://")
    last = client.get(largest["next"]).json
    assert (last["count"], last["next"]) == (FRAMES, None)
    assert client.get(last["previous"]).json["results"][0]["id"] == largest["results"][0]["id"]
    assert {record["basename"] for record in largest["results"] + last["results"]} == many
    assert client.get("/frames/?offset=1990").json["count"] == FRAMES
    assert client.get(f"/frames/?offset={FRAMES}").json["results"] == []


@pytest.mark.parametrize("style", ["offset", "cursor"])
def test_links_lead_forth_and_back(archive: Archive, style: str) -> None:
    first = archive.get("/frames/", limit="1", pagination_style=style, ordering="observation_date").json
    assert first["previous"] is None
    second = archive.client.get(first["next"]).json
    assert second["next"] is None
    assert archive.client.get(second["previous"]).json["results"][0]["basename"] == SCIENCE
    assert [page["results"][0]["basename"] for page in (first, second)] == [SCIENCE, BIAS]
    assert ("count" in first) == (style == "offset")


@pytest.mark.parametrize("cursor", ["first", "{cursor}x", "{cursor}&ordering=id"])
def test_a_bad_cursor_is_no_first_page(archive: Archive, cursor: str) -> None:
    first = archive.get("/frames/", limit="1", pagination_style="cursor").json
    good = first["next"].split("cursor=")[-1]
    answer = archive.get(f"/frames/?cursor={cursor.format(cursor=good)}")
    assert answer.status_code == 400
    assert "cursor" in answer.json
