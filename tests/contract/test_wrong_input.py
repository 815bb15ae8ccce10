"""Wrong input for every parameter of every address that takes some: 400, and the answer names it and says why.

The parameters come from the table of which the OpenAPI document is made: a new one without a wrong value here fails.
"""

from typing import Any

import marshmallow as ma
import pytest

from app.frames.schemas import PostedVersionSchema
from app.openapi.operations import FORM, JSON, OPERATIONS
from app.params import name_fields
from app.thumbnails.schemas import PictureFileSchema
from tests.contract.stock import OPERATOR, Archive

TEXT, NUMBER = "a\0b", "many"
NO_TEXT = {"no": "text"}
BOOLEANS = [
    "empty_target_name",
    "exclude_calibrations",
    "public",
    "force_count",
    "include_related_frames",
    "include_thumbnails",
    "uncompress",
    "catalog_only",
]
NUMBERS = [
    "limit",
    "offset",
    "ra",
    "dec",
    "radius",
    "exposure_time",
    "EXPTIME",
    "reduction_level",
    "RLEVEL",
    "observation_id",
    "BLKUID",
    "request_id",
    "REQNUM",
    "frame_id",
]
TIMES = ("start", "end", "DATE_OBS", "dayobs", "DAY_OBS")
TEXTS = [
    "target_name",
    "OBJECT",
    "target_name_exact",
    "basename",
    "basename_exact",
    "site_id",
    "SITEID",
    "telescope_id",
    "TELID",
    "instrument_id",
    "INSTRUME",
    "primary_optical_element",
    "FILTER",
    "configuration_type",
    "OBSTYPE",
    "proposal_id",
    "PROPID",
    "exclude_configuration_type",
    "exclude_OBSTYPE",
    "include_configuration_type",
    "submitter",
    "frame_basename",
    "md5",
    "error_class",
    "error_code",
    "filename",
]
#: A wrong value for each parameter of a query.
WRONG_IN_QUERY: dict[str, str] = {
    **dict.fromkeys(BOOLEANS, "perhaps"),
    **dict.fromkeys(NUMBERS, NUMBER),
    **dict.fromkeys(TIMES, "yesterday"),
    **dict.fromkeys(TEXTS, TEXT),
    "position": "no such place",
    "covers": "POINT(0)",
    "intersects": "POLYGON((0 0, 1 0, 1 1))",
    "ordering": "key",
    "availability": "secret",
    "pagination_style": "pages",
    "cursor": "first",
    "format": "xml",
    "size": "huge",
    "state": "lost",
    "preview_state": "lost",
}
#: A wrong value for each field of a body of JSON.
WRONG_IN_BODY: dict[str, Any] = {
    **dict.fromkeys(BOOLEANS, "perhaps"),
    **dict.fromkeys(NUMBERS, NUMBER),
    **dict.fromkeys(("observation_date", "observation_day", "public_date"), "yesterday"),
    **dict.fromkeys(TEXTS, NO_TEXT),
    **dict.fromkeys(("username", "password", "auth_token", "filepath"), 7),
    **dict.fromkeys(("headers", "file_metadata", "area"), "none of these"),
    **dict.fromkeys(("version_set", "related_frame_filenames", "jobs"), 7),
    "frame_ids": NUMBER,
    "targets": [7],
    **dict.fromkeys(TIMES, "yesterday"),
    "availability": "secret",
    "size": "huge",
}
WRONG_IN_VERSION: dict[str, Any] = {"key": 7, "md5": "short", "extension": 7, "size": -1}


def list_bodies(media_type: str) -> list[tuple[str, type[ma.Schema]]]:
    """Return the schemas of all bodies of a kind, each with its endpoint."""
    return [
        (endpoint, schema)
        for endpoint, operation in OPERATIONS.items()
        for schema in operation.bodies.get(media_type, ())
        if isinstance(schema, type)
    ]


QUERIES = [(endpoint, operation.query) for endpoint, operation in OPERATIONS.items() if operation.query]
VERSIONS = {"frames_api.post_frame": PostedVersionSchema, "thumbnails_api.post_thumbnail": PictureFileSchema}
REQUIRED = [
    (endpoint, name)
    for endpoint, schema in list_bodies(JSON)
    for name, field in name_fields(schema()).items()
    if field.required and name != "jobs"  # without it, the body is one job
]


def ask(archive: Archive, endpoint: str, **sent: Any) -> Any:
    """Ask an address by its endpoint's name, as somebody who may; a frame of the archive is in it where one must be."""
    (rule,) = (rule for rule in archive.app.url_map.iter_rules() if rule.endpoint == endpoint)
    path = rule.rule.replace("<int:frame_id>", "1")
    return archive.client.open(
        path, method="POST" if "POST" in rule.methods else "GET", headers=archive.headers[OPERATOR], **sent
    )


def check(answer: Any, *place: str | int) -> None:
    """Hold that an answer refuses what stands at a place, and says why."""
    assert answer.status_code == 400, (place, answer.text)
    told, detail = answer.json, answer.json["detail"]
    for part in place:
        told = told[part]
    messages = told if isinstance(told, list) else list(told.values())  # those on the parts of a list
    assert messages, place
    assert "no such parameter" not in str(messages), place
    assert str(place[0]) in detail


@pytest.mark.parametrize(("endpoint", "schema"), QUERIES)
def test_query(archive: Archive, endpoint: str, schema: type[ma.Schema]) -> None:
    for name in name_fields(schema()):
        check(ask(archive, endpoint, query_string={name: WRONG_IN_QUERY[name]}), name)


@pytest.mark.parametrize(("endpoint", "schema"), list_bodies(JSON))
def test_body(archive: Archive, endpoint: str, schema: type[ma.Schema]) -> None:
    for name in name_fields(schema()):
        check(ask(archive, endpoint, json={name: WRONG_IN_BODY[name]}), name)


@pytest.mark.parametrize(("endpoint", "schema"), list_bodies(FORM))
def test_form(archive: Archive, endpoint: str, schema: type[ma.Schema]) -> None:
    for name, field in name_fields(schema()).items():
        if not isinstance(field, ma.fields.String):  # in a form anything is a text
            check(ask(archive, endpoint, data={name: WRONG_IN_QUERY.get(name, WRONG_IN_BODY[name])}), name)


@pytest.mark.parametrize(("endpoint", "schema"), VERSIONS.items())
def test_version_in_a_body(archive: Archive, endpoint: str, schema: type[ma.Schema]) -> None:
    for name, field in name_fields(schema()).items():
        if name != "md5" or field.required:  # a picture's may be any text, or none
            answer = ask(archive, endpoint, json={"version_set": [{name: WRONG_IN_VERSION[name]}]})
            check(answer, "version_set", 0, name)


@pytest.mark.parametrize(("endpoint", "name"), REQUIRED)
def test_a_required_field_is_asked_for(archive: Archive, endpoint: str, name: str) -> None:
    answer = ask(archive, endpoint, json={})
    check(answer, name)
    assert "required" in answer.json[name][0]


@pytest.mark.parametrize(("endpoint", "schema"), QUERIES)
def test_an_unknown_parameter(archive: Archive, endpoint: str, schema: type[ma.Schema]) -> None:
    answer = ask(archive, endpoint, query_string={"instrumnet": "fa01"})
    assert (answer.status_code, answer.json["code"]) == (400, "bad_parameter")
    assert "There is no such parameter" in answer.json["instrumnet"][0]


@pytest.mark.parametrize("endpoint", sorted({endpoint for endpoint, _ in list_bodies(JSON)}))
def test_what_is_no_json_object(archive: Archive, endpoint: str) -> None:
    for body in (b"{", b"[]", b"7", b"\xff"):
        answer = ask(archive, endpoint, data=body, content_type=JSON)
        assert (answer.status_code, answer.json["code"]) == (400, "bad_json"), body


def test_every_wrong_value_is_of_a_parameter() -> None:
    in_queries = {name for _, schema in QUERIES for name in name_fields(schema())}
    in_bodies = {name for _, schema in list_bodies(JSON) for name in name_fields(schema())}
    assert (WRONG_IN_QUERY.keys() | WRONG_IN_BODY.keys()) == in_queries | in_bodies
