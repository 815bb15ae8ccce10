"""Writes of saved searches by those who keep them. The caller commits."""

import datetime as dt
import secrets
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import delete, func, or_, select

from app.accounts.models import User
from app.errors import BadRequest, NotFound
from app.extensions import db, get_config
from app.saved_searches import queries
from app.saved_searches.models import AlertMessage, FoundFrame, Kind, SavedSearch, Way

KEY_BYTES = 12
CONFIRMATIONS_A_DAY = 5  # that a user may have mailed, and as many that an address gets, whoever asks
BY_USER, BY_LINK = "You paused it.", "Ended by the link in a mail."
ONE_DAY = dt.timedelta(days=1)


def save_search(user: User, name: str, texts: Iterable[tuple[str, str]], loaded: Mapping[str, Any]) -> SavedSearch:
    """Keep a search.

    Parameters
    ----------
    texts
        Its parameters, as they were given.
    loaded
        The same, as `KeptSearchSchema` loads them.

    Raises
    ------
    BadRequest
        If the user keeps SAVED_SEARCHES_PER_USER already.
    """
    most = get_config().saved_searches_per_user
    if queries.count_searches(user) >= most:
        message = f"You keep {most} searches already, which is the most: delete one of them first."
        raise BadRequest(message, code="too_many_searches")
    query = urlencode(_fix_position(texts, loaded.get("position")))
    now = _now()
    search = SavedSearch(user_id=user.id, key=secrets.token_urlsafe(KEY_BYTES), name=name, query=query, created=now)
    search.way, search.due = Way.NONE, now
    db.session.add(search)
    db.session.flush()
    return search


def delete_search(search: SavedSearch) -> None:
    """Forget a search, and whatever was still to be told of it."""
    _forget_unsent(search)
    db.session.delete(search)


def set_alert(search: SavedSearch, form: Mapping[str, Any]) -> None:
    """Decide how the owner of a search is told of frames that are new from now on.

    Parameters
    ----------
    form
        As `AlertSchema` loads it.

    Raises
    ------
    BadRequest
        If mail is wanted and no mail server is set, or the address was asked too often.
    """
    way: Way = form["way"]
    recipient: str = form[way.value] if way is not Way.NONE else ""
    if way is Way.MAIL and not get_config().smtp_host:
        raise BadRequest("This archive has no mail server: choose a webhook.", code="no_mail")
    if (way, recipient) != (search.way, search.recipient):
        _forget_unsent(search)
        is_known = way is Way.MAIL and queries.is_confirmed_address(search.user, recipient)
        search.way, search.recipient, search.confirmed = way, recipient, _now() if is_known else None
        search.failures, search.error = 0, ""
        if way is Way.MAIL and not is_known:
            ask_for_confirmation(search)
    search.daily_hour = form["hour"] if form["often"] == "daily" else None
    search.pause = ""
    search.due = find_next_time(search, _now())
    watch(search)


def ask_for_confirmation(search: SavedSearch) -> None:
    """Have a mail sent to an address that asks whether its reader wants alerts.

    Raises
    ------
    BadRequest
        If that was done too often: nobody's mailbox shall be filled by it.
    """
    asked = (AlertMessage.kind == Kind.CONFIRMATION, AlertMessage.made > _now() - ONE_DAY)
    by_user = db.session.scalar(select(func.count()).where(*asked, AlertMessage.user_id == search.user_id)) or 0
    of_it = db.session.scalar(select(func.count()).where(*asked, AlertMessage.recipient == search.recipient)) or 0
    if max(by_user, of_it) >= CONFIRMATIONS_A_DAY:
        message = f"No more than {CONFIRMATIONS_A_DAY} mails a day ask for a confirmation: try again tomorrow."
        raise BadRequest(message, code="too_many_confirmations")
    db.session.add(build_message(search, Kind.CONFIRMATION))


def confirm(key: str, address: str) -> SavedSearch:
    """Believe that an address is its user's, as long as the search still names it.

    Raises
    ------
    NotFound
        If it does not.
    """
    search = queries.find_search_by_key(key)
    if search is None or (search.way, search.recipient) != (Way.MAIL, address):
        raise NotFound("The search that this link is about is deleted, or has another address.", code="bad_link")
    if search.confirmed is None:
        search.confirmed = _now()
        search.due = find_next_time(search, search.confirmed)
        watch(search)
    return search


def unsubscribe(search: SavedSearch) -> None:
    """End the alerts of a search; the search stays."""
    _forget_unsent(search)
    search.way, search.recipient, search.confirmed, search.error = Way.NONE, "", None, ""
    search.pause = ""
    watch(search)


def pause(search: SavedSearch, reason: str) -> None:
    """Send nothing for the time being, nor look for anything; what was found until now is told afterwards."""
    search.pause = reason
    watch(search)


def resume(search: SavedSearch) -> None:
    """Go on with the alerts of a search, from now on, and try at once what could not be sent."""
    search.pause, search.failures, search.error = "", 0, ""
    search.due = find_next_time(search, _now())
    unsent = select(AlertMessage).where(AlertMessage.saved_search_id == search.id, AlertMessage.sent.is_(None))
    for message in db.session.scalars(unsent):
        message.due = _now()
    watch(search)


def watch(search: SavedSearch) -> None:
    """Look for new frames from now on, or go on with it, or no longer, as the search stands."""
    search.watched_since = (search.watched_since or _now()) if search.is_watched else None


def find_next_time(search: SavedSearch, now: dt.datetime) -> dt.datetime:
    """Return when what is found may be told: now, or the next time that it is the hour that was chosen."""
    if search.daily_hour is None:
        return now
    today = now.replace(hour=search.daily_hour, minute=0, second=0, microsecond=0)
    return today if today > now else today + ONE_DAY


def build_message(search: SavedSearch, kind: Kind) -> AlertMessage:
    """Return a message that is to be sent at once."""
    names = {"key": secrets.token_urlsafe(KEY_BYTES), "kind": kind, "way": search.way, "recipient": search.recipient}
    return AlertMessage(user_id=search.user_id, saved_search_id=search.id, made=_now(), due=_now(), **names)


def _forget_unsent(search: SavedSearch) -> None:
    """Drop what was to be sent: messages, and what was found for them."""
    unsent = (AlertMessage.saved_search_id == search.id, AlertMessage.sent.is_(None))
    keys = select(AlertMessage.key).where(*unsent)
    is_untold = or_(FoundFrame.message_key.is_(None), FoundFrame.message_key.in_(keys))
    db.session.execute(delete(FoundFrame).where(FoundFrame.saved_search_id == search.id, is_untold))
    db.session.execute(delete(AlertMessage).where(*unsent))


def _fix_position(texts: Iterable[tuple[str, str]], position: Any) -> list[tuple[str, str]]:
    """Put coordinates in the place of a name that only a resolver elsewhere knows: it is not asked each minute."""
    if position is None or position.source != "Sesame":
        return list(texts)
    fixed = ("position", f"{position.ra_deg:.6f} {position.dec_deg:+.6f}")
    return [fixed if name == "position" else (name, text) for name, text in texts]


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
