"""Embargoes from a shell: set, cleared, and who did it, when and why."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner

from tests.frames_factory import add_frame

PROPOSAL = "LAB2026B-007"
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


@pytest.fixture
def frame_id(app: Flask) -> int:
    with app.app_context():
        return add_frame("a", proposal_id=PROPOSAL)


def test_rulings_are_made_ended_and_listed(client: FlaskClient, runner: FlaskCliRunner, frame_id: int) -> None:
    def run(*arguments: str) -> str:
        done = runner.invoke(args=["embargo", *arguments])
        assert done.exit_code == 0, done.output
        return done.output

    def status() -> int:
        return client.get(f"/frames/{frame_id}/").status_code

    made = run("set", "--proposal", PROPOSAL, "--until", "never", "--reason", "a thesis", "--by", "ada")
    assert (made, status()) == (f"{PROPOSAL}: until further notice (1 frame then).\n", 404)
    made = run("set", "--frame", "a", "--until", "2026-11-02", "--reason", "a press release", "--by", "ada")
    assert (made, status()) == ("a: public from 2026-11-02 00:00:00 on (before: never).\n", 200)
    made = run("clear", "--proposal", PROPOSAL, "--reason", "it is done")  # by whom the system takes the tests for
    assert made == f"{PROPOSAL}: cleared (0 frames then).\n"
    assert re.fullmatch(
        rf"{TIME} \S+ · proposal {PROPOSAL}: cleared \(0 frames then\) · it is done\n"
        rf"{TIME} ada · frame a: public from 2026-11-02 00:00:00 on \(before: never\) · a press release\n"
        rf"{TIME} ada · proposal {PROPOSAL}: until further notice \(1 frame then\) · a thesis\n",
        run("list"),
    )
    assert len(run("list", "--frame", "a").splitlines()) == 1
    assert len(run("list", "--proposal", PROPOSAL).splitlines()) == 2


REFUSED: list[tuple[tuple[str, ...], str]] = [
    (("set", "--frame", "b", "--until", "never", "--reason", "x"), "There is no frame 'b'."),
    (("set", "--frame", "a", "--until", "soon", "--reason", "x"), "public_date: 'soon' is no time: "),
    (("set", "--frame", "a", "--until", "never", "--reason", " "), "reason: Say why, in a line of at most 500"),
    (("set", "--frame", "a", "--until", "never", "--reason", "a\nb"), "reason: Say why, in a line of at most 500"),
    (("set", "--proposal", "", "--until", "never", "--reason", "x"), "'' is no proposal's id."),
    (("set", "--until", "never", "--reason", "x"), "Name either a frame by --frame or a proposal by --proposal."),
    (("clear", "--frame", "a", "--reason", "x", "--by", ""), "Say who rules, by --by."),
    (("list", "--frame", "b"), "There is no frame 'b'."),
]


def test_what_can_not_be_done_changes_nothing(client: FlaskClient, runner: FlaskCliRunner, frame_id: int) -> None:
    for arguments, words in REFUSED:
        done = runner.invoke(args=["embargo", *arguments])
        assert done.exit_code in (1, 2)
        assert f"Error: {words}" in done.output
    assert runner.invoke(args=["embargo", "list"]).output == ""
    assert client.get(f"/frames/{frame_id}/").status_code == 200
