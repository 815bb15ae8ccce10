"""Proposals' members from a shell: whoever is one sees the frames, at once."""

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner

from tests.fixtures.ingest import Headers, make_headers
from tests.frames_factory import add_frame

PROPOSAL = "LAB2026B-007"


@pytest.fixture
def frame_id(app: Flask) -> int:
    with app.app_context():
        return add_frame("a", proposal_id=PROPOSAL, public_date="2999-01-01")


@pytest.fixture
def as_observer(app: Flask) -> Headers:
    return make_headers(app, "observer")


def test_members_come_and_go(
    client: FlaskClient, runner: FlaskCliRunner, frame_id: int, as_observer: Headers, as_member: Headers
) -> None:
    def status() -> int:
        return client.get(f"/frames/{frame_id}/", headers=as_observer).status_code

    assert status() == 404
    for _ in range(2):  # once more does no harm
        assert runner.invoke(args=["proposal", "add", PROPOSAL, "observer", "member"]).exit_code == 0
    assert status() == 200
    assert f"{PROPOSAL}: member observer\n" in runner.invoke(args=["proposal", "list"]).output
    assert runner.invoke(args=["proposal", "remove", PROPOSAL, "observer"]).exit_code == 0
    assert status() == 404


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", PROPOSAL, "member", "nobody"), "There is no user 'nobody'."),
        (("add", "a\nb", "member"), r"'a\nb' is no proposal's id."),
        (("add", "", "member"), "'' is no proposal's id."),
        (("remove", PROPOSAL, "member"), f"member is no member of {PROPOSAL}."),
    ],
)
def test_what_can_not_be_done_changes_nothing(
    runner: FlaskCliRunner, as_member: Headers, arguments: tuple[str, ...], words: str
) -> None:
    done = runner.invoke(args=["proposal", *arguments])
    assert (done.exit_code, done.output) == (1, f"Error: {words}\n")
    assert runner.invoke(args=["proposal", "list"]).output == "SECRET2026A-001: member\n"
