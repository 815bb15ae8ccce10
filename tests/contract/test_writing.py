"""Posting frames and thumbnails: what is sent, what is answered, and what becomes of it.

Where files are looked for is tested with `app.frames` and `app.thumbnails`; the messages to pipelines, with
`app.events`.
"""

import io
from typing import Any

import pytest
from flask.testing import FlaskClient

from ocs_archive.input.file import DataFile, File
from ocs_archive.input.headerdata import HeaderData
from tests.fits_factory import FRAME_CARDS
from tests.fixtures.ingest import Headers
from tests.frames_factory import square
from tests.posted_frames import build_version

NAME = "cpt1m010-fa01-20261031-0001-e91"
#: Each field of a POST: what is sent, and what the record then says under the same name.
FIELDS: dict[str, tuple[Any, Any]] = {
    "basename": (NAME, NAME),
    "observation_date": ("2026-11-01T03:00:00.5", "2026-11-01T03:00:00.500000Z"),
    "observation_day": ("20261031", "2026-10-31"),
    "public_date": ("2026-11-02T01:00:00+01:00", "2026-11-02T00:00:00Z"),
    "proposal_id": ("OPEN2026A-001", "OPEN2026A-001"),
    "instrument_id": ("fa01", "fa01"),
    "target_name": ("Éta Carinæ", "Éta Carinæ"),
    "site_id": ("cpt", "cpt"),
    "telescope_id": ("1m0a", "1m0a"),
    "exposure_time": ("60.5", 60.5),
    "primary_optical_element": ("rp", "rp"),
    "configuration_type": ("EXPOSE", "EXPOSE"),
    "reduction_level": (91, 91),
    "observation_id": ("0001000", 1000),
    "request_id": (2000, 2000),
    "area": (square(83, -5, 1), square(83, -5, 1)),
}
#: Fields whose place in the record is another.
ELSEWHERE = {"headers", "version_set", "related_frame_filenames"}
OF_THUMBNAILS = {"frame_basename", "size"}
ABSENT_AS_NULL = {"observation_date", "observation_day", "public_date", "exposure_time", "observation_id", "request_id"}


def post(client: FlaskClient, headers: Headers, body: dict[str, Any], path: str = "/frames/") -> dict[str, Any]:
    answer = client.post(path, json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    record: dict[str, Any] = answer.json
    return record


def build_body(*contents: bytes, **fields: Any) -> dict[str, Any]:
    sent = {name: value for name, (value, _) in FIELDS.items()}
    return sent | {"headers": {"USERID": "me"}, "version_set": [build_version(c) for c in contents]} | fields


def test_each_field_is_in_the_record(client: FlaskClient, as_operator: Headers) -> None:
    record = post(client, as_operator, build_body(b"pixels"))
    assert {name: record[name] for name in FIELDS} == {name: shown for name, (_, shown) in FIELDS.items()}
    assert record["version_set"][0].items() >= build_version(b"pixels").items()
    assert client.get(f"/frames/{record['id']}/headers/").json == {"data": {"USERID": "me"}}


def test_the_fields_are_those_of_the_library() -> None:
    of_library = HeaderData(FRAME_CARDS).get_archive_frame_data().keys()
    assert (FIELDS.keys() | ELSEWHERE) - {"basename", "headers", "area", "version_set"} == of_library - OF_THUMBNAILS


def test_what_the_library_makes_of_a_header_is_taken(client: FlaskClient, as_operator: Headers) -> None:
    file = DataFile(File(io.BytesIO(b"pixels"), f"{NAME}.fits"), FRAME_CARDS)
    body = file.get_header_data().get_archive_frame_data() | {"basename": NAME, "version_set": []}
    record = post(client, as_operator, body)
    assert (record["observation_day"], record["request_id"], record["area"]) == ("2024-02-19", 296263, None)


@pytest.mark.parametrize("blank", [None, ""])
def test_what_is_absent(client: FlaskClient, as_operator: Headers, blank: Any) -> None:
    record = post(client, as_operator, dict.fromkeys(FIELDS, blank) | {"basename": NAME, "version_set": []})
    texts = FIELDS.keys() - ABSENT_AS_NULL - {"basename", "reduction_level", "area"}
    assert {record[name] for name in ABSENT_AS_NULL | {"area", "url"}} == {None}
    assert {record[name] for name in texts} == {""}
    assert (record["reduction_level"], record["version_set"], record["related_frames"]) == (0, [], [])


def test_the_night(client: FlaskClient, as_operator: Headers) -> None:
    for sent, night in (("20261031", "2026-10-31"), ("2026-10-31", "2026-10-31"), (None, "2026-11-01")):
        assert post(client, as_operator, build_body(observation_day=sent))["observation_day"] == night


def test_a_missing_basename(client: FlaskClient, as_operator: Headers) -> None:
    answer = client.post("/frames/", json={}, headers=as_operator)
    assert answer.status_code == 400
    assert "required" in answer.json["basename"][0]


def test_a_known_md5(client: FlaskClient, as_operator: Headers) -> None:
    post(client, as_operator, build_body(b"pixels"))
    answer = client.post("/frames/", json=build_body(b"pixels", basename="other"), headers=as_operator)
    assert answer.status_code == 400
    assert answer.json["version_set"] == [{"md5": ["version with this md5 already exists."]}]


def test_a_related_frame_is_made_and_filled_in(client: FlaskClient, as_operator: Headers) -> None:
    record = post(client, as_operator, build_body(b"pixels", related_frame_filenames=["bias"]))
    (bias_id,) = record["related_frames"]
    empty = client.get(f"/frames/{bias_id}/", headers=as_operator).json
    assert (empty["basename"], empty["observation_date"], empty["version_set"]) == ("bias", None, [])
    filled = post(client, as_operator, build_body(b"bias", basename="bias"))
    assert (filled["id"], filled["related_frames"]) == (bias_id, [record["id"]])


def test_a_new_version(client: FlaskClient, as_operator: Headers) -> None:
    first = post(client, as_operator, build_body(b"first"))
    newest = build_version(b"second", ".fits")
    second = post(client, as_operator, build_body(target_name="M 43", version_set=[newest]))
    assert (second["id"], second["target_name"], second["filename"]) == (first["id"], "M 43", f"{NAME}.fits")
    assert [version["md5"] for version in second["version_set"]] == [
        build_version(content)["md5"] for content in (b"second", b"first")
    ]
    assert second["url"] == second["version_set"][0]["url"]
    assert (second["created"], second["modified"] > first["modified"]) == (first["created"], True)


def test_a_thumbnail_makes_its_frame(client: FlaskClient, as_operator: Headers) -> None:
    picture = {"frame_basename": NAME, "size": "small", "version_set": [build_version(b"picture", ".jpg")]}
    body = build_body(basename=f"{NAME}-small") | picture
    thumbnail = post(client, as_operator, body, "/thumbnails/")
    assert thumbnail.keys() >= {"id", "size", "url"}
    of_frame = {name: thumbnail[name] for name in ("frame_basename", "proposal_id", "observation_id", "request_id")}
    assert of_frame == {
        "frame_basename": NAME,
        "proposal_id": "OPEN2026A-001",
        "observation_id": 1000,
        "request_id": 2000,
    }
    frame = client.get(f"/frames/{thumbnail['frame_id']}/?include_thumbnails=true").json
    assert [shown["id"] for shown in frame["thumbnails"]] == [thumbnail["id"]]


@pytest.mark.parametrize("path", ["/frames/", "/thumbnails/"])
def test_only_an_admin_posts(client: FlaskClient, as_member: Headers, path: str) -> None:
    assert client.post(path, json=build_body()).status_code == 401
    assert client.post(path, json=build_body(), headers=as_member).status_code == 403
