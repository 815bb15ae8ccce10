"""Thumbnails over HTTP: posted before or after their frame, found by what the frame is, seen by who sees it."""

from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fixtures.ingest import Headers
from tests.frames_factory import A_FRAME, add_frame
from tests.posted_frames import NIGHT_PATH, build_post, build_version, put_into_store

NAME = "cpt1m010-fa01-20261101-0073-e91"
SECRET = {"proposal_id": "SECRET2026A-001", "public_date": "2100-01-01"}
#: Changes that spoil a POST, and the field whose fault it is.
SPOILING: list[tuple[dict[str, Any], str]] = [
    ({"frame_basename": ""}, "frame_basename"),
    ({"size": "huge"}, "size"),
    ({"size": None}, "size"),
    ({"version_set": []}, "version_set"),
    ({"version_set": [{"key": "k"}]}, "version_set"),
    ({"version_set": [build_version(b"x", ".jpg"), build_version(b"y", ".jpg")]}, "version_set"),
    ({"version_set": [build_version(b"x", ".jpg") | {"md5": "\x00"}]}, "version_set"),
    ({"version_set": [build_version(b"x", ".jpg") | {"md5": "\ud800"}]}, "version_set"),
    ({"instrument_id": ""}, "version_set"),
    ({"observation_date": "then"}, "observation_date"),
]
#: Searches, and the frames whose thumbnails they find.
SEARCHES: list[tuple[str, set[str]]] = [
    ("", {"one", "two"}),
    ("frame_basename=one", {"one"}),
    ("proposal_id=OTHER", {"two"}),
    ("observation_id=7", {"two"}),
    ("request_id=8", {"two"}),
    ("size=small", {"one"}),
    ("size=large", set()),
]


def build_thumbnail(size: str, content: bytes = b"\xff\xd8", basename: str = NAME, **fields: Any) -> dict[str, Any]:
    """Return the body of a POST: what a client knows of the frame, and the picture."""
    names = {"basename": f"{basename}-{size}", "frame_basename": basename, "size": size}
    return {**A_FRAME, **names, "version_set": [build_version(content, ".jpg")], **fields}


def post(client: FlaskClient, headers: Headers, body: dict[str, Any]) -> TestResponse:
    (version,) = body["version_set"]
    put_into_store(f"{NIGHT_PATH}/thumbnails/{body['frame_basename']}-{body['size']}.jpg", b"\xff\xd8")
    assert version["extension"] == ".jpg"
    return client.post("/thumbnails/", json=body, headers=headers)


def test_a_posted_thumbnail_is_the_frames(app: Flask, client: FlaskClient, as_operator: Headers) -> None:
    size = "medium"
    with app.app_context():
        frame_id = add_frame(NAME)
    answer = post(client, as_operator, build_thumbnail(size))
    assert answer.status_code == 201, answer.text
    thumbnail = answer.json
    shown = {name: thumbnail[name] for name in ("frame_id", "frame_basename", "size", "filename", "request_id")}
    assert shown == {
        "frame_id": frame_id,
        "frame_basename": NAME,
        "size": size,
        "filename": f"{NAME}-{size}.jpg",
        "request_id": 2000,
    }
    assert client.get(thumbnail.pop("url")).data == b"\xff\xd8"  # signed anew each time
    assert client.get(f"/thumbnails/{thumbnail['id']}/").json.items() >= thumbnail.items()
    (of_frame,) = client.get(f"/frames/{frame_id}/?include_thumbnails=true").json["thumbnails"]
    assert client.get(of_frame.pop("url")).status_code == 200
    assert of_frame.items() <= thumbnail.items()


def test_a_thumbnail_may_come_before_its_frame(client: FlaskClient, as_operator: Headers, as_member: Headers) -> None:
    early = post(client, as_operator, build_thumbnail("small", **SECRET)).json
    assert client.get(f"/frames/?basename={NAME}", headers=as_operator).json["count"] == 0
    assert client.get("/thumbnails/").json["count"] == 0
    (found,) = client.get("/thumbnails/?proposal_id=SECRET2026A-001", headers=as_member).json["results"]
    assert found["id"] == early["id"]
    assert client.get(early["url"]).status_code == 200
    frame = client.post("/frames/", json=build_post(NAME, b"pixels"), headers=as_operator).json
    assert (frame["id"], frame["proposal_id"]) == (early["frame_id"], "OPEN2026A-001")
    assert client.get("/thumbnails/").json["count"] == 1


def test_a_thumbnail_changes_nothing_of_a_frame_that_has_arrived(
    app: Flask, client: FlaskClient, as_operator: Headers
) -> None:
    with app.app_context():
        frame_id = add_frame(NAME)
    before = client.get(f"/frames/{frame_id}/").json
    post(client, as_operator, build_thumbnail("small", target_name="another", proposal_id=""))
    after = client.get(f"/frames/{frame_id}/").json
    assert {name for name in before if before[name] != after[name]} <= {"url", "version_set"}  # signed anew


def test_a_new_picture_of_a_size_takes_the_place_of_the_old_one(client: FlaskClient, as_operator: Headers) -> None:
    first, second = (
        post(client, as_operator, build_thumbnail("small", content)).json for content in (b"\xff\xd8", b"\xff\xd8 2")
    )
    assert first["id"] == second["id"]
    assert client.get("/thumbnails/").json["count"] == 1
    replaced = client.get(first["url"])
    assert (replaced.status_code, replaced.json["code"]) == (404, "thumbnail_gone")


def test_another_frames_files_are_no_pictures(client: FlaskClient, as_operator: Headers) -> None:
    assert client.post("/frames/", json=build_post(NAME, b"pixels", **SECRET), headers=as_operator).status_code == 201
    assert post(client, as_operator, build_thumbnail("small", **SECRET)).status_code == 201
    (of_frame,) = client.get(f"/frames/?basename={NAME}", headers=as_operator).json["results"]
    for basename, extension in ((f"{NAME}-small", ".jpg"), (NAME, of_frame["version_set"][0]["extension"])):
        body = build_thumbnail("small", basename="another") | {"basename": basename}
        body["version_set"][0]["extension"] = extension
        refused = client.post("/thumbnails/", json=body, headers=as_operator)
        assert (refused.status_code, "basename" in refused.json) == (400, True), basename
    assert client.get("/thumbnails/", headers=as_operator).json["count"] == 1


def test_a_picture_without_md5_is_not_cached_for_another(client: FlaskClient, as_operator: Headers) -> None:
    body = build_thumbnail("small")
    del body["basename"]  # the file's name follows from its frame's
    del body["version_set"][0]["md5"]
    answer = client.get(post(client, as_operator, body).json["url"])
    assert (answer.data, answer.headers.get("ETag")) == (b"\xff\xd8", None)


def test_thumbnails_are_found_by_their_frames(client: FlaskClient, as_operator: Headers) -> None:
    other = {"proposal_id": "OTHER", "observation_id": 7, "request_id": 8}
    post(client, as_operator, build_thumbnail("small", basename="one"))
    post(client, as_operator, build_thumbnail("medium", basename="two", **other))
    for query, found in SEARCHES:
        answer = client.get(f"/thumbnails/?{query}").json
        assert {thumbnail["frame_basename"] for thumbnail in answer["results"]} == found, query
        assert answer["count"] == len(found), query


def test_thumbnails_are_paged(client: FlaskClient, as_operator: Headers) -> None:
    for size in ("small", "medium", "large"):
        post(client, as_operator, build_thumbnail(size))
    page = client.get("/thumbnails?limit=2").json
    assert [thumbnail["size"] for thumbnail in page["results"]] == ["large", "medium"]
    assert [thumbnail["size"] for thumbnail in client.get(page["next"]).json["results"]] == ["small"]


def test_the_thumbnails_of_a_hidden_frame_are_hidden(
    client: FlaskClient, as_operator: Headers, as_member: Headers
) -> None:
    hidden = post(client, as_operator, build_thumbnail("small", **SECRET)).json
    other = post(client, as_operator, build_thumbnail("small", basename="x", **SECRET | {"proposal_id": "OTHER"})).json
    for path in (f"/thumbnails/{hidden['id']}", f"/thumbnails/{hidden['id']}/"):
        assert client.get(path).status_code == 404
        assert client.get(path, headers=as_member).status_code == 200
    assert client.get(f"/thumbnails/{other['id']}/", headers=as_member).status_code == 404
    counts = [client.get("/thumbnails/", headers=headers).json["count"] for headers in ({}, as_member, as_operator)]
    assert counts == [0, 1, 2]


def test_only_operators_post(client: FlaskClient, as_member: Headers) -> None:
    assert post(client, {}, build_thumbnail("small")).status_code == 401
    assert post(client, as_member, build_thumbnail("small")).status_code == 403


def test_a_thumbnail_that_can_not_be_kept_is_refused_by_name(client: FlaskClient, as_operator: Headers) -> None:
    for fields, named in SPOILING:
        answer = client.post("/thumbnails/", json=build_thumbnail("small") | fields, headers=as_operator)
        assert answer.status_code == 400, fields
        assert named in answer.json, fields
    assert client.get("/thumbnails/", headers=as_operator).json["count"] == 0


def test_a_bad_parameter_is_named(client: FlaskClient) -> None:
    for query in ("size=huge", "request_id=x", "basename=x"):
        answer = client.get(f"/thumbnails/?{query}")
        assert answer.status_code == 400, query
        assert isinstance(answer.json[query.partition("=")[0]], list)
