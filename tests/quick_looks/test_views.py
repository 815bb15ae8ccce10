"""A frame's quick look over HTTP: to whom, how often it is made, and what is said where there is none."""

import io

from flask import Flask
from flask.testing import FlaskClient

from app.extensions import db, get_file_store
from app.frames.models import Version
from app.quick_looks import making
from ingest_worker.previews.quick_look import build_quick_look
from tests.fixtures.ingest import Headers
from tests.stored_frames import add_stored_frame, build_mosaic

SECRET = {"public_date": "2100-01-01", "proposal_id": "SECRET2026A-001"}


def test_it_is_made_once_and_only_for_who_may_see_the_frame(
    app: Flask, client: FlaskClient, as_member: Headers
) -> None:
    content = build_mosaic()
    with app.app_context():
        path = f"/frames/{add_stored_frame('secret', content, '.fits.fz', **SECRET)}/quicklook"
    first = client.get(path, headers=as_member)
    assert first.data == build_quick_look(io.BytesIO(content))
    assert (first.mimetype, first.cache_control.private) == ("application/gzip", True)
    assert client.get(path).json["code"] == "frame_not_found"
    etag = {"If-None-Match": first.headers["ETag"]}
    assert client.get(path, headers=as_member | etag).status_code == 304
    assert client.get(path, headers=etag).status_code == 404
    with app.app_context():
        version = db.session.query(Version).one()
        get_file_store().delete_file(version.store_path, version.key)
    assert client.get(path, headers=as_member).data == first.data


def test_what_has_none_says_why_without_being_read_again(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        path = f"/frames/{add_stored_frame('broken', build_mosaic(packed=False)[:9000])}/quicklook"
    answers = [client.get(path).json]
    with making.turn:  # whatever reads a file now is told that others are at it
        answers.append(client.get(path).json)
    for answer in answers:
        assert answer["code"] == "no_quick_look"
        assert answer["detail"].startswith("There is no quick look of broken.fits: ")
        assert "cut short" in answer["detail"]


def test_one_is_made_at_a_time_and_the_others_are_to_ask_again(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        frame_id = add_stored_frame("waiting", b"SIMPLE")
    with making.turn:
        answer = client.get(f"/frames/{frame_id}/quicklook")
    assert (answer.status_code, answer.json["code"], answer.headers["Retry-After"]) == (503, "busy", "2")


def test_a_file_that_the_store_has_lost_is_named(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        frame_id = add_stored_frame("lost", b"SIMPLE")
        version = db.session.query(Version).one()
        get_file_store().delete_file(version.store_path, version.key)
    assert client.get(f"/frames/{frame_id}/quicklook").json["code"] == "file_missing"
