"""Reads of a night: its frames as far as a viewer may see them, and the nights before and after it that have some."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select

from app.accounts.viewer import Viewer
from app.extensions import db
from app.frames.models import Frame, Version
from app.frames.visibility import visible_to


@dataclass(frozen=True)
class NightFrame:
    """What a night's page says of a frame: where and when it was taken, when it came in, and when it is public."""

    site_id: str
    telescope_id: str
    configuration_type: str
    reduction_level: int
    observation_date: dt.datetime
    exposure_time: float | None  # seconds
    created: dt.datetime
    public_date: dt.datetime | None = None


def list_night(viewer: Viewer, night: dt.date) -> Sequence[NightFrame]:
    """Return the frames of a night in the order in which they were taken."""
    columns = (getattr(Frame, name) for name in NightFrame.__dataclass_fields__)
    statement = select(*columns).where(Frame.observation_day == night, *_listed(viewer))
    return [NightFrame(*row) for row in db.session.execute(statement.order_by(Frame.observation_date, Frame.id))]


def find_last_night(viewer: Viewer, before: dt.date | None = None) -> dt.date | None:
    """Return the last night that has a frame, or the last before another."""
    earlier = [Frame.observation_day < before] if before else []
    return _find_night(viewer, Frame.observation_day.desc(), *earlier)


def find_next_night(viewer: Viewer, after: dt.date) -> dt.date | None:
    """Return the first night after another that has a frame."""
    return _find_night(viewer, Frame.observation_day.asc(), Frame.observation_day > after)


def _find_night(viewer: Viewer, order: ColumnElement[Any], *conditions: ColumnElement[bool]) -> dt.date | None:
    known = Frame.observation_day.is_not(None)
    statement = select(Frame.observation_day).where(known, *conditions, *_listed(viewer))
    return db.session.scalar(statement.order_by(order).limit(1))


def find_state(viewer: Viewer, night: dt.date) -> str:
    """Return a text that is another as soon as a night has another frame, or one that was written anew."""
    statement = select(func.count(), func.max(Frame.modified)).where(Frame.observation_day == night, *_listed(viewer))
    count, modified = db.session.execute(statement).one()
    return f"{count}-{modified.timestamp() if modified else 0:.6f}"


def _listed(viewer: Viewer) -> tuple[ColumnElement[bool], ...]:
    has_version = exists().where(Version.frame_id == Frame.id)
    return visible_to(viewer), Frame.observation_date.is_not(None), has_version
