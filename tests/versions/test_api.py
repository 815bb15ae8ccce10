"""GET /versions/: whether the archive has a file already, exact counts, pages, and for whom."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.fixtures.ingest import Headers
from tests.frames_factory import add_frame, build_version


@pytest.fixture(autouse=True)
def frame_ids(app: Flask) -> list[int]:
    """Two frames, the first of two versions."""
    with app.app_context():
        return [add_frame("a-e91", contents=("first", "second")), add_frame("b-e91")]


def test_a_file_is_known_by_its_md5(client: FlaskClient, as_operator: Headers, frame_ids: list[int]) -> None:
    expected = build_version("a-e91", "second")
    answer = client.get(f"/versions/?md5={expected['md5']}", headers=as_operator).json
    assert (answer["count"], answer["next"], answer["previous"]) == (1, None, None)
    (version,) = answer["results"]
    del expected["store_path"]
    assert (expected | {"frame_id": frame_ids[0], "basename": "a-e91"}).items() <= version.items()
    (of_frame, _first) = client.get(f"/frames/{frame_ids[0]}/").json["version_set"]
    alone = client.get(f"/versions/{version['id']}/", headers=as_operator).json
    for name in ("id", "created", "key", "md5"):
        assert version[name] == of_frame[name] == alone[name]
    assert version["url"].endswith("/a-e91.fits.fz")


def test_what_is_not_there_counts_nothing(client: FlaskClient, as_operator: Headers) -> None:
    assert client.get(f"/versions/?md5={'0' * 32}", headers=as_operator).json["count"] == 0
    assert client.get("/versions/999/", headers=as_operator).status_code == 404


def test_pages_make_up_the_whole_list(client: FlaskClient, as_operator: Headers) -> None:
    page = client.get("/versions?limit=2", headers=as_operator).json
    last = client.get(page["next"], headers=as_operator).json
    assert [page["count"], len(page["results"]), len(last["results"]), last["next"]] == [3, 2, 1, None]
    ids = [version["id"] for version in page["results"] + last["results"]]
    assert ids == sorted(ids, reverse=True)
    assert client.get(last["previous"], headers=as_operator).json["results"] == page["results"]


def test_only_operators_ask(client: FlaskClient, as_member: Headers, as_operator: Headers) -> None:
    for path in ("/versions/", "/versions", "/versions/1/", "/versions/1"):
        statuses = [client.get(path, headers=headers).status_code for headers in ({}, as_member, as_operator)]
        assert statuses == [401, 403, 200], path


def test_a_bad_parameter_is_named(client: FlaskClient, as_operator: Headers) -> None:
    for query in ("limit=0", "offset=-1", "md5=a%00", "key=x"):
        answer = client.get(f"/versions/?{query}", headers=as_operator)
        assert answer.status_code == 400, query
        assert query.partition("=")[0] in answer.json
