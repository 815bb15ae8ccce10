"""From what the requests of a bench are drawn: some frames of the archive, as far as who asks may see them."""

import datetime as dt
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from app.extensions import db
from app.frames.models import Frame

SAMPLE = 4000  # frames, from which requests are drawn


@dataclass(frozen=True)
class BenchViewer:
    """Who asks: the words of the table, the header that says so, and what the floor must know."""

    name: str
    headers: str
    proposals: Sequence[str] | None  # None: an operator

    def sees(self, row: Any) -> bool:
        is_public = row.public_date is not None and row.public_date <= dt.datetime.now(dt.UTC)
        return self.proposals is None or is_public or row.proposal_id in self.proposals


class Sample:
    """Some frames of the archive, and what can be said of all. Needs the application's context."""

    def __init__(self, seed: int) -> None:
        self.size = db.session.scalar(select(func.max(Frame.id))) or 0
        ids = random.Random(seed).sample(range(1, self.size + 1), min(SAMPLE, self.size))
        dated = select(Frame.__table__).where(Frame.id.in_(ids), Frame.observation_date.is_not(None))
        self.rows = list(db.session.execute(dated.order_by(Frame.id)))
        self.oldest, self.newest = db.session.execute(
            select(func.min(Frame.observation_date), func.max(Frame.observation_date))
        ).one()


class Draw:
    """Chooses what to ask for, among the frames of a sample that a viewer sees."""

    def __init__(self, frames: Sample, viewer: BenchViewer, seed: str) -> None:
        self.random = random.Random(seed)
        self.viewer, self.sample = viewer, frames
        self._seen = [row for row in frames.rows if viewer.sees(row)]
        self._science = [row for row in self._seen if row.area is not None and row.target_name] or self._seen
        times = Counter(row.target_name for row in self._science)
        self._rare = [row for row in self._science if times[row.target_name] == 1] or self._science

    def any(self) -> Any:
        return self.random.choice(self._seen)

    def science(self) -> Any:
        """Return a frame of a target: of popular targets there are many."""
        return self.random.choice(self._science)

    def rare(self) -> Any:
        """Return a frame of a target that is none of the popular ones."""
        return self.random.choice(self._rare)

    def ids(self, number: int) -> list[int]:
        return [row.id for row in self.random.sample(self._seen, min(number, len(self._seen)))]

    def window(self, days: float, row: Any) -> dict[str, str]:
        """Return a window of time that has a frame in it, none of it outside of the archive's."""
        newest = max(self.sample.newest - dt.timedelta(days=days), self.sample.oldest)
        begin = row.observation_date - dt.timedelta(days=self.random.random() * days)
        begin = min(max(begin, self.sample.oldest), newest).replace(microsecond=0)
        times = (begin, begin + dt.timedelta(days=days))
        return {name: f"{time:%Y-%m-%dT%H:%M:%S}" for name, time in zip(("start", "end"), times, strict=True)}
