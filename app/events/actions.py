"""Writes of the outbox: what is owed, who sends it, and what became of it."""

import datetime as dt
import random
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import delete, exists, or_, select, update

from app.errors import BadRequest
from app.events.exceptions import LeaseLostError
from app.events.models import BROKER, EventTarget, OwedEvent
from app.extensions import db, get_config, insert_for_dialect
from app.fields import CONTROL_CHARACTERS

LEASE = dt.timedelta(seconds=60)  # longer than any one message can take
FIRST_WAIT_S = 1.0
MOST_DOUBLINGS = 30
JITTER = 0.2  # so that publishers do not come back all at once
LONGEST_REASON = 500
NO_SYNC = {"synchronize_session": False}  # the session holds none of these rows


def owe(frame_id: int, version_ids: Iterable[int]) -> None:
    """Owe each target a message for each new version, in the transaction that writes it. The caller commits.

    Whoever calls this has locked the frame's row: so the ids of one frame's messages grow as its versions do.
    """
    now, targets = _now(), list_targets()
    db.session.add_all(
        OwedEvent(target=target, frame_id=frame_id, version_id=version_id, created=now)
        for version_id in version_ids
        for target in targets
    )


def list_targets() -> list[str]:
    """Return the names of those that are told of each version: the broker, and each webhook by its address."""
    config = get_config()
    return ([BROKER] if config.processed_exchange_enabled else []) + list(dict.fromkeys(config.webhook_urls))


def register_targets() -> None:
    """Give each target that is told the row by which publishers share it, and commit."""
    rows = [{"name": name, "due": _now()} for name in list_targets()]
    if rows:
        db.session.execute(insert_for_dialect(EventTarget).on_conflict_do_nothing(), rows)
    db.session.commit()


def claim(name: str, owner: str) -> bool:
    """Take a target for a publisher, and commit; False if nothing is owed to it, or it waits, or is another's.

    It looks before it writes: a target that is owed nothing costs one indexed read.
    """
    now = _now()
    is_owed = exists().where(OwedEvent.target == name, OwedEvent.refusal == "")
    is_free = or_(EventTarget.due <= now, EventTarget.lease_owner == owner)  # its own, if the database was away since
    due = select(EventTarget.name).where(EventTarget.name == name, is_free, is_owed)
    if db.session.scalar(due) is None:
        db.session.rollback()
        return False
    taken = update(EventTarget).where(EventTarget.name.in_(due.with_for_update(skip_locked=True)))
    taken = taken.values(lease_owner=owner, due=now + LEASE).returning(EventTarget.name)
    has_it = db.session.scalar(taken, execution_options=NO_SYNC) is not None
    db.session.commit()
    return has_it


def settle(name: str, owner: str, delivered: Collection[int]) -> None:
    """Drop messages that were delivered, keep the target for some time more, and commit.

    Raises
    ------
    LeaseLostError
        If another publisher has the target by now. The messages stay, and are sent again.
    """
    _update_held(name, owner, due=_now() + LEASE, failures=0, error="")
    db.session.execute(delete(OwedEvent).where(OwedEvent.id.in_(delivered)), execution_options=NO_SYNC)
    db.session.commit()


def set_aside(name: str, owner: str, event_id: int, refusal: str) -> None:
    """Keep a message that its target will not have until a person decides, keep the target, and commit.

    Raises
    ------
    LeaseLostError
        As `settle`.
    """
    _update_held(name, owner, due=_now() + LEASE, failures=0, error="")
    refused = update(OwedEvent).where(OwedEvent.id == event_id).values(refusal=_printable(refusal))
    db.session.execute(refused, execution_options=NO_SYNC)
    db.session.commit()


def release(name: str, owner: str) -> None:
    """Leave a target to whoever comes first, and commit.

    Raises
    ------
    LeaseLostError
        As `settle`.
    """
    _update_held(name, owner, lease_owner="", due=_now())
    db.session.commit()


def postpone(name: str, owner: str, error: str, longest_wait_s: float) -> float:
    """Leave a target that is away until its next try, and commit; return the seconds until then.

    Raises
    ------
    LeaseLostError
        As `settle`.
    """
    failures = _update_held(name, owner, lease_owner="", error=_printable(error), failures=EventTarget.failures + 1)
    wait_s = min(FIRST_WAIT_S * 2.0 ** min(failures - 1, MOST_DOUBLINGS), longest_wait_s)
    wait_s *= random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  # no secret
    due = _now() + dt.timedelta(seconds=wait_s)
    db.session.execute(update(EventTarget).where(EventTarget.name == name).values(due=due), execution_options=NO_SYNC)
    db.session.commit()
    return wait_s


def retry(name: str) -> int:
    """Let a target be tried at once, also with what it refused. The caller commits.

    Returns
    -------
    int
        The number of messages that it had refused.

    Raises
    ------
    BadRequest
        If there is no such target.
    """
    _require_known(name)
    waiting = update(EventTarget).where(EventTarget.name == name, EventTarget.lease_owner == "")
    db.session.execute(waiting.values(due=_now()), execution_options=NO_SYNC)
    refused = update(OwedEvent).where(OwedEvent.target == name, OwedEvent.refusal != "")
    again = refused.values(refusal="").returning(OwedEvent.id)
    return len(db.session.scalars(again, execution_options=NO_SYNC).all())


def forget(name: str) -> int:
    """Drop what a target refused or, if it is no longer told, all that is owed to it. The caller commits.

    Returns
    -------
    int
        The number of messages dropped.

    Raises
    ------
    BadRequest
        If there is no such target.
    """
    _require_known(name)
    is_told = name in list_targets()
    which = [OwedEvent.target == name] + ([OwedEvent.refusal != ""] if is_told else [])
    dropped = delete(OwedEvent).where(*which).returning(OwedEvent.id)
    count = len(db.session.scalars(dropped, execution_options=NO_SYNC).all())
    if not is_told:
        db.session.execute(delete(EventTarget).where(EventTarget.name == name), execution_options=NO_SYNC)
    return count


def _require_known(name: str) -> None:
    """Refuse a name that is in no setting and to which nothing is owed."""
    registered = db.session.scalars(select(EventTarget.name).union(select(OwedEvent.target)))
    known = {*list_targets(), *registered}
    if name not in known:
        names = ", ".join(sorted(known)) or "none"
        raise BadRequest(f"There is no target {name!r}; there are: {names}.", code="target_unknown")


def _update_held(name: str, owner: str, **values: Any) -> int:
    """Change a target that a publisher holds; return the failures since its last success."""
    is_held = (EventTarget.name == name, EventTarget.lease_owner == owner)
    changed = update(EventTarget).where(*is_held).values(**values).returning(EventTarget.failures)
    failures = db.session.scalar(changed, execution_options=NO_SYNC)
    if failures is None:
        db.session.rollback()
        raise LeaseLostError(f"{name} is no longer {owner}'s.")
    return failures


def _printable(text: str) -> str:
    return CONTROL_CHARACTERS.sub(" ", text)[:LONGEST_REASON]


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
