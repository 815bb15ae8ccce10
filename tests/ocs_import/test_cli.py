"""The records of another archive are copied as they are; what can't be is told, and tried again."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.events.models import OwedEvent
from app.extensions import db
from app.frames.models import Frame, Version
from app.frames.queries import list_named_ids
from tests.fixtures.application import MakeApp
from tests.fixtures.ingest import Headers
from tests.frames_factory import add_frame, square
from tests.ocs_import.conftest import Copy
from tests.ocs_import.other_archive import OtherArchive
from tests.posted_frames import NIGHT_PATH, build_version, put_into_store

RAW, BIAS, REDUCED, AWAITED = (
    f"cpt1m010-fa01-20261101-{name}" for name in ("0073-e00", "0001-b00", "0073-e91", "dark")
)
SECRET = {"proposal_id": "SECRET2026A-001", "public_date": "2100-01-01T00:00:00Z"}
OWN_TO_EACH = {"id", "related_frames", "version_set", "modified"}


@pytest.fixture
def night(other: OtherArchive) -> OtherArchive:
    """A raw frame with a picture, a bias, what was made from both, and a dark that has not arrived."""
    other.add(7, RAW, related_frames=[9, 12], area=square(80, -5, 1))
    named = {"L1IDBIAS": f"{BIAS}.fits", "ORIGNAME": f"{RAW}.fits", "RLEVEL": 91}
    other.add(9, REDUCED, [b"first", b"second"], reduction_level=91, related_frames=[7, 11], headers=named, **SECRET)
    other.add(11, BIAS, related_frames=[9], configuration_type="BIAS", exposure_time=None, request_id=None)
    other.add(12, AWAITED, (), observation_date=None, related_frames=[7])
    other.thumbnails[7] = [{"id": 3, "size": "small", "url": "https://bucket.example/signed"}]
    put_into_store(f"{NIGHT_PATH}/thumbnails/{RAW}-small.jpg", b"\xff\xd8")
    return other


def read(client: FlaskClient, headers: Headers) -> dict[str, dict[str, Any]]:
    """Return the archive's records by basename."""
    answer = client.get("/frames/?include_thumbnails=true", headers=headers)
    return {record["basename"]: record for record in answer.json["results"]}


def test_records_are_copied_as_they_are(
    app: Flask, client: FlaskClient, as_operator: Headers, night: OtherArchive, copy: Copy
) -> None:
    done = copy()
    assert (done.status, done.found) == (1, [(9, "file")]), done.output  # the OCS wrote the second file over the first
    here = read(client, as_operator)
    for record in night.listed:
        copied = here.pop(record["basename"])
        assert copied.items() >= {name: record[name] for name in record.keys() - OWN_TO_EACH}.items()
        kept = ("key", "md5", "extension", "created")
        assert [[version[name] for name in kept] for version in copied["version_set"]] == [
            [version[name] for name in kept] for version in record["version_set"]
        ]
        header = client.get(f"/frames/{copied['id']}/headers/", headers=as_operator).json["data"]
        assert header == night.headers[record["id"]]
    assert not here


def test_files_and_pictures_are_found_in_the_store(client: FlaskClient, night: OtherArchive, copy: Copy) -> None:
    copy()
    raw = read(client, {})[RAW]
    assert client.get(raw["url"]).data == b"pixels" + RAW.encode()
    assert raw["version_set"][0]["size"] == len(b"pixels" + RAW.encode())
    assert client.get(raw["thumbnails"][0]["url"]).data == b"\xff\xd8"
    assert REDUCED not in read(client, {})


def test_relations_have_the_direction_of_the_headers(
    app: Flask, client: FlaskClient, as_operator: Headers, night: OtherArchive, copy: Copy
) -> None:
    copy()
    with app.app_context():
        names: dict[int, str] = dict(db.session.execute(select(Frame.id, Frame.basename)).all())
        ids = {name: frame_id for frame_id, name in names.items()}
        made_from = {name: {names[other] for other in list_named_ids(ids[name])} for name in (RAW, BIAS, REDUCED)}
    assert made_from[REDUCED] == {RAW, BIAS}
    assert made_from[BIAS] == set()
    assert set(read(client, as_operator)[RAW]["related_frames"]) == {ids[REDUCED], ids[AWAITED]}  # no header names it


def test_nobody_is_told_of_a_copied_frame(make_app: MakeApp, other: OtherArchive, copy: Copy) -> None:
    app = make_app(WEBHOOK_URLS="https://pipeline.example/", WEBHOOK_SECRET="secret")
    other.add(1, RAW)
    assert copy(app=app).status == 0
    with app.app_context():
        counts = [db.session.scalar(select(func.count()).select_from(model)) for model in (Version, OwedEvent)]
    assert counts == [1, 0]


def spoil(other: OtherArchive) -> None:
    """Let the archive have something amiss with each frame but the first."""
    frames = {number: other.add(number, f"frame-{number}") for number in range(1, 13)}
    other.headers |= {3: 404, 4: 500, 5: [1], 8: {}}
    frames[2]["observation_date"] = "yesterday"
    frames[6]["basename"] = "nul\0"
    frames[7]["version_set"][0].pop("md5")
    frames[8]["instrument_id"] = ""
    frames[9]["area"] = {"type": "MultiPolygon", "coordinates": []}
    frames[10]["version_set"][0]["key"] = "0" * 32
    frames[12]["related_frames"] = [404]
    other.thumbnails[11] = [{"id": 1, "size": "small"}, {"id": 2, "size": "huge"}]
    other.listed += [{"basename": "no-id"}, "no record"]


def test_what_is_broken_is_told_and_the_rest_copied(client: FlaskClient, other: OtherArchive, copy: Copy) -> None:
    spoil(other)
    done = copy()
    assert done.status == 1
    refused = [(number, "frame") for number in (0, 0, 2, 3, 4, 5, 6, 7, 8)]
    amiss = [(9, "footprint"), (10, "file"), (11, "thumbnail"), (11, "thumbnail"), (404, "related")]
    assert done.found == refused + amiss, done.output
    assert "yesterday" in done.report[2]["reason"]
    assert read(client, {}).keys() == {f"frame-{number}" for number in (1, 9, 10, 11, 12)}

    other.listed[1]["observation_date"] = "2026-11-01"
    other.headers[4] = {}
    assert [number for number, _ in copy().found if number < 9] == [0, 0, 3, 5, 6, 7, 8]
    assert read(client, {}).keys() >= {"frame-2", "frame-4"}


def test_a_second_copy_takes_only_what_has_changed(client: FlaskClient, other: OtherArchive, copy: Copy) -> None:
    other.add(1, RAW)
    other.add(2, BIAS)
    copy()
    other.asked.clear()
    other.listed[1]["target_name"], other.listed[1]["modified"] = "M 1", "2026-12-01T00:00:00Z"
    other.add(3, REDUCED)
    other.add(4, "pictured")
    assert copy().status == 0
    assert {path for path in other.asked if "headers" in path} == {f"/frames/{number}/headers/" for number in (2, 3, 4)}
    assert [read(client, {})[name]["target_name"] for name in (RAW, BIAS, REDUCED)] == ["M 42", "M 1", "M 42"]

    put_into_store(f"{NIGHT_PATH}/thumbnails/pictured-small.jpg", b"\xff\xd8")
    other.thumbnails[4] = [{"id": 3, "size": "small"}]
    other.asked.clear()
    assert copy().status == 0
    assert {path for path in other.asked if "headers" in path} == {"/frames/4/headers/"}
    assert len(read(client, {})["pictured"]["thumbnails"]) == 1


def test_what_the_archive_has_by_itself_is_left_alone(
    app: Flask, client: FlaskClient, other: OtherArchive, copy: Copy
) -> None:
    with app.app_context():
        add_frame(RAW)
        md5 = build_version(b"pixels" + BIAS.encode())["md5"]
        add_frame("another", version_set=[{"store_path": "p", "size": 1, "key": "k", "md5": md5, "extension": ".fits"}])
    other.add(1, RAW)
    other.add(2, BIAS)
    assert copy().found == [(1, "frame"), (2, "frame")]
    assert [len(read(client, {})[name]["version_set"]) for name in (RAW, "another")] == [1, 1]


def test_it_goes_on_where_it_stopped(client: FlaskClient, other: OtherArchive, copy: Copy) -> None:
    for number in range(1, 7):
        other.add(number, f"frame-{number}")
    other.refused_cursors = {"after=4"}
    stopped = copy()
    assert stopped.status == 2
    assert "OCS_TOKEN" in stopped.output
    assert len(read(client, {})) == 4
    other.refused_cursors.clear()
    other.asked.clear()
    assert copy().status == 0
    assert {path for path in other.asked if "headers" in path} == {"/frames/5/headers/", "/frames/6/headers/"}
    assert len(read(client, {})) == 6


def test_a_forgotten_cursor_means_the_first_page(client: FlaskClient, other: OtherArchive, copy: Copy) -> None:
    for number in range(1, 4):
        other.add(number, f"frame-{number}")
    other.refused_cursors = {"after=2"}
    assert copy().status == 2
    other.refused_cursors, other.forgotten_cursors = set(), {"after=2"}
    stopped = copy()
    assert (stopped.status, "Invalid cursor" in stopped.output) == (2, True)  # it is still the next page's
    other.forgotten_cursors.clear()
    assert copy().status == 0
    assert len(read(client, {})) == 3


def test_a_store_that_is_not_the_sources_stops_it(client: FlaskClient, other: OtherArchive, copy: Copy) -> None:
    other.add(1, RAW, instrument_id="other")
    done = copy()
    assert (done.status, "FILESTORE_TYPE" in done.output) == (2, True)
    assert not read(client, {})
    assert copy("--accept-missing-files").found == [(1, "file")]
    assert read(client, {}).keys() == {RAW}


def test_a_wrong_token_is_told(other: OtherArchive, copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCS_TOKEN", "wrong")
    done = copy()
    assert (done.status, "does not know the token" in done.output) == (2, True)
