"""Bringing the columns up to date: each answer takes in what was committed before it."""

import logging
import threading
import time
from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, Row, Text, case, cast, exists, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from app.extensions import db
from app.frame_columns.columns import GROUPED, NEVER, NO_NIGHT, NO_TIME, UNLISTED, Columns
from app.frame_columns.models import FrameChange
from app.frames.models import Frame, Version
from app.reading import connect_for_reading, read

log = logging.getLogger(__name__)

ROWS_AT_A_TIME = 20_000
IDS_AT_A_TIME = 1_000
#: Changes are kept for a day; whoever has not looked for half of one begins anew.
LONGEST_SLEEP_S = 12 * 3600
MOST_CHANGES = 300_000  # to read all frames is quicker then


class microseconds(FunctionElement[int]):
    """A time in microseconds since 1970, which is read far more quickly than a time."""

    type, inherit_cache = BigInteger(), True


class days(FunctionElement[int]):
    """A date in days since 1970."""

    type, inherit_cache = Integer(), True


@compiles(microseconds, "postgresql")
def _(element: Any, compiler: Any, **options: Any) -> str:
    return f"(extract(epoch FROM {compiler.process(element.clauses, **options)}) * 1000000)::bigint"


@compiles(microseconds, "sqlite")
def _(element: Any, compiler: Any, **options: Any) -> str:
    time = compiler.process(element.clauses, **options)
    return f"CAST(strftime('%s', {time}) AS INTEGER) * 1000000 + CAST(substr({time}, 21, 6) AS INTEGER)"


@compiles(days, "postgresql")
def _(element: Any, compiler: Any, **options: Any) -> str:
    return f"({compiler.process(element.clauses, **options)} - DATE '1970-01-01')"


@compiles(days, "sqlite")
def _(element: Any, compiler: Any, **options: Any) -> str:
    return f"CAST(julianday({compiler.process(element.clauses, **options)}) - 2440587.5 AS INTEGER)"


LISTED = exists().where(Version.frame_id == Frame.id)
ROWS = select(
    Frame.id,
    Frame.target_name,
    func.coalesce(days(Frame.observation_day), NO_NIGHT),
    func.coalesce(Frame.exposure_time, NO_TIME),
    case((LISTED, func.coalesce(microseconds(Frame.observation_date), UNLISTED)), else_=UNLISTED),
    func.coalesce(microseconds(Frame.public_date), NEVER),
    *(getattr(Frame, name) for name in GROUPED),
)


class FrameColumns:
    """The columns of one process, and how far they have got."""

    def __init__(self) -> None:
        self._columns = Columns()
        self._lock = threading.Lock()
        self._looked_s = -float("inf")
        self._horizon = 0
        self._seen: set[int] = set()

    def refresh(self) -> Columns:
        """Return the columns with all that has been committed by now."""
        with self._lock:
            begin_s = time.monotonic()
            changes = self._find_changes() if begin_s - self._looked_s < LONGEST_SLEEP_S else None
            if changes is None or len(changes) > MOST_CHANGES:
                self._read_all()
            elif changes:
                self._take_in({change.frame_id for change in changes if change.id not in self._seen})
                self._horizon, self._seen = changes[-1].horizon, {change.id for change in changes}
            self._looked_s = begin_s
            return self._columns

    def _find_changes(self) -> list[Row[Any]]:
        """List the changes since the last look, and some that have been seen.

        A number may be given to a transaction that commits after one with a higher number, so that PostgreSQL is asked
        for all since the oldest transaction that was under way.
        """
        since = FrameChange.transaction_id >= self._horizon if _is_postgresql() else FrameChange.id > self._horizon
        statement = select(FrameChange.id, FrameChange.frame_id, _horizon().label("horizon")).where(since)
        return list(read(statement.order_by(FrameChange.id)))

    def _read_all(self) -> None:
        begin_s, columns = time.monotonic(), Columns()
        with connect_for_reading() as connection:
            horizon = connection.scalar(select(_horizon() if _is_postgresql() else func.max(FrameChange.id))) or 0
            rows = connection.execute(ROWS, execution_options={"yield_per": ROWS_AT_A_TIME})
            for part in rows.partitions():
                columns.put(part)
        self._columns, self._horizon, self._seen = columns, horizon, set()
        log.info("read the columns of %d frames in %.1f s", len(columns), time.monotonic() - begin_s)

    def _take_in(self, ids: Iterable[int]) -> None:
        wanted = sorted(ids)
        for begin in range(0, len(wanted), IDS_AT_A_TIME):
            part = wanted[begin : begin + IDS_AT_A_TIME]
            rows = read(ROWS.where(Frame.id.in_(part)))
            self._columns.put(rows, set(part) - {row.id for row in rows})


def _horizon() -> ColumnElement[int]:
    """Return what the next look begins from: on PostgreSQL the oldest transaction that is under way."""
    if not _is_postgresql():
        return FrameChange.id.expression
    return cast(cast(func.pg_snapshot_xmin(func.pg_current_snapshot()), Text), BigInteger)


def _is_postgresql() -> bool:
    return db.engine.dialect.name == "postgresql"
