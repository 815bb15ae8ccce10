"""Reads of the outbox. What operators see takes the viewer first; the rest shows nothing, and serves the publisher."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Row, func, select

from app.accounts.viewer import Viewer
from app.errors import NotAllowed
from app.events.actions import list_targets
from app.events.models import EventTarget, OwedEvent
from app.extensions import db
from app.frames.models import Frame

Owed = Row[int, int, int]
"""A message to send: id, frame_id, version_id."""
Refused = Row[int, str, dt.datetime, str, int, str]
"""A message that was refused: id, target, created, refusal, frame_id, basename."""
Count = Row[str, int, int, dt.datetime]
"""What is owed to a target: target, owed, refused, oldest (None if all of it was refused)."""


@dataclass(frozen=True)
class TargetState:
    """How far one target has been told."""

    name: str
    is_told: bool  # False: it is no longer in the settings, and what is owed to it waits
    owed: int  # messages still to be sent
    refused: int  # messages that it would not have
    oldest: dt.datetime | None  # since when the first of those still to be sent waits
    failures: int  # since the last success
    error: str  # of the last failure, empty after a success
    due: dt.datetime | None  # of the next try, or when the present publisher's lease ends


def list_target_states(viewer: Viewer) -> list[TargetState]:
    """Return how far each target has been told; those that are no longer told, but owed something, come last.

    Raises
    ------
    NotAllowed
    """
    _require_operator(viewer)
    counts, rows = count_owed(), {target.name: target for target in db.session.scalars(select(EventTarget))}
    told = list_targets()
    names = told + sorted((set(counts) | set(rows)) - set(told))
    return [_build_state(name, name in told, counts.get(name), rows.get(name)) for name in names]


def list_refused(viewer: Viewer, limit: int = 100) -> Sequence[Refused]:
    """Return the newest messages that their targets refused, and why.

    Raises
    ------
    NotAllowed
    """
    _require_operator(viewer)
    columns = (OwedEvent.id, OwedEvent.target, OwedEvent.created, OwedEvent.refusal, OwedEvent.frame_id, Frame.basename)
    statement = select(*columns).join(Frame, Frame.id == OwedEvent.frame_id).where(OwedEvent.refusal != "")
    return db.session.execute(statement.order_by(OwedEvent.id.desc()).limit(limit)).all()


def list_owed(target: str, limit: int) -> Sequence[Owed]:
    """Return the next messages to send to a target, in their order."""
    columns = (OwedEvent.id, OwedEvent.frame_id, OwedEvent.version_id)
    statement = select(*columns).where(OwedEvent.target == target, OwedEvent.refusal == "").order_by(OwedEvent.id)
    return db.session.execute(statement.limit(limit)).all()


def count_owed() -> dict[str, Count]:
    """Return, by target, what is owed: how many are to be sent and since when, and how many it refused."""
    is_to_send = OwedEvent.refusal == ""
    statement = select(
        OwedEvent.target,
        func.count().filter(is_to_send).label("owed"),
        func.count().filter(~is_to_send).label("refused"),
        func.min(OwedEvent.created).filter(is_to_send).label("oldest"),
    )
    return {row.target: row for row in db.session.execute(statement.group_by(OwedEvent.target))}


def _build_state(name: str, is_told: bool, counted: Count | None, row: EventTarget | None) -> TargetState:
    return TargetState(
        name,
        is_told,
        owed=counted.owed if counted else 0,
        refused=counted.refused if counted else 0,
        oldest=counted.oldest if counted else None,
        failures=row.failures if row else 0,
        error=row.error if row else "",
        due=row.due if row else None,
    )


def _require_operator(viewer: Viewer) -> None:
    if not viewer.is_admin:
        raise NotAllowed("Only operators may see what is owed to whom.")
