"""Reading frames for the columns from the database, all of them or some."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import (
    BigInteger,
    Integer,
    LargeBinary,
    Row,
    case,
    exists,
    func,
    select,
    type_coerce,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from app.extensions import db
from app.frame_columns.columns import NEVER, NO_NIGHT, NO_TIME, UNLISTED
from app.frame_columns.names import GROUPED
from app.frames.models import Frame, Version

ROWS_AT_A_TIME = 20_000
IDS_AT_A_TIME = 1_000


class microseconds(FunctionElement[int]):
    """A time in microseconds since 1970, which is read far more quickly than a time."""

    type, inherit_cache = BigInteger(), True


class days(FunctionElement[int]):
    """A date in days since 1970."""

    type, inherit_cache = Integer(), True


class packed(FunctionElement[bytes]):
    """A footprint's corners as the database keeps them, or as WKB."""

    type, inherit_cache = LargeBinary(), True


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


@compiles(packed, "postgresql")
def _(element: Any, compiler: Any, **options: Any) -> str:
    return f"ST_AsBinary({compiler.process(element.clauses, **options)}, 'NDR')"


@compiles(packed, "sqlite")
def _(element: Any, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


LISTED = exists().where(Version.frame_id == Frame.id)
#: What `Columns.put` takes.
ROWS = select(
    Frame.id,
    Frame.target_name,
    func.coalesce(days(Frame.observation_day), NO_NIGHT),
    func.coalesce(Frame.exposure_time, NO_TIME),
    func.coalesce(microseconds(Frame.public_date), NEVER),
    case((LISTED, func.coalesce(microseconds(Frame.observation_date), UNLISTED)), else_=UNLISTED),
    packed(type_coerce(Frame.area, LargeBinary)),
    *(getattr(Frame, name) for name in GROUPED),
)


def read_all() -> Iterator[list[Row[Any]]]:
    rows = db.session.execute(ROWS, execution_options={"yield_per": ROWS_AT_A_TIME})
    for part in rows.partitions():
        yield list(part)


def read_some(ids: Iterable[int]) -> Iterator[tuple[list[Row[Any]], set[int]]]:
    """Read frames by their ids; beside each part go the ids of it that are no more."""
    wanted = sorted(ids)
    for begin in range(0, len(wanted), IDS_AT_A_TIME):
        part = wanted[begin : begin + IDS_AT_A_TIME]
        rows = list(db.session.execute(ROWS.where(Frame.id.in_(part))))
        yield rows, set(part) - {row.id for row in rows}


def find_last_id() -> int:
    """Return the highest id that a frame has."""
    return db.session.scalar(select(func.max(Frame.id))) or 0
