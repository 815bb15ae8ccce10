"""Zips, uncompressed files and catalogues: what comes, byte by byte, from both stores, and to whom."""

import hashlib
import io
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from astropy.io import fits
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.actions import create_user
from app.extensions import db, get_file_store
from app.frames.models import Version
from tests.fixtures.application import MakeApp
from tests.fixtures.ingest import Headers, log_in
from tests.stored_frames import add_stored_frame, build_mosaic

SECRET = {"public_date": "2100-01-01", "proposal_id": "SECRET2026A-001"}
Add = Callable[..., int]


@pytest.fixture
def app(request: pytest.FixtureRequest, make_app: MakeApp, database_url: str) -> Flask:
    """The application with SQLite and the local store, and with PostgreSQL and S3."""
    return make_app(**(request.getfixturevalue("live_s3") if database_url.startswith("postgresql") else {}))


@pytest.fixture
def add(app: Flask) -> Add:
    """A function that archives a frame with its file, and returns its id."""

    def add_frame(*args: Any, **fields: Any) -> int:
        with app.app_context():
            return add_stored_frame(*args, **fields)

    return add_frame


def post_zip(client: FlaskClient, ids: list[int], headers: Headers | None = None, **options: Any) -> Any:
    return client.post("/frames/zip/", json={"frame_ids": ids, **options}, headers=headers)


def open_zip(answer: Any) -> zipfile.ZipFile:
    """Open a zip that came whole, is sound, and has what its manifest says."""
    assert answer.status_code == 200, answer.text
    assert len(answer.data) == answer.content_length
    opened = zipfile.ZipFile(io.BytesIO(answer.data))
    assert opened.testzip() is None
    folder = answer.headers["Content-Disposition"].removeprefix("attachment; filename=").removesuffix(".zip")
    for name, size, md5, _frame_id in iter_manifest(opened):
        content = opened.read(f"{folder}/{name}")
        assert (len(content), hashlib.md5(content).hexdigest()) == (int(size), md5)
    return opened


def iter_manifest(opened: zipfile.ZipFile) -> Iterator[list[str]]:
    (name,) = (name for name in opened.namelist() if name.endswith("/MANIFEST.txt"))
    columns, *rows = opened.read(name).decode().splitlines()
    assert columns == "name\tsize\tmd5\tframe_id"
    return (row.split("\t") for row in rows)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_first_byte_of_a_zip_waits_for_no_store(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app(FILESTORE_TYPE="tests.slow_store.SlowStore")
    with app.app_context():
        ids = [add_stored_frame(f"frame-{number}", f"pixels {number}".encode()) for number in range(100)]
    slow, busy = tmp_path / "slow", tmp_path / "busy"
    slow.touch()
    with app.test_client().post("/frames/zip/", json={"frame_ids": ids}, buffered=False) as answer:
        blocks = iter(answer.response)
        assert next(blocks).startswith(b"PK")
        assert not busy.exists(), "the store was asked for a file"
        slow.unlink()
        assert sum(map(len, blocks)) > 100 * len(b"pixels 1")


def test_a_zip_has_the_files_and_a_manifest(client: FlaskClient, add: Add, tmp_path: Path) -> None:
    ids = [add("a", b"content of a" * 1000), add("b", b"b", ".fits.fz"), add("empty", b"")]
    answer = post_zip(client, [*ids, ids[0], 12345])
    opened = open_zip(answer)
    folder = opened.namelist()[0].partition("/")[0]
    assert folder.startswith("ocs-frames-20")
    assert folder.endswith("-3")
    names = ["a.fits", "b.fits.fz", "empty.fits"]
    assert opened.namelist() == [f"{folder}/{name}" for name in ("MANIFEST.txt", *names)]
    assert {info.compress_type for info in opened.infolist()} == {zipfile.ZIP_STORED}
    assert [(row[0], int(row[3])) for row in iter_manifest(opened)] == list(zip(names, ids, strict=True))
    assert answer.headers["Set-Cookie"] == "fileDownload=true; Path=/"
    (tmp_path / "all.zip").write_bytes(answer.data)
    subprocess.run(["unzip", "-tq", tmp_path / "all.zip"], check=True)


def test_forms_ask_for_zips(client: FlaskClient, add: Add) -> None:
    ids = [str(add("a", b"a")), str(add("b", b"b"))]
    forms = (
        {"frame_ids": ids, "uncompress": "false", "auth_token": ""},
        {"frame_ids[0]": ids[0], "frame_ids[1]": ids[1]},
        {"frame_ids[]": ids},
    )
    for form in forms:
        for content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
            answer = client.post("/frames/zip", data=form, content_type=content_type)
            assert len(list(iter_manifest(open_zip(answer)))) == 2, form


def test_only_who_may_see_a_frame_gets_it(app: Flask, client: FlaskClient, add: Add, as_member: Headers) -> None:
    hidden, public = add("hidden", build_mosaic(), ".fits.fz", **SECRET), add("public", b"public")
    assert [row[0] for row in iter_manifest(open_zip(post_zip(client, [hidden, public])))] == ["public.fits"]
    assert post_zip(client, [hidden]).status_code == 404
    for path in (f"/frame-funpack/{hidden}/funpack/", f"/frame-catalog/{hidden}/catalog"):
        assert client.get(path).status_code == 404
        assert client.get(path, headers=as_member).status_code == 200
    assert len(list(iter_manifest(open_zip(post_zip(client, [hidden, public], as_member))))) == 2


def test_a_token_in_the_body_says_who_asks(app: Flask, client: FlaskClient, add: Add, as_member: Headers) -> None:
    hidden = add("hidden", b"hidden", **SECRET)
    token = as_member["Authorization"].removeprefix("Token ")
    open_zip(post_zip(client, [hidden], auth_token=token))
    assert post_zip(client, [hidden], auth_token=None).status_code == 404
    unknown = post_zip(client, [hidden], auth_token="nobody's")
    assert (unknown.status_code, unknown.json["code"]) == (404, "bad_token")
    assert "nobody's" not in unknown.text


def test_a_session_says_who_asks(app: Flask, client: FlaskClient, add: Add) -> None:
    hidden = add("hidden", b"hidden", **SECRET)
    with app.app_context():
        create_user("pi", "pi", proposals=["SECRET2026A-001"])
        db.session.commit()
    log_in(client, "pi")
    open_zip(post_zip(client, [hidden]))


def test_a_large_request_is_taken_as_json_and_as_a_form(client: FlaskClient, add: Add) -> None:
    ids = [add("a", b"a"), *range(10**8, 10**8 + 9_999)]
    open_zip(post_zip(client, ids))
    open_zip(client.post("/frames/zip/", data={f"frame_ids[{place}]": str(value) for place, value in enumerate(ids)}))


def test_sizes_that_are_not_on_record_are_asked_of_the_store(app: Flask, client: FlaskClient, add: Add) -> None:
    frame_id = add("a", b"twelve bytes")
    with app.app_context():
        db.session.query(Version).update({"size": None})
        db.session.commit()
    open_zip(post_zip(client, [frame_id]))


def test_uncompressed_zips(client: FlaskClient, add: Add) -> None:
    ids = [add("a", build_mosaic(), ".fits.fz"), add("b", b"as it is"), add("c", b"no FITS", ".fits.fz")]
    opened = open_zip(post_zip(client, ids, uncompress=True))
    rows = list(iter_manifest(opened))
    assert [row[0] for row in rows] == ["a.fits", "b.fits", "c.fits.fz"]
    name = next(name for name in opened.namelist() if name.endswith("/a.fits"))
    with fits.open(io.BytesIO(opened.read(name))) as hdus:
        assert [type(hdu) for hdu in hdus] == [fits.PrimaryHDU, fits.ImageHDU, fits.BinTableHDU, fits.ImageHDU]
    many = [add(f"many{number}", b"%d" % number) for number in range(11)]
    refused = post_zip(client, many, uncompress=True)
    assert (refused.status_code, refused.json["uncompress"]) == (
        400,
        ["At most 10 frames can be uncompressed at a time, not 11."],
    )


def test_zips_of_catalogues(client: FlaskClient, add: Add) -> None:
    with_catalog = [add(f"a{number}", build_mosaic() + bytes(2880 * number), ".fits.fz") for number in range(12)]
    without = add("raw", b"no FITS")
    opened = open_zip(post_zip(client, [*with_catalog, without], catalog_only=True))
    assert opened.namelist()[0].endswith("-12/MANIFEST.txt")
    assert [name.rpartition("/")[2] for name in opened.namelist()[1:]] == [f"a{n}_cat.fits" for n in range(12)]
    with fits.open(io.BytesIO(opened.read(opened.namelist()[5]))) as hdus:
        assert hdus["CAT"].data["x"].tolist() == [1.5, 3.5]
    refused = post_zip(client, [without], catalog_only=True)
    assert (refused.status_code, refused.json["code"]) == (404, "catalog_not_found")


def test_funpack(client: FlaskClient, add: Add) -> None:
    answer = client.get(f"/frame-funpack/{add('a', build_mosaic(), '.fits.fz')}/funpack/")
    assert answer.headers["Content-Disposition"] == "attachment; filename=a.fits"
    assert (answer.mimetype, answer.content_length) == ("application/fits", len(answer.data))
    expected, found = fits.open(io.BytesIO(build_mosaic(packed=False))), fits.open(io.BytesIO(answer.data))
    difference = fits.FITSDiff(expected, found, ignore_comments=["EXTNAME"], rtol=1e-2)  # floats were quantized
    assert difference.identical, difference.report()


def test_funpack_gives_what_is_not_compressed_as_it_is(client: FlaskClient, add: Add) -> None:
    answer = client.get(f"/frame-funpack/{add('notes', b'text', '.pdf')}/funpack")
    assert (answer.data, answer.mimetype) == (b"text", "application/octet-stream")


def test_funpack_says_what_can_not_be_unpacked(client: FlaskClient, add: Add) -> None:
    answer = client.get(f"/frame-funpack/{add('broken', build_mosaic()[:9000], '.fits.fz')}/funpack/")
    assert (answer.status_code, answer.json["code"]) == (404, "file_undecodable")
    assert "broken.fits.fz can't be uncompressed" in answer.json["detail"]


def test_a_catalogue(client: FlaskClient, add: Add) -> None:
    answer = client.get(f"/frame-catalog/{add('a', build_mosaic(), '.fits.fz')}/catalog/")
    assert answer.headers["Content-Disposition"] == "attachment; filename=a_cat.fits"
    with fits.open(io.BytesIO(answer.data), checksum=True) as hdus:
        hdus.verify("exception")
        assert (hdus[0].header["OBJECT"], hdus[0].header["NAXIS"], "BZERO" in hdus[0].header) == ("M84", 0, False)
        assert hdus["CAT"].data["y"].tolist() == [2.5, 4.5]


def test_a_frame_without_a_catalogue_is_told(client: FlaskClient, add: Add) -> None:
    simple = io.BytesIO()
    fits.PrimaryHDU().writeto(simple)
    answer = client.get(f"/frame-catalog/{add('raw', simple.getvalue())}/catalog/")
    assert (answer.status_code, answer.json["code"]) == (404, "catalog_not_found")
    assert "raw.fits has no catalogue: it has no HDU SCI" in answer.json["detail"]


def test_a_lost_file_is_told(app: Flask, client: FlaskClient, add: Add) -> None:
    frame_id = add("lost", b"lost")
    with app.app_context():
        version = db.session.query(Version).one()
        get_file_store().delete_file(version.store_path, version.key)
        version.size = None  # as of a file that was not there when its record was posted
        db.session.commit()
    for answer in (client.get(f"/frame-funpack/{frame_id}/funpack/"), post_zip(client, [frame_id])):
        assert (answer.status_code, answer.json["code"]) == (404, "file_missing")
