"""Download links: they need no header, end, can't be altered, and give the file or a range of it."""

import datetime as dt
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from tests.fits_factory import write_fits
from tests.fixtures.application import MakeApp
from tests.fixtures.ingest import Headers, Work, make_headers, upload
from tests.frames_factory import add_preview
from tests.stored_frames import add_stored_frame

NAME = "coj1m011-kb05-20240219-0125-e91"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_fits(tmp_path / f"{NAME}.fits", L1PUBDAT="2100-01-01")


@pytest.fixture
def link(client: FlaskClient, as_operator: Headers, work: Work, file: Path) -> str:
    """A link that an operator got to a frame that nobody else may see."""
    return ingest_and_get_link(client, as_operator, work, file)


def ingest_and_get_link(client: FlaskClient, headers: Headers, work: Work, file: Path) -> str:
    upload(client, headers, file)
    work()
    return client.get("/frames/", headers=headers).json["results"][0]["url"]


def test_a_link_needs_no_header(client: FlaskClient, link: str, file: Path) -> None:
    answer = client.get(link)
    assert answer.data == file.read_bytes()
    assert answer.headers["Content-Disposition"] == f"attachment; filename={file.name}"
    assert answer.content_length == file.stat().st_size


def test_a_range_gives_just_that(client: FlaskClient, link: str, file: Path) -> None:
    answer = client.get(link, headers={"Range": "bytes=100-199"})
    assert (answer.status_code, answer.data) == (206, file.read_bytes()[100:200])
    assert client.get(link, headers={"Range": "bytes=999999-"}).status_code == 416


def test_a_link_ends(client: FlaskClient, link: str) -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=49)
    with patch("itsdangerous.timed.time.time", return_value=later.timestamp()):
        answer = client.get(link)
    assert (answer.status_code, answer.json["code"]) == (404, "link_expired")


def test_a_link_cannot_be_altered(client: FlaskClient, link: str) -> None:
    base, token, filename = link.rsplit("/", 2)
    payload, *rest = token.split(".")
    for altered in (".".join(["MQ" if payload != "MQ" else "Mg", *rest]), token[:-2] + "AA", "x", payload):
        assert client.get(f"{base}/{altered}/{filename}").status_code == 404, altered


@pytest.fixture
def links(app: Flask, client: FlaskClient, as_member: Headers) -> dict[str, str]:
    """The links of a member to a hidden frame's file and to its picture."""
    with app.app_context():
        add_stored_frame("secret", b"secret", proposal_id="SECRET2026A-001", public_date="2100-01-01")
        add_preview("secret")
    (record,) = client.get("/frames/?include_thumbnails=true", headers=as_member).json["results"]
    return {"downloads": record["url"], "pictures": record["thumbnails"][0]["url"]}


def test_a_picture_s_link_shows_it_to_whoever_has_it(client: FlaskClient, links: dict[str, str]) -> None:
    answer = client.get(links["pictures"])
    assert (answer.data, answer.mimetype) == (b"\xff\xd8", "image/jpeg")
    assert answer.headers["Content-Disposition"] == "inline; filename=secret-small.jpg"
    assert answer.headers["Cache-Control"] == "max-age=3600, private"
    with patch("itsdangerous.timed.time.time", return_value=time.time() + 49 * 3600):
        assert client.get(links["pictures"]).json["code"] == "link_expired"


def test_a_link_to_a_picture_is_none_to_a_file(client: FlaskClient, links: dict[str, str]) -> None:
    for kind, other in (("downloads", "pictures"), ("pictures", "downloads")):
        answer = client.get(links[kind].replace(f"/{kind}/", f"/{other}/"))
        assert (answer.status_code, answer.json["code"]) == (404, "link_invalid")
    base, token, filename = links["pictures"].rsplit("/", 2)
    for altered in (f"A{token[1:]}", f"{token[:-2]}AA", token.split(".")[0]):
        assert client.get(f"{base}/{altered}/{filename}").status_code == 404


def test_a_lost_file_is_said_to_be_lost(app: Flask, client: FlaskClient, link: str, tmp_path: Path) -> None:
    for stored in (tmp_path / "files").rglob("*.fits"):
        if stored.is_file():
            stored.unlink()
    for stored in (tmp_path / "files" / ".versions").rglob("*"):
        if stored.is_file():
            stored.unlink()
    answer = client.get(link)
    assert (answer.status_code, answer.json["code"]) == (404, "file_missing")


def test_from_s3_the_link_leads_to_a_presigned_url(make_app: MakeApp, live_s3: dict[str, str], file: Path) -> None:
    from ingest_worker.cli import worker

    app = make_app(**live_s3)
    client, headers = app.test_client(), make_headers(app, "tcs", is_admin=True)
    link = ingest_and_get_link(client, headers, lambda: app.test_cli_runner().invoke(worker, ["--burst"]), file)
    answer = client.get(link)
    assert answer.status_code == 302
    fetched = requests.get(answer.headers["Location"], timeout=10)
    assert fetched.content == file.read_bytes()
    assert file.name in fetched.headers["Content-Disposition"]
    ranged: Any = requests.get(answer.headers["Location"], headers={"Range": "bytes=0-9"}, timeout=10)
    assert (ranged.status_code, ranged.content) == (206, file.read_bytes()[:10])
