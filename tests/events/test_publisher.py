"""The publisher loses nothing and keeps the order of each frame, whoever is away or dies."""

import datetime as dt
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.events.models import BROKER, EventTarget
from app.events.queries import count_owed
from app.extensions import db
from tests.events.conftest import PATIENCE_S, Hook, Inbox, count_ids, list_told, publish_once, publishing
from tests.frames_factory import add_frame
from tests.services import RabbitServer

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
VERSIONS = ("first", "second", "third")


def add_frames(app: Flask, *basenames: str, versions: tuple[str, ...] = ("first",)) -> list[tuple[str, str]]:
    """Archive frames version by version, and return what is to be told."""
    to_tell = [(basename, version) for version in versions for basename in basenames]
    with app.app_context():
        for basename, version in to_tell:
            add_frame(basename, contents=(version,))
    return to_tell


def count_to_send(app: Flask) -> int:
    with app.app_context():
        return sum(counted.owed for counted in count_owed().values())


def get_target(app: Flask) -> EventTarget:
    with app.app_context():
        return db.session.scalars(select(EventTarget)).one()


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.1)


def end_lease(app: Flask) -> None:
    with app.app_context():
        db.session.execute(update(EventTarget).values(due=dt.datetime.now(dt.UTC)))
        db.session.commit()


@on_postgresql
def test_a_broker_that_was_away_for_200_ingests_gets_each_message(
    telling_broker: Flask, inbox: Inbox, rabbitmq: RabbitServer
) -> None:
    if rabbitmq.process is None:
        pytest.skip("this broker is not ours to stop")
    with publishing():
        add_frames(telling_broker, "before")
        assert list_told(inbox.wait_for(1)) == [("before", "first")]
        rabbitmq.process.stop()
        try:
            basenames = [f"frame-{number}" for number in range(50)]
            to_tell = add_frames(telling_broker, *basenames, versions=(*VERSIONS, "last"))
            wait_until(lambda: get_target(telling_broker).failures > 1)
            assert count_to_send(telling_broker) == len(to_tell) == 200
        finally:
            rabbitmq.process.start()
        retried = telling_broker.test_cli_runner().invoke(args=["outbox", "retry", BROKER])  # or it would wait longer
        assert retried.exit_code == 0, retried.output
        received = inbox.wait_for(200)
    assert list_told(received) == to_tell
    assert set(count_ids(received)) == set(count_ids(received[:200]))
    assert count_to_send(telling_broker) == 0


@on_sqlite
def test_messages_are_persistent_json_with_an_id(telling_broker: Flask, inbox: Inbox) -> None:
    add_frames(telling_broker, "a")
    publish_once(telling_broker)
    (message,) = inbox.take()
    assert (message.headers.content_type, message.headers.delivery_mode) == ("application/json", 2)
    assert message.id
    assert message.data["filename"] == "a.fits.fz"
    assert message.data["OBJECT"] == "M 42"


@on_postgresql
def test_a_publisher_that_is_killed_leaves_a_duplicate_and_no_gap(telling_hook: Flask, hook: Hook) -> None:
    to_tell = add_frames(telling_hook, "a", "b", versions=VERSIONS)
    hook.gate.clear()  # a message is taken, but its sender does not learn of it
    with publishing() as publisher:
        hook.wait_for(1)
        publisher.send_signal(signal.SIGKILL)
    hook.gate.set()
    assert publish_once(telling_hook) == 1, "the lease of the dead one lasts"
    end_lease(telling_hook)
    assert publish_once(telling_hook) == 0
    assert hook.received[0].id == hook.received[1].id
    assert set(count_ids(hook.received[1:]).values()) == {1}
    assert list_told(hook.received) == to_tell


def test_two_publishers_share_a_target_in_turn(telling_hook: Flask, hook: Hook) -> None:
    to_tell = add_frames(telling_hook, "a", "b", versions=VERSIONS)
    hook.gate.clear()
    with publishing("--once") as first:  # a publisher is a process
        hook.wait_for(1)
        assert publish_once(telling_hook) == 1
        assert len(hook.received) == 1
        hook.gate.set()
        assert first.wait(PATIENCE_S) == 0
    assert set(count_ids(hook.received).values()) == {1}
    assert list_told(hook.received) == to_tell


@on_sqlite
def test_a_publisher_that_lost_its_target_does_not_put_it_off(telling_hook: Flask, hook: Hook) -> None:
    add_frames(telling_hook, "a")
    hook.gate.clear()
    hook.answers = [500]
    with ThreadPoolExecutor() as pool:
        publisher = pool.submit(publish_once, telling_hook)
        hook.wait_for(1)
        with telling_hook.app_context():
            db.session.execute(update(EventTarget).values(lease_owner="another"))
            db.session.commit()
        hook.gate.set()
        assert publisher.result(PATIENCE_S) == 1
    assert (get_target(telling_hook).lease_owner, get_target(telling_hook).failures) == ("another", 0)


@on_sqlite
def test_a_publisher_that_wakes_up_too_late_drops_nothing(telling_hook: Flask, hook: Hook) -> None:
    """SQLite gives the numbers of deleted rows again: what it has sent may have another's number by now."""
    add_frames(telling_hook, "a")
    hook.gate.clear()
    with publishing("--once") as sleeper:
        hook.wait_for(1)
        sleeper.send_signal(signal.SIGSTOP)
        hook.gate.set()
        end_lease(telling_hook)
        assert publish_once(telling_hook) == 0
        add_frames(telling_hook, "b")
        hook.gate.clear()
        sleeper.send_signal(signal.SIGCONT)
        hook.wait_for(3)
        hook.gate.set()
        assert sleeper.wait(PATIENCE_S) == 0
    assert list_told(hook.received) == [("a", "first"), ("b", "first")]


@on_sqlite
def test_a_slow_target_holds_up_no_other(make_telling_app: Callable[..., Flask], inbox: Inbox, hook: Hook) -> None:
    app = make_telling_app(inbox, hook.url)
    to_tell = add_frames(app, "a", "b", "c")
    hook.gate.clear()
    with ThreadPoolExecutor() as pool:
        publisher = pool.submit(publish_once, app)
        assert list_told(inbox.wait_for(3)) == to_tell
        hook.wait_for(1)
        assert len(hook.received) == 1
        hook.gate.set()
        assert publisher.result(PATIENCE_S) == 0
    assert list_told(hook.received) == to_tell


@on_sqlite
def test_asked_to_stop_it_leaves_after_the_message_in_hand(telling_hook: Flask, hook: Hook) -> None:
    add_frames(telling_hook, "a", "b")
    hook.gate.clear()
    with publishing(stderr=subprocess.PIPE) as publisher:
        hook.wait_for(1)
        publisher.terminate()
        assert any("stopping" in line for line in publisher.stderr)
        hook.gate.set()
        assert publisher.wait(PATIENCE_S) == 0
    assert len(hook.received) == 1
    assert count_to_send(telling_hook) == 1
    assert get_target(telling_hook).lease_owner == ""
