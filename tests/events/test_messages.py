"""What a target is told of a version."""

import json
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.downloads.actions import redeem_link
from app.events.actions import list_targets
from app.events.messages import Message, build_message
from app.events.queries import list_owed
from app.extensions import db
from app.frames.models import Frame
from app.times import format_json_value
from tests.events.conftest import PUBLIC_URL
from tests.fixtures.ingest import Headers
from tests.frames_factory import add_frame, square

MakeTellingApp = Callable[..., Flask]


@pytest.fixture
def app(make_telling_app: MakeTellingApp) -> Flask:
    return make_telling_app(None, "https://pipeline.example/archived")


def build_messages(app: Flask) -> list[Message | None]:
    with app.test_request_context(base_url=PUBLIC_URL):
        return [build_message(event) for event in list_owed(list_targets()[0], 10)]


def test_it_is_the_headers_and_what_the_archive_says_of_the_frame(
    app: Flask, client: FlaskClient, as_operator: Headers
) -> None:
    with app.app_context():
        frame_id = add_frame("a", area=square(10, 20, 1), headers={"OBJECT": "M 42", "basename": "of the header"})
    (message,) = build_messages(app)
    record = client.get(f"/frames/{frame_id}/", headers=as_operator).json
    assert json.loads(json.dumps(message.data, default=format_json_value)) == {
        "OBJECT": "M 42",
        "basename": "a",
        "area": record["area"],
        "frameid": frame_id,
        "filename": "a.fits.fz",
        "version_set": [{**record["version_set"][0], "url": message.data["version_set"][0]["url"]}],  # made anew
    }
    assert record["area"]["type"] == "Polygon"


def test_its_links_download_the_version_from_the_public_address(app: Flask) -> None:
    with app.app_context():
        add_frame("a")
    (message,) = build_messages(app)
    (version,) = message.data["version_set"]
    root, token, filename = version["url"].rsplit("/", 2)
    assert (root, filename) == (f"{PUBLIC_URL}/downloads", "a.fits.fz")
    with app.app_context():
        assert redeem_link(token) == version["id"]


def test_each_version_has_one_which_names_it_first_and_those_before_it(app: Flask) -> None:
    with app.app_context():
        add_frame("a", contents=("first",))
        add_frame("a", contents=("second", "third"))
    messages = build_messages(app)
    keys = [[version["key"] for version in message.data["version_set"]] for message in messages]
    assert keys == [["first"], ["second", "first"], ["third", "second", "first"]]
    assert len({message.id for message in messages}) == 3
    assert [message.id for message in build_messages(app)] == [message.id for message in messages]


def test_a_frame_that_is_deleted_takes_what_was_owed_with_it(app: Flask) -> None:
    with app.app_context():
        frame_id = add_frame("a")
        (event,) = list_owed(list_targets()[0], 10)
        db.session.execute(db.delete(Frame).where(Frame.id == frame_id))
        db.session.commit()
        assert build_message(event) is None
        assert not list_owed(list_targets()[0], 10)
