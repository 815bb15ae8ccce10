"""POST /frames/: what OCS clients send after they have stored a file, what comes of it, and what is refused."""

import threading
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.frames import actions, queries
from ocs_archive.storage.filestore import FileStoreConnectionError
from tests.fixtures.application import MakeApp
from tests.fixtures.ingest import Headers, log_in, make_headers
from tests.frames_factory import square
from tests.posted_frames import NIGHT_PATH, build_post, build_version, put_into_store

NAME = "cpt1m010-fa01-20261101-0073-e00"
RAW_PATH = f"{NIGHT_PATH}/raw/{NAME}.fits.fz"
#: Where files lie, and what their records say.
PLACES: list[tuple[str, str, dict[str, Any]]] = [
    (f"{NIGHT_PATH}/raw/{NAME}.fits.fz", NAME, {}),
    (f"{NIGHT_PATH}/processed/{NAME}.fits.fz", NAME, {"reduction_level": 91}),
    ("cpt/fa01/2026-10-31/raw/x.fits.fz", "x", {"headers": {"DAY-OBS": "2026-10-31"}}),
    ("lsc/fa01/20261031/raw/x.fits.fz", "x", {"site_id": "lsc", "observation_day": "20261031"}),
    ("cpt/fa01/bpm/bpm-cpt.fits.fz", "bpm-cpt", {}),
    ("cpt/fa01/bpm/x.fits.fz", "x", {"headers": {"EXTNAME": "BPM"}}),
]
#: Changes that spoil a POST, and the field whose fault it is.
SPOILING: list[tuple[dict[str, Any], str]] = [
    ({"basename": None}, "basename"),
    ({"basename": ""}, "basename"),
    ({"basename": "n" * 256}, "basename"),
    ({"basename": "../../etc"}, "basename"),
    ({"basename": "a.b"}, "basename"),
    ({"observation_day": "2026-13-01"}, "observation_day"),
    ({"observation_date": "yesterday"}, "observation_date"),
    ({"public_date": 7}, "public_date"),
    ({"reduction_level": "raw"}, "reduction_level"),
    ({"exposure_time": "long"}, "exposure_time"),
    ({"observation_id": 2**70}, "observation_id"),
    ({"request_id": "x"}, "request_id"),
    ({"site_id": "a\nb"}, "site_id"),
    ({"site_id": ""}, "version_set"),
    ({"site_id": "../x"}, "version_set"),
    ({"target_name": ["M 42"]}, "target_name"),
    ({"area": "everywhere"}, "area"),
    ({"area": {"type": "Point", "coordinates": [1, 2]}}, "area"),
    ({"area": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 95], [0, 0]]]}}, "area"),
    ({"area": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]}}, "area"),
    ({"headers": ["OBJECT"]}, "headers"),
    ({"related_frame_filenames": "bias"}, "related_frame_filenames"),
    ({"version_set": {}}, "version_set"),
    ({"version_set": [build_version(b"pixels")] * 2}, "version_set"),
    ({"version_set": [build_version(b"pixels", ".exe")]}, "version_set"),
]


def post(client: FlaskClient, headers: Headers, body: Any) -> TestResponse:
    return client.post("/frames/", json=body, headers=headers)


def test_a_posted_frame_is_archived_whole(client: FlaskClient, as_operator: Headers) -> None:
    put_into_store(f"cpt/fa01/20261031/raw/{NAME}.fits.fz", b"pixels")
    body = build_post(NAME, b"pixels", area=square(83, -5, 1), observation_day="20261031", frame_basename=None, size="")
    answer = post(client, as_operator, body)
    assert answer.status_code == 201, answer.text
    record = answer.json
    shown = client.get(f"/frames/{record['id']}/").json
    assert [name for name in shown if shown[name] != record[name]] in ([], ["version_set", "url"])  # signed anew
    assert (record["basename"], record["filename"]) == (NAME, f"{NAME}.fits.fz")
    assert (record["observation_day"], record["observation_date"]) == ("2026-10-31", "2026-11-01T03:00:00Z")
    assert record["area"] == square(83, -5, 1)
    (version,) = record["version_set"]
    assert build_version(b"pixels").items() <= version.items()
    assert version["size"] == len(b"pixels")
    assert client.get(f"/frames/{record['id']}/headers/").json["data"] == body["headers"]
    assert client.get("/frames/").json["count"] == 1


@pytest.mark.parametrize("path", ["/frames/", "/frames"])
def test_only_operators_post_with_a_token(app: Flask, client: FlaskClient, as_member: Headers, path: str) -> None:
    make_headers(app, "operator", is_admin=True)
    log_in(client, "operator")  # a browser sends its session by itself
    assert client.post(path, json=build_post(NAME)).status_code == 401
    assert client.post(path, json=build_post(NAME), headers=as_member).status_code == 403


def test_a_file_is_found_where_its_sender_put_it(client: FlaskClient, as_operator: Headers) -> None:
    for path, name, fields in PLACES:
        content = path.encode()
        put_into_store(path, content)
        record = post(client, as_operator, build_post(name, content, **fields)).json
        assert client.get(record["url"]).data == content, path


def test_a_new_version_updates_the_frame_and_leaves_the_old_one(client: FlaskClient, as_operator: Headers) -> None:
    put_into_store(RAW_PATH, b"first")
    first = post(client, as_operator, build_post(NAME, b"first")).json
    put_into_store(RAW_PATH, b"second")
    second = post(client, as_operator, build_post(NAME, b"second", target_name="M 43", proposal_id="")).json
    assert (second["id"], second["target_name"], second["proposal_id"]) == (first["id"], "M 43", "")
    assert [client.get(version["url"]).data for version in second["version_set"]] == [b"second", b"first"]
    assert client.get(second["url"]).data == b"second"
    assert client.get(first["url"]).data == b"first"  # though the client wrote over it


def test_related_frames_are_made_and_filled_in_later(client: FlaskClient, as_operator: Headers) -> None:
    names = ["bias", "", None, NAME]
    record = post(client, as_operator, build_post(NAME, b"pixels", related_frame_filenames=names)).json
    (bias_id,) = record["related_frames"]
    assert client.get("/frames/").json["count"] == 1
    bias = post(client, as_operator, build_post("bias", b"bias")).json
    assert (bias["id"], bias["related_frames"]) == (bias_id, [record["id"]])


def test_a_file_that_the_store_does_not_have_yet_keeps_no_frame_out(
    app: Flask, client: FlaskClient, as_operator: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: str) -> int:
        raise FileStoreConnectionError("The store is away.")

    monkeypatch.setattr(app.extensions["file_store"], "get_file_size", refuse)
    answer = post(client, as_operator, build_post(NAME, b"pixels"))
    assert (answer.status_code, answer.json["version_set"][0]["size"]) == (201, None)


def test_a_known_md5_is_refused_in_the_words_of_the_contract(client: FlaskClient, as_operator: Headers) -> None:
    post(client, as_operator, build_post(NAME, b"pixels"))
    answer = post(client, as_operator, build_post("other", b"pixels"))
    assert answer.status_code == 400
    assert answer.json["version_set"] == [{"md5": ["version with this md5 already exists."]}]
    assert (answer.json["code"], answer.json["detail"]) == ("version_exists", "version with this md5 already exists.")


def test_of_two_posts_at_once_one_is_taken(app: Flask, as_operator: Headers, monkeypatch: pytest.MonkeyPatch) -> None:
    both_have_looked, own = threading.Barrier(2, timeout=30), threading.local()

    def look(md5: str) -> Any:
        found = queries.find_version_by_md5(md5)
        if not hasattr(own, "has_looked"):  # before the rows are written
            own.has_looked = True
            both_have_looked.wait()
        return found

    statuses = []

    def run() -> None:
        statuses.append(post(app.test_client(), as_operator, build_post(NAME, b"pixels")).status_code)

    monkeypatch.setattr(actions, "find_version_by_md5", look)
    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201, 400]
    assert app.test_client().get("/frames/").json["count"] == 1


def test_what_cannot_be_archived_is_refused_by_name(client: FlaskClient, as_operator: Headers) -> None:
    for fields, named in SPOILING:
        answer = post(client, as_operator, build_post(NAME, b"pixels") | fields)
        assert answer.status_code == 400, fields
        assert isinstance(answer.json[named], list | dict), fields
        assert answer.json["code"], fields
        assert answer.json["detail"].startswith(f"{named}: "), fields
    assert client.get("/frames/", headers=as_operator).json["count"] == 0


def test_messages_stand_where_ocs_programs_look_for_them(client: FlaskClient, as_operator: Headers) -> None:
    versions = [build_version(b"pixels"), {"key": "k", "md5": "of what?", "extension": ".fits"}]
    answer = post(client, as_operator, {"version_set": versions})
    assert "required" in answer.json["basename"][0]
    assert answer.json["version_set"] == [{}, {"md5": ["Must be an MD5."]}]


def test_a_footprint_that_can_not_be_searched_keeps_no_frame_out(client: FlaskClient, as_operator: Headers) -> None:
    bow_tie = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
    answer = post(client, as_operator, build_post(NAME, b"pixels", area=bow_tie))
    assert (answer.status_code, answer.json["area"]) == (201, None)


def test_a_header_is_kept_as_one_that_was_read_is(client: FlaskClient, as_operator: Headers) -> None:
    text = '{"basename": "odd", "headers": {"BIG": 1e999, "LONG": 123456789012345678901, "NUL": "a\\u0000b", "U": "é"}}'
    answer = client.post("/frames/", data=text, content_type="application/json", headers=as_operator)
    header = client.get(f"/frames/{answer.json['id']}/headers/", headers=as_operator).json["data"]
    assert header == {"BIG": None, "LONG": "123456789012345678901", "NUL": "ab", "U": "é"}
    deep: dict[str, Any] = {}
    for _ in range(300):
        deep = {"a": deep}
    assert "headers" in post(client, as_operator, {"basename": "odd", "headers": deep}).json


def test_a_header_of_ten_megabytes_is_taken(client: FlaskClient, as_operator: Headers) -> None:
    headers = {f"KEY{number}": "v" * 1000 for number in range(10_000)}
    assert post(client, as_operator, build_post(NAME, b"pixels", headers=headers)).status_code == 201


def test_a_body_that_is_too_large_is_said_to_be(
    client: FlaskClient, as_operator: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.frames.api.LARGEST_RECORD_BYTES", 2**20)
    answer = post(client, as_operator, build_post(NAME, headers={"COMMENT": "v" * 2**20}))
    assert (answer.status_code, answer.json["code"]) == (413, "too_large")
    assert "at most 1 MiB" in answer.json["detail"]


def test_a_store_that_keeps_nothing_has_no_sizes(make_app: MakeApp) -> None:
    app = make_app(FILESTORE_TYPE="dummy")
    answer = post(app.test_client(), make_headers(app, "tcs", is_admin=True), build_post(NAME, b"pixels"))
    assert (answer.status_code, answer.json["version_set"][0]["size"]) == (201, None)
