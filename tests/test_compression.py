"""Answers are compressed for who takes that, but no files, and nothing that another site asks for with a cookie."""

import gzip

import pytest
from backports import zstd
from flask import Flask
from flask.testing import FlaskClient

from tests.frames_factory import add_frame
from tests.html_page import BROWSER
from tests.stored_frames import add_stored_frame

SITES = ("same-origin", "none", "same-site", "cross-site")  # who asks, as browsers say
DECOMPRESS = {"zstd": zstd.decompress, "gzip": gzip.decompress}


@pytest.fixture
def frame_id(app: Flask) -> int:
    with app.app_context():
        return add_frame("a-frame")


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [("gzip", "gzip"), ("gzip, deflate, br, zstd", "zstd"), ("zstd;q=0, gzip;q=0.5", "gzip")],
)
@pytest.mark.parametrize("path", ["/frames/", "/frames/1/", "/", "/static/archive.css", "/static/archive.js"])
def test_text_is_compressed(app: Flask, frame_id: int, path: str, accepted: str, encoding: str) -> None:
    client = app.test_client(use_cookies=False)
    plain = client.get(path, headers=BROWSER if path == "/" else {})
    small = client.get(path, headers={"Accept-Encoding": accepted} | (BROWSER if path == "/" else {}))
    assert small.headers["Content-Encoding"] == encoding
    assert "Accept-Encoding" in plain.vary
    assert "Accept-Encoding" in small.vary
    assert small.content_length == len(small.data) < len(plain.data)
    if "frames" not in path and path != "/":  # links and pages carry the time
        assert DECOMPRESS[encoding](small.data) == plain.data
    assert client.head(path, headers={"Accept-Encoding": accepted}).headers["Content-Encoding"] == encoding


@pytest.mark.parametrize("accepted", ["", "identity", "br", "gzip;q=0"])
def test_who_takes_none_gets_none(client: FlaskClient, frame_id: int, accepted: str) -> None:
    assert "Content-Encoding" not in client.get("/frames/", headers={"Accept-Encoding": accepted}).headers


@pytest.mark.parametrize(
    ("site", "is_compressed"),
    [({}, False), *(({"Sec-Fetch-Site": site}, site in {"same-origin", "none"}) for site in SITES)],
)
def test_what_another_site_asks_for_with_a_cookie_is_not_compressed(
    client: FlaskClient, frame_id: int, site: dict[str, str], is_compressed: bool
) -> None:
    client.set_cookie("anything", "at all")
    for path, is_static in (("/", False), ("/frames/1/", False), ("/static/archive.css", True)):
        headers = client.get(path, headers={"Accept-Encoding": "gzip", **site}).headers
        assert ("Content-Encoding" in headers) == (is_static or is_compressed)


def test_files_are_not_compressed(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        frame_id = add_stored_frame("stored", b"pixels" * 1000)
    takes_gzip = {"Accept-Encoding": "gzip"}
    file = client.get(client.get(f"/frames/{frame_id}/").json["url"], headers=takes_gzip)
    zipped = client.post("/frames/zip/", json={"frame_ids": [frame_id]}, headers=takes_gzip)
    assert "Content-Encoding" not in {**file.headers, **zipped.headers}
    assert file.data == b"pixels" * 1000


def test_small_answers_and_parts_are_left(client: FlaskClient, frame_id: int) -> None:
    assert "Content-Encoding" not in client.get("/health/", headers={"Accept-Encoding": "gzip"}).headers
    part = client.get("/static/archive.css", headers={"Accept-Encoding": "gzip", "Range": "bytes=0-4999"})
    assert (part.status_code, len(part.data)) == (206, 5000)
    assert "Content-Encoding" not in part.headers


def test_a_compressed_answer_is_known_again(client: FlaskClient, frame_id: int) -> None:
    for path in (f"/frames/{frame_id}/", "/static/archive.css"):
        tag = client.get(path, headers={"Accept-Encoding": "gzip"}).headers["ETag"]
        assert tag.startswith("W/")
        for encoding in ("gzip", "zstd", "identity"):
            again = client.get(path, headers={"Accept-Encoding": encoding, "If-None-Match": tag})
            assert (again.status_code, again.data) == (304, b"")
            assert "Content-Encoding" not in again.headers
