"""In which order a list shows frames."""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.frame_columns.columns import NEVER, UNLISTED, Columns, array_of, names_of
from app.frame_columns.names import COUNTED, Numbers


@dataclass(frozen=True)
class Order:
    """An order of frames: by a field, and then by id.

    Attributes
    ----------
    after
        A value and an id, beyond which the frames are.
    """

    field: str
    is_descending: bool = False
    after: tuple[Any, int] | None = None

    @property
    def sign(self) -> int:
        return -1 if self.is_descending else 1

    @property
    def is_by_time(self) -> bool:
        return self.field == "observation_date"

    @property
    def times(self) -> tuple[int, int]:
        """Between which times the frames are."""
        if self.after is None or not self.is_by_time:
            return UNLISTED, NEVER
        return (UNLISTED, self.after[0]) if self.is_descending else (self.after[0], NEVER)

    def make_key(self, columns: Columns) -> Callable[[Numbers], Numbers]:
        """Return what gives numbers for some frames: the less, the earlier in this order."""
        if self.is_by_time:
            return lambda ids: self.sign * columns["observed"][ids]
        if self.field == "id":
            return lambda ids: self.sign * ids
        if self.field == "exposure_time":
            return lambda ids: self.sign * np.maximum(columns["exposure_time"][ids], -1.0)
        array, ranks = array_of(self.field), self.sign * self._rank(columns)
        return lambda ids: ranks.take(columns[array][ids], mode="clip")

    def find_key(self, columns: Columns, value: Any) -> Any:
        """Return the number of a value, which no frame need have."""
        if self.field not in {*COUNTED, "target_name"}:
            return self.sign * value
        values = sorted(names_of(columns, self.field))
        place = bisect_left(values, value)
        return self.sign * (2 * place - (place == len(values) or values[place] != value))

    def _rank(self, columns: Columns) -> Numbers:
        """Return for each group, or target, twice the place of its value among all that there are."""
        names = list(names_of(columns, self.field))
        ranks = np.empty(len(names), np.int64)
        ranks[sorted(range(len(names)), key=names.__getitem__)] = 2 * np.arange(len(names))
        return (
            ranks if array_of(self.field) != "group" else ranks.take(columns.groups.numbers_of(self.field), mode="clip")
        )
