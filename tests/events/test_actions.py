"""What is owed, who may send it, and what a person decides."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from app.errors import BadRequest
from app.events import actions
from app.events.exceptions import LeaseLostError
from app.events.models import EventTarget
from app.events.queries import count_owed, list_owed
from app.extensions import db
from app.frames.actions import save_frame, save_thumbnail
from app.frames.schemas import NewFrameSchema
from tests.fixtures.application import MakeApp
from tests.frames_factory import A_FRAME, add_frame, build_version

ONE, TWO = "https://one.example/", "https://two.example/"


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(WEBHOOK_URLS=f"{ONE},{TWO},{ONE}", WEBHOOK_SECRET="of the webhook")


@pytest.fixture
def context(app: Flask) -> Iterator[None]:
    with app.app_context():
        actions.register_targets()
        yield


def get_target(name: str = ONE) -> EventTarget:
    db.session.expire_all()
    return db.session.get_one(EventTarget, name)


def set_target(**values: Any) -> None:
    db.session.execute(update(EventTarget).where(EventTarget.name == ONE).values(**values))
    db.session.commit()


def past() -> dt.datetime:
    return dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)


@pytest.mark.usefixtures("context")
class TestOwing:
    def test_each_version_is_owed_once_to_each_target(self) -> None:
        add_frame("a", contents=("first", "second"))
        assert {name: counted.owed for name, counted in count_owed().items()} == {ONE: 2, TWO: 2}

    def test_empty_frames_and_thumbnails_are_told_to_nobody(self) -> None:
        save_frame(NewFrameSchema().load({**A_FRAME, "basename": "empty", "related_frame_filenames": ["another"]}))
        save_thumbnail("later", "small", key="k", md5="m", extension=".jpg", store_path="p")
        db.session.commit()
        assert count_owed() == {}

    def test_nothing_is_owed_if_the_frame_is_not_kept(self) -> None:
        save_frame(NewFrameSchema().load({**A_FRAME, "basename": "a", "version_set": [build_version("a")]}))
        assert len(list_owed(ONE, 10)) == 1
        db.session.rollback()
        assert count_owed() == {}


@pytest.mark.usefixtures("context")
class TestLeases:
    def test_a_target_that_is_owed_nothing_is_not_taken(self) -> None:
        assert not actions.claim(ONE, "one")

    def test_one_publisher_at_a_time_has_a_target(self) -> None:
        add_frame("a")
        assert actions.claim(ONE, "one")
        assert not actions.claim(ONE, "two")
        assert actions.claim(TWO, "two")
        actions.release(ONE, "one")
        assert actions.claim(ONE, "two")

    def test_a_publisher_that_lost_its_target_drops_nothing(self) -> None:
        add_frame("a")
        (event,) = list_owed(ONE, 10)
        actions.claim(ONE, "slow")
        set_target(due=past())
        assert actions.claim(ONE, "quick")
        with pytest.raises(LeaseLostError):
            actions.settle(ONE, "slow", [event.id])
        with pytest.raises(LeaseLostError):
            actions.set_aside(ONE, "slow", event.id, "HTTP 410")
        assert len(list_owed(ONE, 10)) == 1

    def test_a_publisher_whose_database_was_away_goes_on(self) -> None:
        add_frame("a")
        assert actions.claim(ONE, "one")
        assert actions.claim(ONE, "one")

    def test_the_waits_grow_up_to_the_longest_and_end_with_a_success(self) -> None:
        add_frame("a", contents=("first", "second"))
        waits = []
        for _ in range(12):
            set_target(due=past())
            assert actions.claim(ONE, "one")
            waits.append(actions.postpone(ONE, "one", "no\nanswer", 60.0))
            assert not actions.claim(ONE, "one")
        bounds = [min(2.0**failures, 60.0) for failures in range(12)]
        assert all(0.8 * bound <= wait <= 1.2 * bound for wait, bound in zip(waits, bounds, strict=True))
        assert (get_target().failures, get_target().error) == (12, "no answer")
        set_target(due=past())
        actions.claim(ONE, "one")
        actions.settle(ONE, "one", [list_owed(ONE, 1)[0].id])
        assert (get_target().failures, get_target().error) == (0, "")


@pytest.mark.usefixtures("context")
class TestDeciding:
    def test_what_was_refused_is_sent_again_at_once(self) -> None:
        add_frame("a")
        (event,) = list_owed(ONE, 10)
        actions.claim(ONE, "one")
        actions.set_aside(ONE, "one", event.id, "HTTP 410")
        actions.postpone(ONE, "one", "no answer", 600.0)
        assert not list_owed(ONE, 10)
        assert actions.retry(ONE) == 1
        db.session.commit()
        assert actions.claim(ONE, "one")
        assert list_owed(ONE, 10) == [event]

    def test_only_what_it_refused_is_forgotten_of_one_that_is_still_told(self) -> None:
        add_frame("a", contents=("first", "second"))
        first, second = list_owed(ONE, 10)
        actions.claim(ONE, "one")
        actions.set_aside(ONE, "one", first.id, "HTTP 410")
        assert actions.forget(ONE) == 1
        assert list_owed(ONE, 10) == [second]
        assert len(list_owed(TWO, 10)) == 2

    def test_one_that_is_no_longer_told_is_forgotten_whole(self, make_app: MakeApp) -> None:
        add_frame("a", contents=("first", "second"))
        with make_app(WEBHOOK_URLS=TWO).app_context():
            assert actions.forget(ONE) == 2
            db.session.commit()
            assert set(count_owed()) == {TWO}
            for decide in (actions.forget, actions.retry):
                with pytest.raises(BadRequest, match=f"there are: {TWO}."):
                    decide(ONE)
