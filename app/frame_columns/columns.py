"""What searches, counts and facets need of every frame, in memory: arrays in which a frame's id is its place.

A frame's texts are the same as those of thousands of others. So each distinct combination of them, a group, has a
number, and a frame has that of its group: what a condition says of a text is decided once for each group.
"""

import sys
from collections.abc import Collection, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.fields import to_ascii

Numbers: TypeAlias = NDArray[Any]
Flags: TypeAlias = NDArray[np.bool_]

#: What makes up a group; facets are of these.
GROUPED = (
    "site_id",
    "telescope_id",
    "instrument_id",
    "primary_optical_element",
    "configuration_type",
    "reduction_level",
    "proposal_id",
)
#: What a frame has of its own: times are microseconds since 1970, nights days.
DTYPES = {
    "group": np.uint32,
    "target": np.uint32,
    "night": np.int32,
    "exposure_time": np.float64,
    "observed": np.int64,
    "released": np.int64,
}
UNLISTED = np.iinfo(np.int64).min  # observed: there is no such frame, or none that lists show
NEVER = np.iinfo(np.int64).max  # released
NO_NIGHT, NO_TIME = -1_000_000, -sys.float_info.max  # night, exposure_time
BLOCK = 2**16  # frames; ids follow the time of arrival, so that the newest observations are in few blocks


class Names:
    """Distinct values, each with a number: its place in the order in which they came."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._numbers: dict[Any, int] = {}

    def __len__(self) -> int:
        return len(self.values)

    def number(self, value: Any) -> int:
        """Return the number of a value, which gets one if it has none."""
        number = self._numbers.setdefault(value, len(self.values))
        if number == len(self.values):
            self.values.append(value)
        return number

    def find(self, value: Any) -> int | None:
        return self._numbers.get(value)


class Growing:
    """An array to which values are added at the end."""

    def __init__(self, dtype: Any) -> None:
        self._room = np.empty(1024, dtype)
        self._size = 0

    @property
    def values(self) -> Numbers:
        return self._room[: self._size]

    def add(self, value: Any) -> None:
        if self._size == len(self._room):
            self._room = np.concatenate([self._room, np.empty_like(self._room)])
        self._room[self._size] = value
        self._size += 1


class Groups:
    """The distinct combinations of the values of `GROUPED`."""

    def __init__(self) -> None:
        self._combinations = Names()
        self.names = {field: Names() for field in GROUPED}
        self._numbers = {field: Growing(np.uint32) for field in GROUPED}

    def __len__(self) -> int:
        return len(self._combinations)

    def number(self, values: tuple[Any, ...]) -> int:
        """Return the number of a combination, which gets one if it has none."""
        before = len(self)
        number = self._combinations.number(values)
        if number == before:
            for field, value in zip(GROUPED, values, strict=True):
                self._numbers[field].add(self.names[field].number(value))
        return number

    def numbers_of(self, field: str) -> Numbers:
        """Return the number of each group's value of a field."""
        return self._numbers[field].values

    def having(self, field: str, values: Collection[Any]) -> Flags:
        """Say of each group whether it has one of some values in a field."""
        names = self.names[field]
        wanted = np.zeros(len(names), bool)
        wanted[[number for value in values if (number := names.find(value)) is not None]] = True
        return wanted[self.numbers_of(field)]

    def add_up(self, field: str, counts: Numbers) -> dict[Any, int]:
        """Return how many there are with each value of a field, from how many there are in each group."""
        names = self.names[field]
        totals = np.bincount(self.numbers_of(field), weights=counts, minlength=len(names))
        return {names.values[number]: int(totals[number]) for number in np.flatnonzero(totals)}


class Columns:
    """The arrays, and the names of what they have numbers of."""

    def __init__(self, size: int = 0) -> None:
        self.groups, self.targets = Groups(), Names()
        self.targets_ascii: list[str] = []  # each target's name as searches know it
        self._arrays = {name: np.zeros(size, dtype) for name, dtype in DTYPES.items()}
        self._arrays["observed"][:] = UNLISTED
        self.newest = np.full(-(-size // BLOCK), UNLISTED)
        self.oldest = np.full(-(-size // BLOCK), NEVER)

    def __len__(self) -> int:
        return len(self._arrays["group"])

    def __getitem__(self, name: str) -> Numbers:
        return self._arrays[name]

    def put(self, rows: Sequence[Sequence[Any]], gone: Collection[int] = ()) -> None:
        """Write some frames, and forget some.

        Parameters
        ----------
        rows
            Of each frame its id, the target's name, night, exposure time, when it was observed and when it is released,
            and the values of `GROUPED`.
        gone
            Ids of frames that are no more.
        """
        changed = [frame_id for frame_id in gone if frame_id < len(self)]
        self._arrays["observed"][changed] = UNLISTED
        if rows:
            ids, targets, *own = zip(*(row[:6] for row in rows), strict=True)
            self._make_room(max(ids) + 1)
            numbers = (
                [self.groups.number(tuple(row[6:])) for row in rows],
                [self._number_target(target) for target in targets],
            )
            places = np.array(ids)
            for name, values in zip(DTYPES, (*numbers, *own), strict=True):
                self._arrays[name][places] = values
            changed.extend(ids)
        self._look_at_blocks({place // BLOCK for place in changed})

    def find_blocks(self, first: int, last: int) -> Numbers:
        """Return the blocks that may have frames observed between two times."""
        return np.flatnonzero((self.newest >= first) & (self.oldest <= last))

    def _number_target(self, name: str) -> int:
        number = self.targets.number(name)
        if number == len(self.targets_ascii):
            self.targets_ascii.append(to_ascii(name))
        return number

    def _make_room(self, size: int) -> None:
        if size <= len(self):
            return
        larger = Columns(-(-max(size, len(self) * 5 // 4) // BLOCK) * BLOCK)
        for name, array in self._arrays.items():
            larger._arrays[name][: len(array)] = array
        larger.newest[: len(self.newest)], larger.oldest[: len(self.oldest)] = self.newest, self.oldest
        self._arrays, self.newest, self.oldest = larger._arrays, larger.newest, larger.oldest

    def _look_at_blocks(self, blocks: Iterable[int]) -> None:
        for block in blocks:
            observed = self._arrays["observed"][block * BLOCK : (block + 1) * BLOCK]
            listed = observed[observed != UNLISTED]
            self.newest[block] = listed.max(initial=UNLISTED)
            self.oldest[block] = listed.min(initial=NEVER)
