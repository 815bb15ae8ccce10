"""How many frames a search finds: exactly where that can be had in time, else estimated from a sample."""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.exc import OperationalError

from app.extensions import db
from app.frames.models import Frame

Condition = ColumnElement[bool]

SAMPLES, SAMPLE_SIZE = 64, 1000  # ranges of ids, evenly spread
STEPS_BETWEEN_LOOKS = 10_000  # of SQLite's virtual machine: a fraction of a millisecond


def count_matching(conditions: Sequence[Condition], patience_s: float | None) -> tuple[int, bool]:
    """Count the frames that meet some conditions.

    Parameters
    ----------
    conditions
        Of a search.
    patience_s
        Seconds that the exact count may take; None: as long as it needs.

    Returns
    -------
    tuple of int and bool
        The count, and whether it is only estimated.
    """
    statement = select(func.count()).select_from(Frame).where(*conditions)
    if patience_s is None:
        return db.session.scalar(statement) or 0, False
    try:
        with db.session.begin_nested(), _time_limit(patience_s):
            return db.session.scalar(statement) or 0, False
    except OperationalError as error:
        if not _ran_out_of_time(error):
            raise
        return _estimate(conditions), True


def _estimate(conditions: Sequence[Condition]) -> int:
    """Count in some ranges of ids, and take the rest to be alike. What takes long to count is plentiful."""
    first, last = db.session.execute(select(func.min(Frame.id), func.max(Frame.id))).one()
    span = last - first + 1
    step = max(span // SAMPLES, SAMPLE_SIZE)
    starts = range(first, last + 1, step)
    sampled = or_(*(Frame.id.between(start, start + SAMPLE_SIZE - 1) for start in starts))
    found = db.session.scalar(select(func.count()).select_from(Frame).where(sampled, *conditions)) or 0
    return round(found * max(span / (len(starts) * SAMPLE_SIZE), 1.0))


@contextmanager
def _time_limit(limit_s: float) -> Iterator[None]:
    """Have the database give up on a statement that takes longer."""
    if db.engine.dialect.name == "postgresql":
        db.session.execute(_set_timeout(max(round(limit_s * 1000), 1)))
        yield
        db.session.execute(_set_timeout(0))  # if it was cancelled, the end of the savepoint does it
        return
    connection: sqlite3.Connection = db.session.connection().connection.driver_connection  # type: ignore[assignment]  # known from the dialect
    deadline_s = time.monotonic() + limit_s
    connection.set_progress_handler(lambda: time.monotonic() > deadline_s, STEPS_BETWEEN_LOOKS)
    try:
        yield
    finally:
        connection.set_progress_handler(None, 0)


def _set_timeout(milliseconds: int) -> Select[tuple[str]]:
    return select(func.set_config("statement_timeout", str(milliseconds), True))


def _ran_out_of_time(error: OperationalError) -> bool:
    return isinstance(error.orig, psycopg.errors.QueryCanceled) or str(error.orig) == "interrupted"
