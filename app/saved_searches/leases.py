"""The lease of the one process that looks for new frames and tells of them."""

import datetime as dt
from typing import Any

from sqlalchemy import or_, select, update

from app.events.exceptions import LeaseLostError
from app.extensions import db, insert_for_dialect
from app.saved_searches.models import Watch

LEASE = dt.timedelta(seconds=60)
THE_ROW = 1
NO_SYNC = {"synchronize_session": False}  # the session's object of the row is read anew where it counts


def claim(owner: str) -> bool:
    """Take the watch, or keep it, and commit; False if it is another process's."""
    now = _now()
    db.session.execute(insert_for_dialect(Watch).on_conflict_do_nothing(), {"id": THE_ROW, "due": now})
    is_free = or_(Watch.due <= now, Watch.owner == owner)
    taken = update(Watch).where(Watch.id == THE_ROW, is_free).values(owner=owner, due=now + LEASE).returning(Watch.id)
    has_it = db.session.scalar(taken, execution_options=NO_SYNC) is not None
    db.session.commit()
    return has_it


def keep(owner: str, **values: Any) -> None:
    """Keep the watch for some time more, and change its row. The caller commits.

    Raises
    ------
    LeaseLostError
        If another process has it by now; what was to be committed is not.
    """
    held = update(Watch).where(Watch.id == THE_ROW, Watch.owner == owner)
    kept = held.values(due=_now() + LEASE, **values).returning(Watch.id)
    if db.session.scalar(kept, execution_options=NO_SYNC) is None:
        db.session.rollback()
        raise LeaseLostError(f"The alerts are no longer {owner}'s.")


def release(owner: str) -> None:
    """Leave the watch to whoever comes first, and commit."""
    free = update(Watch).where(Watch.id == THE_ROW, Watch.owner == owner).values(owner="", due=_now())
    db.session.execute(free, execution_options=NO_SYNC)
    db.session.commit()


def get_watch() -> Watch:
    """Return the row as it is by now; it was claimed before."""
    return db.session.scalars(select(Watch).execution_options(populate_existing=True)).one()


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
