"""The document is valid OpenAPI, has every route, parameter and field, and every answer is as it says."""

from collections.abc import Mapping
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from werkzeug.http import parse_options_header

from app.openapi.document import PLACEHOLDER, iter_routes
from app.openapi.operations import OPERATIONS, PAGES, REFUSALS
from app.params import name_fields
from tests.fixtures.application import MakeApp
from tests.fixtures.ingest import Headers, Work
from tests.frames_factory import add_frame, add_preview, square
from tests.openapi.observatory import REQUESTS, Observatory
from tests.stored_frames import add_stored_frame

SEARCHES = [endpoint for endpoint, operation in OPERATIONS.items() if operation.query]
Document = dict[str, Any]


@pytest.fixture
def document(client: FlaskClient) -> Document:
    return client.get("/openapi/").json


@pytest.fixture
def observatory(make_app: MakeApp, tmp_path: Path) -> Observatory:
    (tmp_path / "incoming").mkdir()
    return Observatory(make_app, tmp_path / "incoming")


def find_operation(app: Flask, document: Document, endpoint: str) -> Mapping[str, Any]:
    """Return what the document says of an endpoint."""
    ((rule, method),) = [route for route in iter_routes(app) if route[0].endpoint == endpoint]
    return document["paths"][PLACEHOLDER.sub(r"{\g<name>}", rule.rule)][method.lower()]


def check_answer(document: Document, operation: Mapping[str, Any], answer: Any) -> None:
    """Require that an answer has a status, a media type and fields that the document foresees."""
    assert str(answer.status_code) in operation["responses"], answer.get_data(as_text=True)
    content = operation["responses"][str(answer.status_code)].get("content")
    if content is None:
        return
    media_types = {parse_options_header(name)[0]: described for name, described in content.items()}
    assert answer.mimetype in media_types
    schema = media_types[answer.mimetype].get("schema")
    if schema is not None:
        Draft202012Validator({"components": document["components"], **schema}).validate(answer.json)


@pytest.mark.parametrize("path", ["/openapi/", "/openapi"])
def test_the_document_is_valid(client: FlaskClient, path: str) -> None:
    document = client.get(path).json
    assert document["openapi"] == "3.1.0"
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_every_route_is_described_or_a_page(app: Flask, document: Document) -> None:
    assert set(app.view_functions) == OPERATIONS.keys() | PAGES
    assert not OPERATIONS.keys() & PAGES
    assert sum(len(methods) for methods in document["paths"].values()) == len(OPERATIONS)


def test_every_operation_parameter_and_field_says_what_it_is(document: Document) -> None:
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    assert [operation["operationId"] for operation in operations if not operation["summary"]] == []
    parameters = [parameter for operation in operations for parameter in operation["parameters"]]
    assert [found["name"] for found in parameters if found["in"] == "query" and "description" not in found] == []
    schemas = document["components"]["schemas"].items()
    fields = {(schema, name): field for schema, told in schemas for name, field in told.get("properties", {}).items()}
    assert [place for place, field in fields.items() if "description" not in field] == []


def test_each_route_takes_the_parameters_of_the_document_and_no_others(
    app: Flask, client: FlaskClient, document: Document, as_operator: Headers
) -> None:
    everywhere = {name for endpoint in SEARCHES for name in name_fields(OPERATIONS[endpoint].query())}
    for endpoint in SEARCHES:
        parameters = find_operation(app, document, endpoint)["parameters"]
        named = {parameter["name"] for parameter in parameters if parameter["in"] == "query"}
        path = REQUESTS[endpoint].path.partition("?")[0]
        answer = client.get(path, query_string=dict.fromkeys(everywhere, ""), headers=as_operator)
        refused = {name for name, told in answer.json.items() if isinstance(told, list)}
        assert refused == everywhere - named


def test_each_answer_is_as_the_document_says(observatory: Observatory, work: Work) -> None:
    document = observatory.client.get("/openapi/").json
    observatory.fill(work)
    assert REQUESTS.keys() == OPERATIONS.keys()
    for endpoint, operation in OPERATIONS.items():
        if endpoint == "accounts_api.replace_token":
            continue  # the next ones need the token
        answer = observatory.ask(endpoint)
        assert answer.status_code == operation.status, f"{endpoint}: {answer.text}"
        check_answer(document, find_operation(observatory.app, document, endpoint), answer)


def test_each_error_is_as_the_document_says(
    app: Flask, client: FlaskClient, document: Document, as_member: Headers
) -> None:
    for endpoint, operation in OPERATIONS.items():
        request = REQUESTS[endpoint]
        links = {"download": "/downloads/wrong/frame.fits", "picture": "/pictures/wrong/frame-small.jpg"}
        path = request.path.format(**links).partition("?")[0]
        wrong = [(path, {}), (f"{path}?colour=blue", {}), (path, as_member)]
        wrong += [(path, {"Authorization": "Token wrong"})] if REFUSALS[operation.who] else []
        for address, headers in wrong:
            answer = client.open(address, method=request.method, json=request.json, headers=headers)
            check_answer(document, find_operation(app, document, endpoint), answer)
        if REFUSALS[operation.who]:
            assert answer.status_code == 401


def test_a_body_that_is_wrong_is_refused_as_the_document_says(
    app: Flask, client: FlaskClient, document: Document, as_operator: Headers
) -> None:
    for endpoint, operation in OPERATIONS.items():
        if operation.bodies:
            answer = client.post(REQUESTS[endpoint].path, json={"colour": "blue"}, headers=as_operator)
            assert answer.status_code == 400
            check_answer(document, find_operation(app, document, endpoint), answer)


def test_answers_to_clients_that_have_the_file_are_as_the_document_says(observatory: Observatory) -> None:
    document = observatory.client.get("/openapi/").json
    with observatory.app.app_context():
        add_stored_frame("frame", b"content")
        add_preview("frame")
    record = observatory.client.get("/frames/1/?include_thumbnails=true").json
    paths = {
        "downloads.download": record["url"],
        "downloads.show_thumbnail": record["thumbnails"][0]["url"],
        "frames_views.show_preview": "/frames/1/previews/small.jpg",
    }
    asked = [
        ({"Range": "bytes=0-3"}, 206),
        ({"Range": "bytes=99-"}, 416),
        ({"If-None-Match": "*"}, 304),
        ({"If-Match": '"another"'}, 412),
    ]
    for endpoint, path in paths.items():
        for headers, status in asked:
            answer = observatory.client.get(path, headers=headers)
            assert answer.status_code == status
            check_answer(document, find_operation(observatory.app, document, endpoint), answer)
    tagged = {"frames_views.show_frame": "/frames/1/", "frames_api.show_headers": "/frames/1/headers/"}
    for endpoint, path in tagged.items():
        for headers, status in asked[2:]:
            answer = observatory.client.get(path, headers=headers)
            assert answer.status_code == status
            check_answer(document, find_operation(observatory.app, document, endpoint), answer)


def test_answers_that_depend_on_the_request_are_as_the_document_says(observatory: Observatory) -> None:
    document, send = (
        observatory.client.get("/openapi/").json,
        partial(observatory.client.open, headers=observatory.headers),
    )
    file = observatory.incoming / "frame.fits"
    file.write_bytes(b"any")
    good, bad = {"filepath": str(file)}, {"filepath": "/nowhere"}
    with observatory.app.app_context():
        add_frame("frame", area=square(80, 5, 1))
    asked: list[tuple[str, str, dict[str, Any], int]] = [
        ("ingest_api.create_job", "/ingest/jobs", {"method": "POST", "json": {"jobs": [good, bad]}}, 202),
        ("ingest_api.create_job", "/ingest/jobs", {"method": "POST", "json": {"jobs": [bad, "none"]}}, 400),
        (
            "ingest_api.create_job",
            "/ingest/jobs",
            {"method": "POST", "data": {"file": (BytesIO(b"any"), file.name)}},
            202,
        ),
        ("frames_api.list_frames", "/frames/?pagination_style=cursor&limit=1", {}, 200),
        ("frames_views.show_frame", "/frames/1/?include_related_frames=false", {}, 200),
        ("frames_api.list_frames", "/frames/?radius=1&ra=x", {}, 400),
        ("frames_api.list_frames", "/frames/?request_id=x", {}, 400),
    ]
    for endpoint, path, body, status in asked:
        answer = send(path, **body)
        assert answer.status_code == status, answer.text
        check_answer(document, find_operation(observatory.app, document, endpoint), answer)
