"""Forgetting old changes."""

import datetime as dt

from sqlalchemy import delete, func, select

from app.extensions import db
from app.frame_columns.models import FrameChange

#: Who has not looked for so long begins anew.
KEPT = dt.timedelta(days=2)


def forget_changes() -> int:
    """Forget the changes that are old, but never the newest, by which the database is known again. Commits."""
    newest = select(func.max(FrameChange.id)).scalar_subquery()
    is_old = FrameChange.noted < dt.datetime.now(dt.UTC) - KEPT
    count: int = db.session.execute(delete(FrameChange).where(is_old, FrameChange.id < newest)).rowcount  # type: ignore[attr-defined]  # of a DELETE
    db.session.commit()
    return count
