"""What has changed since a look at the database: whatever was committed, in whichever order, and nothing twice."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Row,
    Text,
    and_,
    bindparam,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy.types import UserDefinedType

from app.extensions import db
from app.frame_columns.models import FrameChange
from app.often import OftenRead
from app.reading import Rows, read

EVERY_FRAME = 0  # a change's frame_id: the tables were emptied
Read = Callable[..., Rows]
NEWEST = (FrameChange.id, FrameChange.frame_id, FrameChange.transaction_id)


class Xid8(UserDefinedType[str]):
    """PostgreSQL's number of a transaction."""

    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:
        return "xid8"


class Snapshot(UserDefinedType[str]):
    """Which transactions PostgreSQL knew to have ended."""

    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:
        return "pg_snapshot"


@dataclass(frozen=True)
class Mark:
    """How far the changes have been taken in.

    Attributes
    ----------
    position
        On PostgreSQL a snapshot, because a transaction may commit after one that began later; on SQLite, which has one
        writer at a time, the number of the last change.
    newest
        That change: while it is there, no later one has been forgotten, and the database is the same.
    """

    position: str
    newest: tuple[int, int, int] | None

    def find_changes(self, most: int, read: Read = read) -> tuple[set[int], "Mark"] | None:
        """Return the ids of the frames that have changed since, and the mark after them.

        Parameters
        ----------
        most
            Changes that are taken in.
        read
            From which database.

        Returns
        -------
        tuple or None
            None: it can't be told, or there are more than `most` changes, or every frame has changed.
        """
        newest = self.newest[0] if self.newest else -1
        then = self.position if _is_postgresql() else int(self.position)
        rows = read(_select_later(_is_postgresql()), {"then": then, "newest": newest, "most": most + 2})
        later = [row for row in rows if tuple(row[:3]) != self.newest]
        if len(later) > most or len(later) != len(rows) - (self.newest is not None):
            return None
        ids = {row.frame_id for row in later}
        return None if EVERY_FRAME in ids else (ids, _read_mark(rows) or self)

    def is_past(self, read: Read = read) -> bool:
        """Say whether the database has been there: it has not if an older state of it was restored."""
        position = literal(self.position)
        if not _is_postgresql():
            return True  # `newest` tells
        now = func.pg_current_snapshot()
        is_past = func.pg_snapshot_xmax(cast(position, Snapshot())) <= func.pg_snapshot_xmax(now)
        ((answer,),) = read(select(is_past))
        return bool(answer)


def mark_now(read: Read = read) -> Mark:
    """Return the mark of all that is committed by now."""
    newest = read(select(*NEWEST, _position().label("position")).order_by(FrameChange.id.desc()).limit(1))
    ((position,),) = read(select(_position()))
    return _read_mark(newest) or Mark(str(position or 0), None)


def find_origin() -> list[Any]:
    """Return what tells this database from others."""
    if not _is_postgresql():
        return [str(db.engine.url.database)]
    statement = "SELECT system_identifier::text, oid::bigint FROM pg_control_system(), pg_database "
    (origin,) = read(text(statement + "WHERE datname = current_database()"))
    return list(origin)


@functools.cache
def _select_later(is_postgresql: bool) -> OftenRead:
    """Select the changes after a mark, and that of the mark itself: built once, as each answer begins with it."""
    is_newest = FrameChange.id == bindparam("newest", type_=BigInteger())
    statement = select(*NEWEST, _position().label("position")).where(or_(_is_later(is_postgresql), is_newest))
    # A sum has no index: PostgreSQL, which does not know how few there are, might walk through all in their order.
    order = FrameChange.id + literal_column("0") if is_postgresql else FrameChange.id
    return OftenRead(statement.order_by(order).limit(bindparam("most", type_=Integer())))


def _is_later(is_postgresql: bool) -> ColumnElement[bool]:
    if not is_postgresql:
        return FrameChange.id > bindparam("then", type_=BigInteger())
    # As a subquery its value is nothing to plan by: PostgreSQL keeps one plan, rather than make one each time.
    then = select(cast(bindparam("then", type_=Text()), Snapshot())).scalar_subquery()
    transaction_id = cast(cast(NEWEST[2], Text), Xid8())
    return and_(
        NEWEST[2] >= _to_number(func.pg_snapshot_xmin(then)),
        NEWEST[2] < _to_number(func.pg_snapshot_xmax(func.pg_current_snapshot())),  # else of another server, restored
        func.pg_visible_in_snapshot(transaction_id, then).is_(False),
    )


def _read_mark(rows: Sequence[Row[Any]]) -> Mark | None:
    return Mark(str(rows[-1].position), tuple(rows[-1][:3])) if rows else None


def _position() -> ColumnElement[Any]:
    if _is_postgresql():
        return select(cast(func.pg_current_snapshot(), Text)).scalar_subquery()
    return select(func.max(FrameChange.id)).scalar_subquery()


def _to_number(transaction_id: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(cast(transaction_id, Text), BigInteger)


def _is_postgresql() -> bool:
    return db.engine.dialect.name == "postgresql"
