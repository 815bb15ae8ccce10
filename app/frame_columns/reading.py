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

from app.extensions import get_table
from app.frame_columns.columns import NEVER, NO_TIME, UNLISTED
from app.frame_columns.names import GROUPED
from app.frames.models import Frame, Version
from app.reading import connect_for_reading, read

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


FRAMES, VERSIONS = get_table(Frame), get_table(Version)
IS_LISTED = exists().where(VERSIONS.c.frame_id == FRAMES.c.id)
#: What `Columns.put` takes.
ROWS = select(
    FRAMES.c.id,
    FRAMES.c.basename,
    FRAMES.c.target_name,
    FRAMES.c.proposal_id,
    days(FRAMES.c.observation_day),
    func.coalesce(FRAMES.c.exposure_time, NO_TIME),
    func.coalesce(microseconds(FRAMES.c.public_date), NEVER),
    case((IS_LISTED, func.coalesce(microseconds(FRAMES.c.observation_date), UNLISTED)), else_=UNLISTED),
    packed(type_coerce(FRAMES.c.area, LargeBinary)),
    *(FRAMES.c[name] for name in GROUPED),
)


def read_all() -> Iterator[list[Row[Any]]]:
    with connect_for_reading() as connection:
        rows = connection.execute(ROWS, execution_options={"yield_per": ROWS_AT_A_TIME})
        for part in rows.partitions():
            yield list(part)


def read_some(ids: Iterable[int]) -> Iterator[tuple[list[Row[Any]], set[int]]]:
    """Read frames by their ids; beside each part go the ids of it that are no more."""
    wanted = sorted(ids)
    for begin in range(0, len(wanted), IDS_AT_A_TIME):
        part = wanted[begin : begin + IDS_AT_A_TIME]
        rows = list(read(ROWS.where(FRAMES.c.id.in_(part))))
        yield rows, set(part) - {row.id for row in rows}


def find_last_id() -> int:
    """Return the highest id that a frame has."""
    ((last_id,),) = read(select(func.max(FRAMES.c.id)))
    return last_id or 0


def has_few(most: int) -> bool:
    """Say whether there are not more frames than some number."""
    ((number,),) = read(select(func.count()).select_from(select(FRAMES.c.id).limit(most + 1).subquery()))
    return bool(number <= most)
