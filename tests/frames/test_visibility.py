"""What the log is told of reads: who got a hidden frame and why, who got none, and nothing of public ones."""

import itertools
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from structlog.contextvars import get_contextvars

from app.extensions import db
from app.logs import build_formatter
from app.settings import JSON, TEXT
from tests.fixtures.ingest import Headers
from tests.frames_factory import add_preview
from tests.html_page import BROWSER
from tests.stored_frames import add_stored_frame

PROPOSAL, FAR = "SECRET2026A-001", "2999-01-01T00:00:00Z"
MEMBER, OPERATOR, NOBODY = "member", "operator", ""
PATHS = {
    "/frames/?include_thumbnails=true": ["records"],
    "/frames/{}/": ["record"],
    "/frames/{}/headers/": ["header"],
    "/frames/{}/related/": [],
    "/frames/{}/previews/small.jpg": ["preview"],
    "/frame-funpack/{}/funpack/": ["files"],
    "/thumbnails/": ["thumbnails"],
    "/thumbnails/{}/": ["thumbnail"],
}
PATHS_OF_ONE = [path for path in PATHS if "{}" in path]
NUMBER_OF_NONE = 4711


@pytest.fixture
def headers(as_operator: Headers, as_member: Headers) -> dict[str, Headers]:
    return {OPERATOR: as_operator, MEMBER: as_member, NOBODY: {}}


@pytest.fixture
def frame_id(app: Flask) -> int:
    """A hidden frame, and a public one that is related to it."""
    with app.app_context():
        frame_id = add_stored_frame("secret", b"secret", proposal_id=PROPOSAL, public_date=FAR)
        add_preview("secret")
        add_stored_frame("open", b"open", related_frame_filenames=["secret"])
    return frame_id


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[Any]:
    """A function that returns, and forgets, what the log was told of reads."""

    def take() -> list[tuple[Any, ...]]:
        found = [record for record in caplog.records if record.name == "app.frames.visibility"]
        caplog.clear()
        return [(line.getMessage(), line.viewer, line.frames, line.reason) for line in found]

    with caplog.at_level(logging.INFO, "app.frames.visibility"):
        yield take


def test_whoever_gets_a_hidden_frame_is_named_with_their_right(
    client: FlaskClient, headers: dict[str, Headers], frame_id: int, lines: Any
) -> None:
    rights = ((MEMBER, f"member of {PROPOSAL}"), (OPERATOR, "operator"))
    for path, (viewer, reason) in itertools.product(PATHS, rights):
        assert client.get(path.format(frame_id), headers=headers[viewer]).status_code == 200
        assert lines() == [(f"privileged read: {what}", viewer, [frame_id], reason) for what in PATHS[path]]


def test_a_refusal_costs_and_says_the_same_as_nothing(
    app: Flask, client: FlaskClient, frame_id: int, lines: Any
) -> None:
    statements: list[str] = []
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *told: statements.append(told[2]))

    def ask(path: str, number: int) -> tuple[list[str], str, list[tuple[Any, ...]]]:
        statements.clear()
        answer = client.get(path.format(number))
        assert answer.status_code == 404
        return list(statements), answer.json["detail"].replace(str(number), "N"), lines()

    for path in PATHS_OF_ONE:
        hidden, missing = ask(path, 1), ask(path, NUMBER_OF_NONE)
        assert hidden[:2] == missing[:2]
        ((message, *told),) = hidden[2]
        assert message.startswith("denied read: ")
        assert told == ["", [frame_id], f"{FAR} for all but {PROPOSAL}"]
        assert missing[2] == [(message, "", [], "nothing is there")]


def test_of_several_frames_there_is_one_line(
    client: FlaskClient, headers: dict[str, Headers], frame_id: int, lines: Any
) -> None:
    asked = {"frame_ids": [frame_id, frame_id + 1, NUMBER_OF_NONE]}
    client.post("/frames/zip/", json=asked)
    assert lines() == [("denied read: files", "", [frame_id], f"{FAR} for all but {PROPOSAL}")]
    client.post("/frames/zip/", json=asked, headers=headers[MEMBER])
    assert [line[0] for line in lines()] == ["privileged read: files", "denied read: files"]
    client.get(f"/frames/{frame_id}/", headers=headers[MEMBER] | BROWSER)
    assert [line[0] for line in lines()] == ["privileged read: record", "privileged read: header"]
    client.get(f"/frames/{frame_id + 1}/related/", headers=headers[MEMBER])
    assert [line[0] for line in lines()] == ["privileged read: related frames"]
    client.get("/versions/", headers=headers[OPERATOR])
    client.get("/versions/1/", headers=headers[OPERATOR])
    assert [line[0] for line in lines()] == ["privileged read: versions", "privileged read: version"]


def test_of_a_link_nobody_knows_whose_it_is(
    client: FlaskClient, headers: dict[str, Headers], frame_id: int, lines: Any
) -> None:
    url = client.get(f"/frames/{frame_id}/", headers=headers[MEMBER]).json["url"]
    lines()
    assert client.get(url).data == b"secret"
    assert lines() == [("privileged read: file", "", [frame_id], "link")]


def test_public_frames_are_not_spoken_of(client: FlaskClient, frame_id: int, lines: Any) -> None:
    public_id = frame_id + 1
    for path in ("/frames/", f"/frames/{public_id}/", f"/frames/{public_id}/headers/", f"/frames/{public_id}/related/"):
        client.get(path)
    client.get(client.get(f"/frames/{public_id}/").json["url"])
    client.get("/frames/aggregate/")
    assert lines() == []


def test_the_line_is_a_line_in_either_format(
    client: FlaskClient, headers: dict[str, Headers], frame_id: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "app.frames.visibility"):
        client.get(f"/frames/{frame_id}/", headers=headers[MEMBER])
    (record,) = (record for record in caplog.records if record.name == "app.frames.visibility")
    told = (
        rf'privileged read: record viewer=member frames=\[{frame_id}\] frame_count=1 reason="member of {PROPOSAL}" .*'
    )
    assert re.search(told, build_formatter(TEXT).format(record))
    assert json.loads(build_formatter(JSON).format(record))["frames"] == [frame_id]


def test_what_else_a_request_says_names_the_viewer(client: FlaskClient, headers: dict[str, Headers]) -> None:
    for viewer in (MEMBER, NOBODY):
        client.get("/profile/", headers=headers[viewer])
        assert get_contextvars().get("viewer", NOBODY) == viewer
