"""The numbers of /metrics. They are read when they are asked for: the archive's processes share only the database.

They show nobody's frames, so no viewer is asked for. None costs more with a larger archive: each counts what has not
ended, or what came of the last hour.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Float, SQLColumnExpression, case, extract, func, select, text
from sqlalchemy.orm import InstrumentedAttribute

from app.extensions import db
from app.ingest.models import UNFINISHED, IngestAttempt, IngestJob, JobState, PreviewState

LAST = dt.timedelta(hours=1)
LAG_LIMITS_S = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 21600, 86400)
PART_LIMITS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
SECONDS_PER_DAY = 86400


@dataclass(frozen=True)
class Distribution:
    """How long things took.

    Attributes
    ----------
    counts
        How many took at most as long as each of some limits, and how many there were.
    sum_s
        Seconds that they took together.
    """

    counts: Sequence[int]
    sum_s: float


@dataclass(frozen=True)
class Archived:
    """The files that were archived within the last hour: their bytes, and the times from arrival to archive."""

    size: int
    lag: Distribution


def count_unfinished() -> dict[str, tuple[int, dt.datetime | None]]:
    """Return, for each state that is no end, how many jobs are in it, and when the first of them came."""
    statement = select(IngestJob.state, func.count(), func.min(IngestJob.created))
    rows = db.session.execute(statement.where(IngestJob.state.in_(UNFINISHED)).group_by(IngestJob.state))
    return {**dict.fromkeys(UNFINISHED, (0, None)), **{state: (count, first) for state, count, first in rows}}


def count_failed() -> int:
    """Return how many jobs stand on the operator's list."""
    return db.session.scalar(select(func.count()).where(IngestJob.state == JobState.FAILED)) or 0


def count_ended() -> dict[str, int]:
    """Return how many jobs came to each end within the last hour."""
    ends = [state for state in JobState if state not in UNFINISHED]
    counts = [func.count().filter(IngestJob.state == end) for end in ends]
    return dict(zip(ends, db.session.execute(select(*counts).where(IngestJob.finished >= _since())).one(), strict=True))


def count_attempts() -> dict[tuple[str, str], int]:
    """Return how many attempts of the last hour had each outcome, for each error code."""
    kind = IngestAttempt.outcome, IngestAttempt.error_code
    statement = select(*kind, func.count()).where(IngestAttempt.finished >= _since()).group_by(*kind)
    return {(outcome, error_code): count for outcome, error_code, count in db.session.execute(statement)}


def measure_archived() -> Archived:
    """Return what was archived within the last hour, and how long that took from its arrival."""
    # SQLite would take a condition on the state for the better one, and look at every archived file.
    is_archived = IngestJob.state == JobState.ARCHIVED
    size = func.coalesce(func.sum(IngestJob.size).filter(is_archived), 0)
    lag_s = case((is_archived, _seconds_between(IngestJob.created, IngestJob.finished)))
    columns = size, *_distribute(lag_s, LAG_LIMITS_S)
    found, *numbers = db.session.execute(select(*columns).where(IngestJob.finished >= _since())).one()
    return Archived(int(found), _build_distribution(numbers))


def measure_attempts() -> dict[str, Distribution]:
    """Return how long the parts of the attempts of the last hour took."""
    parts = {"read": IngestAttempt.read_s, "store": IngestAttempt.store_s, "database": IngestAttempt.database_s}
    columns = [column for part in parts.values() for column in _distribute(part, PART_LIMITS_S)]
    numbers = db.session.execute(select(*columns).where(IngestAttempt.finished >= _since())).one()
    width = len(columns) // len(parts)
    return {
        part: _build_distribution(numbers[number * width : (number + 1) * width]) for number, part in enumerate(parts)
    }


def count_owed_previews() -> int:
    """Return how many frames lack pictures that are still to be made."""
    owed = select(func.count()).where(IngestJob.preview_state == PreviewState.OWED)
    return db.session.scalar(owed) or 0


def find_last_ids() -> tuple[int, int]:
    """Return how many jobs there have ever been, and how many attempts, by the numbers that they were given."""
    jobs, attempts = select(func.max(IngestJob.id)), select(func.max(IngestAttempt.id))
    return db.session.scalar(jobs) or 0, db.session.scalar(attempts) or 0


def get_schema() -> str:
    """Return the number of the newest migration in the database."""
    return str(db.session.execute(text("SELECT version_num FROM alembic_version")).scalar_one())


def _since() -> dt.datetime:
    return dt.datetime.now(dt.UTC) - LAST


def _seconds_between(begin: InstrumentedAttribute[Any], end: InstrumentedAttribute[Any]) -> ColumnElement[float]:
    if db.engine.dialect.name == "postgresql":
        return extract("epoch", end - begin).cast(Float)
    return (func.julianday(end) - func.julianday(begin)) * SECONDS_PER_DAY


def _distribute(duration_s: SQLColumnExpression[Any], limits_s: Sequence[float]) -> list[ColumnElement[Any]]:
    """Return the columns of a distribution: for each limit, then for all, then the sum."""
    counts = [func.count().filter(duration_s <= limit_s) for limit_s in limits_s]
    return [*counts, func.count(duration_s), func.coalesce(func.sum(duration_s), 0.0)]


def _build_distribution(numbers: Sequence[Any]) -> Distribution:
    return Distribution(numbers[:-1], numbers[-1])
