"""The webhook: what is posted, how it is signed, and what its answers mean."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.events.models import EventTarget
from app.events.queries import count_owed
from app.extensions import db
from app.processes import PROJECT_DIR
from tests.events.conftest import SECRET, Hook, Received, list_told, publish_once
from tests.fixtures.application import MakeApp
from tests.frames_factory import add_frame
from tests.services import LOOPBACK, free_port

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # what goes out is the same on both


@pytest.fixture
def told(telling_hook: Flask, hook: Hook) -> Received:
    """What the webhook gets of a frame."""
    with telling_hook.app_context():
        add_frame("a")
    assert publish_once(telling_hook) == 0
    (message,) = hook.received
    return message


def tell_two(app: Flask) -> int:
    with app.app_context():
        add_frame("a")
        add_frame("b")
    return publish_once(app)


def count(app: Flask) -> tuple[int, int]:
    """Return how many messages are to be sent, and how many were refused."""
    with app.app_context():
        counts = list(count_owed().values())
    return sum(counted.owed for counted in counts), sum(counted.refused for counted in counts)


def find_error(app: Flask, url: str) -> str:
    with app.app_context():
        return db.session.get_one(EventTarget, url).error


def retry(app: Flask, url: str) -> str:
    return app.test_cli_runner().invoke(args=["outbox", "retry", url]).output


def test_the_envelope_says_what_happened_to_what_and_when(told: Received) -> None:
    envelope = json.loads(told.body)
    assert set(envelope) == {"type", "id", "timestamp", "data"}
    assert (envelope["type"], envelope["id"]) == ("version.archived", told.headers["webhook-id"])
    assert envelope["timestamp"] == envelope["data"]["version_set"][0]["created"]
    assert told.headers["content-type"] == "application/json"


def test_it_is_signed_over_its_id_its_time_and_its_bytes(told: Received) -> None:
    signed = f"{told.headers['webhook-id']}.{told.headers['webhook-timestamp']}.".encode() + told.body
    expected = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
    assert told.headers["webhook-signature"] == f"v1,{expected}"
    assert abs(time.time() - int(told.headers["webhook-timestamp"])) < 600


def test_the_papers_show_how_to_verify_it(told: Received) -> None:
    code = (PROJECT_DIR / "docs" / "events.md").read_text().split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {}
    exec(code, names)
    verify: Callable[..., bool] = names["is_from_the_archive"]
    assert verify(told.headers, told.body, SECRET)
    assert not verify(told.headers, told.body + b" ", SECRET)
    assert not verify(told.headers, told.body, "another")
    assert not verify(dict(told.headers) | {"webhook-timestamp": "1"}, told.body, SECRET)


def test_several_messages_share_a_connection(telling_hook: Flask, hook: Hook) -> None:
    hook.answers = [200]
    assert tell_two(telling_hook) == 0
    assert (len(hook.received), hook.connections) == (2, 1)


@pytest.mark.parametrize("status", [500, 503, 429, 408, 301])
def test_one_that_is_away_is_tried_again_and_gets_all_in_order(telling_hook: Flask, hook: Hook, status: int) -> None:
    hook.answers = [status]
    assert tell_two(telling_hook) == 1
    assert (len(hook.received), count(telling_hook)) == (1, (2, 0))
    assert f"HTTP {status}" in find_error(telling_hook, hook.url)
    retry(telling_hook, hook.url)
    assert publish_once(telling_hook) == 0
    assert [message.data["basename"] for message in hook.received] == ["a", "a", "b"]
    assert find_error(telling_hook, hook.url) == ""


def test_one_that_does_not_listen_is_away(make_app: MakeApp) -> None:
    url = f"http://{LOOPBACK}:{free_port()}/"
    app = make_app(WEBHOOK_URLS=url, WEBHOOK_SECRET=SECRET)
    assert tell_two(app) == 1
    assert "Connection refused" in find_error(app, url)
    assert count(app) == (2, 0)


def test_one_that_does_not_answer_in_time_is_away(
    telling_hook: Flask, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.events.webhooks.TIMEOUT_S", 0.2)
    hook.gate.clear()
    assert tell_two(telling_hook) == 1
    assert "Timeout" in find_error(telling_hook, hook.url)
    assert count(telling_hook) == (2, 0)


def test_a_refused_message_is_set_aside_until_a_person_decides(telling_hook: Flask, hook: Hook) -> None:
    hook.answers = [410]
    assert tell_two(telling_hook) == 0
    assert list_told(hook.received) == [("a", "first"), ("b", "first")]
    assert count(telling_hook) == (0, 1)
    assert "1 messages that it refused are sent again" in retry(telling_hook, hook.url)
    assert publish_once(telling_hook) == 0
    assert hook.received[2].id == hook.received[0].id
    assert count(telling_hook) == (0, 0)


def test_a_redirect_is_not_followed(telling_hook: Flask, hook: Hook) -> None:
    """The address that it leads to might be anybody's."""
    hook.answers = [301]
    tell_two(telling_hook)
    assert len(hook.received) == 1
    assert "WEBHOOK_URLS" in find_error(telling_hook, hook.url)
