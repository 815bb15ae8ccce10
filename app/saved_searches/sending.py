"""Sends what was found: makes messages of it, tries each until it is taken, and notes what became of it.

That a try begins is noted before it, and how it ended after it. Of one whose process died in between nobody knows: it
is made again under the same id, and a mail then says that it may have come already.
"""

import datetime as dt
import logging
import random
import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any

import requests
from sqlalchemy import Row, delete, exists, func, or_, select, update

from app.accounts.models import User
from app.errors import BadRequest
from app.events.exceptions import MessageRefusedError, TargetAwayError
from app.events.webhooks import post_signed
from app.extensions import db, get_config
from app.fields import CONTROL_CHARACTERS
from app.saved_searches import actions, news
from app.saved_searches.deadlines import deadline
from app.saved_searches.leases import keep
from app.saved_searches.links import derive_webhook_secret
from app.saved_searches.mail import DeliveryUnknownError, send_mail
from app.saved_searches.models import AlertMessage, FoundFrame, Kind, SavedSearch, Way
from app.saved_searches.public_hosts import open_public_session

LONGEST_TRY_S = 40.0  # shorter than the lease
UNKNOWN_AFTER = dt.timedelta(minutes=10)  # a try that was begun, and of which nothing was noted
FIRST_WAIT_S, LONGEST_WAIT_S, JITTER = 60.0, 3600.0, 0.2
MOST_FAILURES = 72  # about three days; then the owner decides
MOST_DOUBLINGS = 10
LONGEST_REASON = 300
ONE_HOUR = dt.timedelta(hours=1)
NO_SYNC = {"synchronize_session": False}  # what is read afterwards is read anew

Prepared = tuple[Callable[[], None], int]
"""What makes a try, and of how many frames it tells."""

log = logging.getLogger(__name__)


class Outcome(StrEnum):
    """What became of a try."""

    TAKEN = "taken"
    AWAY = "away"
    REFUSED = "refused"
    NOTHING = "nothing"  # there was nothing to tell


def send_due(owner: str, is_stopping: Callable[[], bool]) -> int:
    """Send what is due, and note what became of it; return how many messages were taken.

    Raises
    ------
    LeaseLostError
        If another process sends by now.
    """
    make_messages()
    count, is_mail_away = 0, False
    for message_id, way in _list_due():
        if is_stopping():
            break
        if way == Way.MAIL and is_mail_away:  # a server that hangs holds up a round only once
            continue
        outcome = _try(owner, message_id)
        count += outcome is Outcome.TAKEN
        is_mail_away |= outcome is Outcome.AWAY and way == Way.MAIL
    return count


def make_messages() -> None:
    """Put what was found, and may be told by now, into a message for each search, and commit."""
    now = _now()
    is_waiting = exists().where(FoundFrame.saved_search_id == SavedSearch.id, FoundFrame.message_key.is_(None))
    is_open = exists().where(AlertMessage.saved_search_id == SavedSearch.id, AlertMessage.sent.is_(None))
    may_be_told = (SavedSearch.watched_since.is_not(None), SavedSearch.due <= now, ~is_open, ~User.is_disabled)
    due = select(SavedSearch).join(User).where(*may_be_told, or_(is_waiting, SavedSearch.daily_hour.is_not(None)))
    searches = db.session.scalars(due.order_by(SavedSearch.id)).all()
    for search in searches:
        if search.way != Way.MAIL or _count_mails(search.user_id, now) < get_config().alert_mails_per_hour:
            _make_message(search, now)
    db.session.commit()


def _make_message(search: SavedSearch, now: dt.datetime) -> None:
    message = actions.build_message(search, Kind.FRAMES)
    waiting = (FoundFrame.saved_search_id == search.id, FoundFrame.message_key.is_(None))
    taken = update(FoundFrame).where(*waiting).values(message_key=message.key)
    if db.session.connection().execute(taken).rowcount:
        db.session.add(message)
        db.session.flush()
    search.due = actions.find_next_time(search, now)


def _count_mails(user_id: int, now: dt.datetime) -> int:
    """Count the mails to a user of the last hour, those too that are still to be sent."""
    of_them = (AlertMessage.user_id == user_id, AlertMessage.way == Way.MAIL, AlertMessage.kind == Kind.FRAMES)
    return db.session.scalar(select(func.count()).where(*of_them, AlertMessage.made > now - ONE_HOUR)) or 0


def _list_due() -> Sequence[Row[int, str]]:
    """List the messages to try now, the oldest first; those of a search that is paused wait."""
    due = select(AlertMessage.id, AlertMessage.way).join(SavedSearch)
    due = due.where(AlertMessage.sent.is_(None), AlertMessage.due <= _now(), SavedSearch.pause == "")
    messages = db.session.execute(due.order_by(AlertMessage.id)).all()
    db.session.rollback()
    return messages


def _try(owner: str, message_id: int) -> Outcome:
    prepared = _begin(owner, message_id)
    if prepared is None:
        return Outcome.NOTHING
    send, count = prepared
    db.session.rollback()  # no transaction is open while somebody else is waited for
    try:
        with deadline(LONGEST_TRY_S):
            send()
    except (MessageRefusedError, TargetAwayError, TimeoutError) as error:
        _note_failure(message_id, error)
        return Outcome.REFUSED if isinstance(error, MessageRefusedError) else Outcome.AWAY
    _note_success(message_id, count)
    return Outcome.TAKEN


def _begin(owner: str, message_id: int) -> Prepared | None:
    """Note that a try begins, commit, and return what makes it; None if there is nothing to tell."""
    keep(owner)
    message = db.session.get(AlertMessage, message_id, populate_existing=True)
    if message is None or message.sent or message.saved_search_id is None:  # its owner was quicker
        db.session.rollback()
        return None
    is_again = message.begun is not None
    message.begun, message.due = _now(), _now() + UNKNOWN_AFTER
    db.session.commit()
    search = db.session.get_one(SavedSearch, message.saved_search_id)
    try:
        prepared = _prepare(message, search, is_again=is_again)
    except BadRequest as error:
        actions.pause(search, f"The archive can't read this search any longer: {error} Save it anew.")
        prepared = None
    if prepared is None:
        _discard(message)
    return prepared


def _prepare(message: AlertMessage, search: SavedSearch, *, is_again: bool) -> Prepared | None:
    """Return what sends a message; None: it has nothing to tell."""
    config, recipient = get_config(), message.recipient
    if search.user.is_disabled:
        return None
    if message.kind == Kind.CONFIRMATION:
        asking = news.build_confirmation(message, search)
        return lambda: send_mail(config, asking, recipient), 0
    most = news.LONGEST_TABLE if message.way == Way.MAIL else news.MOST_TOLD
    found = news.find_news(message, search, most)
    if found is None:
        return None
    if message.way == Way.MAIL:
        mail = news.build_mail(message, found, is_again=is_again)
        return lambda: send_mail(config, mail, recipient), found.count
    body, key, secret = news.build_call(message, found), message.key, derive_webhook_secret(search)
    return lambda: _call(recipient, key, body, secret), found.count


def _call(url: str, key: str, body: bytes, secret: str) -> None:
    with requests.Session() if get_config().alert_webhooks_internal else open_public_session() as session:
        session.trust_env = False  # no proxy, and no password out of a file
        post_signed(session, url, key, body, secret)


def _discard(message: AlertMessage) -> None:
    """Forget a message that has nothing to tell: what its frames are hidden by may pass, and they are new then."""
    found = (FoundFrame.saved_search_id == message.saved_search_id, FoundFrame.message_key == message.key)
    db.session.execute(delete(FoundFrame).where(*found), execution_options=NO_SYNC)
    db.session.delete(message)
    db.session.commit()


def _note_success(message_id: int, count: int) -> None:
    now = _now()
    told: dict[str, Any] = {"told": now, "told_count": count} if count else {}
    search_id = _update(message_id, sent=now, begun=None)
    taken = update(SavedSearch).where(SavedSearch.id == search_id).values(failures=0, error="", **told)
    db.session.execute(taken, execution_options=NO_SYNC)
    db.session.commit()


def _note_failure(message_id: int, error: Exception) -> None:
    """Put a message off, and let its owner know why; who is refused, or failed for long, is asked what to do."""
    is_unknown = isinstance(error, DeliveryUnknownError | TimeoutError)
    search_id = _update(message_id, **{} if is_unknown else {"begun": None}, due=_now())
    search = db.session.get(SavedSearch, search_id, populate_existing=True) if search_id else None
    if search is not None:
        search.failures += 1
        search.error = _shorten(error)
        wait_s = min(FIRST_WAIT_S * 2.0 ** min(search.failures - 1, MOST_DOUBLINGS), LONGEST_WAIT_S)
        wait_s *= random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  # no secret
        _update(message_id, due=_now() + dt.timedelta(seconds=wait_s))
        log.warning("alert of search %d: the next try is in %.0f s: %s", search.id, wait_s, search.error)
        if isinstance(error, MessageRefusedError) or search.failures >= MOST_FAILURES:
            actions.pause(search, f"It could not be sent: {search.error}")
    db.session.commit()


def _update(message_id: int, **values: Any) -> int | None:
    """Change a message, and return the search that it is of; None if its owner has deleted it meanwhile.

    It comes first in its transaction: SQLite would refuse a write after a read, if another came in between.
    """
    changed = update(AlertMessage).where(AlertMessage.id == message_id).values(**values)
    return db.session.scalar(changed.returning(AlertMessage.saved_search_id), execution_options=NO_SYNC)


def _shorten(error: Exception) -> str:
    """Return what an owner is told. What a webhook answered beside its status is not: it might be somebody else's."""
    status = re.match(r"HTTP \d+", str(error))
    return CONTROL_CHARACTERS.sub(" ", status[0] if status else str(error))[:LONGEST_REASON]


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
