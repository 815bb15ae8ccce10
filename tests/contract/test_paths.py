"""Every path of the contract answers at once, with and without its trailing slash: a redirect would lose a POST."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.contract.stock import BIAS, NOBODY, OPERATOR, SCIENCE, SECRET, Archive
from tests.fixtures.ingest import Headers
from tests.posted_frames import build_post, build_version

NO_CREDENTIALS = {"username": "x", "password": "x"}
THUMBNAIL = {"frame_basename": "x", "size": "small", "version_set": [build_version(b"picture", ".jpg")]}
#: Method, path, who asks, what answers, and what is sent.
PATHS: list[tuple[str, str, str, int, dict[str, Any]]] = [
    ("GET", "/frames/", NOBODY, 200, {}),
    ("GET", "/frames/<id>/", NOBODY, 200, {}),
    ("GET", "/frames/<id>/headers/", NOBODY, 200, {}),
    ("GET", "/frames/<id>/related/", NOBODY, 200, {}),
    ("GET", "/frames/aggregate/", NOBODY, 200, {}),
    ("POST", "/frames/zip/", NOBODY, 404, {"json": {"frame_ids": [10**6]}}),
    ("GET", "/frame-funpack/<id>/funpack/", NOBODY, 404, {}),
    ("GET", "/frame-catalog/<id>/catalog/", NOBODY, 404, {}),
    ("GET", "/versions/", OPERATOR, 200, {}),
    ("GET", "/versions/<id>/", OPERATOR, 200, {}),
    ("GET", "/thumbnails/", NOBODY, 200, {}),
    ("GET", "/thumbnails/<id>/", NOBODY, 200, {}),
    ("GET", "/profile/", NOBODY, 200, {}),
    ("POST", "/api-token-auth/", NOBODY, 400, {"json": NO_CREDENTIALS}),
    ("POST", "/revoke_token/", NOBODY, 401, {}),
    ("GET", "/health/", NOBODY, 200, {}),
    ("GET", "/openapi/", NOBODY, 200, {}),
    ("GET", "/redoc/", NOBODY, 200, {}),
]
#: To where none of the contract's programs goes.
OURS = re.compile(
    "/|/account.*|/cart.*|/downloads/.*|/embargoes|/export.*|/frames/<id>/(calibrations|previews/.*|quicklook)|/help"
    "|/ingest.*|/links/|/log(in|out).*|/metrics|/nights.*|/pictures/.*|/preferences|/proposals.*|/ready|/searches.*"
    "|/alerts/.*|/static/.*|/targets.*"
)
slashes = pytest.mark.parametrize("ending", ["/", ""], ids=["with slash", "without"])


@slashes
@pytest.mark.parametrize(("method", "path", "viewer", "status", "sent"), PATHS, ids=lambda part: str(part)[:40])
def test_path(
    archive: Archive, method: str, path: str, viewer: str, status: int, sent: dict[str, Any], ending: str
) -> None:
    # A hidden frame's answer tells that the path is there; the files themselves are in `test_downloads`.
    frame_id = archive.ids[SECRET if status == 404 else SCIENCE]
    address = path.replace("<id>", str(1 if "thumbnails" in path else frame_id)).rstrip("/") + ending
    answer = archive.client.open(address, method=method, headers=archive.headers[viewer], **sent)
    assert answer.status_code == status, answer.text
    assert answer.mimetype == ("text/html" if path == "/redoc/" else "application/json")
    assert status != 404 or answer.json["code"] == "frame_not_found"


def test_health(archive: Archive) -> None:
    assert archive.get("/health/").json == "ok"


@slashes
def test_a_post_is_taken(client: FlaskClient, as_operator: Headers, ending: str) -> None:
    for path, body in (("/frames", build_post("x", b"pixels")), ("/thumbnails", build_post("x") | THUMBNAIL)):
        answer = client.post(path + ending, json=body, headers=as_operator)
        assert answer.status_code == 201, answer.text


def test_no_path_is_without_a_case(app: Flask) -> None:
    routes = {
        (method, re.sub("<int:[a-z_]*>", "<id>", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in rule.methods & {"GET", "POST"}
    }
    tried = {(method, path) for method, path, *_ in PATHS} | {("POST", "/frames/"), ("POST", "/thumbnails/")}
    assert {route for route in routes if not OURS.fullmatch(route[1])} == tried


def test_what_is_not_there(archive: Archive) -> None:
    for path in ("/frames/999999/", "/frames/x/", "/thumbnails/999999/", "/versions/999999/", "/nothing/"):
        answer = archive.get(path, OPERATOR)
        assert (answer.status_code, answer.mimetype) == (404, "application/json"), path
    assert archive.get(f"/frames/{archive.ids[BIAS]}/").status_code == 200
