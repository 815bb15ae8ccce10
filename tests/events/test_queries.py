"""What an operator sees of the outbox."""

import datetime as dt
from collections.abc import Callable, Iterator

import pytest

from app.accounts.viewer import Viewer
from app.errors import NotAllowed
from app.events import actions, queries
from app.events.models import OwedEvent
from app.extensions import db
from tests.fixtures.application import MakeApp
from tests.frames_factory import add_frame

OLD, ONE, TWO = "https://old.example/", "https://one.example/", "https://two.example/"
OPERATOR = Viewer(user_id=1, is_admin=True)


@pytest.fixture
def context(make_app: MakeApp) -> Iterator[None]:
    """An outbox in which OLD, no longer in the settings, is owed a message, ONE three, of which it refused one."""
    with make_app(WEBHOOK_URLS=f"{OLD},{ONE}", WEBHOOK_SECRET="of the webhook").app_context():
        add_frame("a")
    with make_app(WEBHOOK_URLS=ONE).app_context():
        add_frame("b", contents=("first", "second"))
    with make_app(WEBHOOK_URLS=f"{ONE},{TWO}").app_context():
        actions.register_targets()
        actions.claim(ONE, "one")
        actions.set_aside(ONE, "one", queries.list_owed(ONE, 1)[0].id, "HTTP 410 gone")
        actions.postpone(ONE, "one", "HTTP 500", 600.0)
        yield


@pytest.mark.usefixtures("context")
def test_an_operator_sees_how_far_each_target_has_been_told() -> None:
    one, two, old = queries.list_target_states(OPERATOR)
    assert (one.name, one.is_told, one.owed, one.refused, one.failures, one.error) == (ONE, True, 2, 1, 1, "HTTP 500")
    assert one.oldest == db.session.get_one(OwedEvent, queries.list_owed(ONE, 1)[0].id).created
    assert one.due > dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1)
    assert (two.name, two.is_told, two.owed, two.refused, two.oldest) == (TWO, True, 0, 0, None)
    assert (old.name, old.is_told, old.owed, old.refused) == (OLD, False, 1, 0)


@pytest.mark.usefixtures("context")
def test_an_operator_sees_what_was_refused_and_why() -> None:
    (refused,) = queries.list_refused(OPERATOR)
    assert (refused.target, refused.basename, refused.refusal) == (ONE, "a", "HTTP 410 gone")


@pytest.mark.usefixtures("context")
@pytest.mark.parametrize("read", [queries.list_target_states, queries.list_refused])
def test_others_see_nothing(read: Callable[[Viewer], object]) -> None:
    with pytest.raises(NotAllowed):
        read(Viewer(user_id=2, proposals=frozenset({"OPEN2026A-001"})))
