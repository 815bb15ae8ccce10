"""What the portal says, how it may fail to, and that nothing makes an answer come later."""

import socket
import threading
import time

import pytest

from app.portal.client import MOST_THREADS, Portal
from app.portal.schemas import Profile
from app.portal.turns import PortalAwayError, Turns
from tests.portal.portal_server import PortalServer, build_profile
from tests.services import LOOPBACK

LONGEST_WAIT_S = 0.3
STAFFLESS = ("null", "1", '"true"', "[true]")
FAR_BELOW_S = 5.0  # a busy machine may take its time, but not that of what hangs for ever


def make_portal(url: str) -> Portal:
    return Portal(url, LONGEST_WAIT_S, Turns(pause_s=0.0))


def test_a_profile(portal: PortalServer) -> None:
    portal.profiles["Bearer abc"] = build_profile("ada", "LAB-1", "LAB-2")
    portal.profiles["Token abc"] = build_profile("staff", is_staff=True)
    client = Portal(portal.url)
    assert client.find_profile("Bearer abc") == Profile("ada", frozenset({"LAB-1", "LAB-2"}))
    assert client.find_profile("Token abc") == Profile("staff", is_staff=True)
    assert portal.asked == ["Bearer abc", "Token abc"]


@pytest.mark.parametrize("status", ["401", "403"])
def test_a_token_that_the_portal_refuses(portal: PortalServer, status: str) -> None:
    portal.mood = status
    assert Portal(portal.url).find_profile("Token x") is None


@pytest.mark.parametrize(
    "rest", ["", ', "proposals": null, "profile": null', *(f', "profile": {{"staff_view": {it}}}' for it in STAFFLESS)]
)
def test_what_need_not_be_said(portal: PortalServer, rest: str) -> None:
    portal.mood = f'{{"username": "ada"{rest}}}'
    assert Portal(portal.url).find_profile("Token x") == Profile("ada")


@pytest.mark.parametrize("mood", ["hangs", "drips", "drips_headers"])
def test_no_answer_in_time(portal: PortalServer, mood: str) -> None:
    portal.mood, begun = mood, time.monotonic()
    with pytest.raises(PortalAwayError):
        make_portal(portal.url).find_profile("Token x")
    assert LONGEST_WAIT_S <= time.monotonic() - begun < FAR_BELOW_S


@pytest.mark.parametrize(
    "mood",
    [
        "500",
        "302",
        "404",
        "<html>down for maintenance</html>",
        "[" * 100_000,
        "[]",
        '{"detail": "later"}',
        '{"username": ""}',
        '{"username": "a\\u0000"}',
        '{"username": "ada", "proposals": [{"id": ""}]}',
        '{"username": "ada", "proposals": ["LAB-1"]}',
        " " * (2**20 + 1),
    ],
    ids=lambda mood: mood[:20],
)
def test_an_answer_that_says_nothing(portal: PortalServer, mood: str) -> None:
    portal.mood = mood
    with pytest.raises(PortalAwayError):
        Portal(portal.url).find_profile("Token x")


def test_nothing_listens() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(PortalAwayError):
        make_portal(f"http://{LOOPBACK}:{port}/").find_profile("Token x")


def test_questions_that_never_end_get_no_more_threads() -> None:
    client, begun, released = Portal("", 0.2, Turns(pause_s=0.0)), [], threading.Event()

    def never_end(deadline: float) -> None:
        begun.append(deadline)
        released.wait()

    try:
        for _ in range(MOST_THREADS + 2):
            with pytest.raises(PortalAwayError):
                client.ask(never_end)
        assert len(begun) == MOST_THREADS
    finally:
        released.set()
