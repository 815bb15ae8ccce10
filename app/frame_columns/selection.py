"""Which frames a search finds for a viewer, from the columns alone: how many, which values, which are on a page."""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.frame_columns.columns import (
    BLOCK,
    GROUPED,
    NEVER,
    NO_NIGHT,
    NO_TIME,
    UNLISTED,
    Columns,
    Flags,
    Groups,
    Numbers,
)

Places = slice | Numbers
Test = Callable[[Columns], Flags]
FrameTest = Callable[[Columns, Places], Flags]


@dataclass(frozen=True)
class Condition:
    """What a search asks, as far as the columns can tell: every part of it must hold.

    Attributes
    ----------
    groups, targets
        Tests that are made once for each group, and each target's name, not for each frame.
    first, last
        Microseconds since 1970, between which the observation began.
    shortest
        Exposure in seconds.
    frames
        Tests that are made for each frame.
    """

    groups: tuple[Test, ...] = ()
    targets: tuple[Test, ...] = ()
    first: int = UNLISTED + 1
    last: int = NEVER
    shortest: float = NO_TIME
    frames: tuple[FrameTest, ...] = ()

    def __and__(self, other: "Condition") -> "Condition":
        return Condition(
            self.groups + other.groups,
            self.targets + other.targets,
            max(self.first, other.first),
            min(self.last, other.last),
            max(self.shortest, other.shortest),
            self.frames + other.frames,
        )


def in_groups(field: str, values: Collection[Any], *, is_not: bool = False) -> Condition:
    """Return the condition that a field of `GROUPED` has one of some values, or that it has none of them."""
    return Condition(groups=(lambda columns: columns.groups.having(field, values) ^ is_not,))


def in_nights(nights: Collection[int]) -> Condition:
    """Return the condition that the observing night is one of some, in days since 1970."""
    return Condition(frames=(lambda columns, places: np.isin(columns["night"][places], list(nights)),))


def is_released(now: int, *, is_not: bool = False) -> Condition:
    """Return the condition that everybody may see a frame by a moment, or that not everybody may."""
    return Condition(frames=(lambda columns, places: (columns["released"][places] <= now) ^ is_not,))


def is_target(name: str, *, is_not: bool = False) -> Condition:
    """Return the condition that the target's name is a text, or that it is not."""
    return Condition(targets=(lambda columns: np.array([it == name for it in columns.targets.values]) ^ is_not,))


def has_in_target(text: str) -> Condition:
    """Return the condition that the target's name, transliterated, has a text in it."""
    return Condition(targets=(lambda columns: np.array([bool(text) and text in it for it in columns.targets_ascii]),))


@dataclass(frozen=True)
class Sight:
    """What a viewer may see: what is released by a moment, and what is of some proposals."""

    now: int  # microseconds since 1970
    proposals: Collection[str] = ()
    is_everything: bool = False


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

    def find_keys(self, columns: Columns, ids: Numbers) -> Numbers:
        """Return numbers for some frames: the less, the earlier in this order."""
        if self.is_by_time:
            return self.sign * columns["observed"][ids]
        if self.field == "id":
            return self.sign * ids
        if self.field == "exposure_time":
            times_s = columns["exposure_time"][ids]
            return self.sign * np.where(times_s == NO_TIME, -1.0, times_s)
        return self.sign * self._rank(columns)[columns[_place_of(self.field)][ids]]

    def find_key(self, columns: Columns, value: Any) -> Any:
        """Return the number of a value, which no frame need have."""
        if self.field not in {*GROUPED, "target_name"}:
            return self.sign * value
        values = sorted(_names_of(columns, self.field))
        place = bisect_left(values, value)
        return self.sign * (2 * place - (place == len(values) or values[place] != value))

    def _rank(self, columns: Columns) -> Numbers:
        """Return for each group, or target, twice the place of its value among all that there are."""
        names = _names_of(columns, self.field)
        ranks = np.empty(len(names), np.int64)
        ranks[sorted(range(len(names)), key=names.__getitem__)] = 2 * np.arange(len(names))
        return ranks if self.field == "target_name" else ranks[columns.groups.numbers_of(self.field)]


class Selection:
    """The frames that meet a condition, and that a viewer may see.

    Parameters
    ----------
    ids
        The frames among which to look; None: all.
    """

    def __init__(self, columns: Columns, condition: Condition, sight: Sight, ids: Numbers | None = None) -> None:
        self._columns, self._condition, self._sight = columns, condition, sight
        self._ids = None if ids is None else ids[ids < len(columns)]
        self._of_group = _all([test(columns) for test in condition.groups])
        self._of_target = _all([test(columns) for test in condition.targets])
        self._own = columns.groups.having("proposal_id", sight.proposals) if sight.proposals else None

    @property
    def groups(self) -> Groups:
        return self._columns.groups

    def narrowed(self, condition: Condition) -> "Selection":
        """Return what of it meets another condition, too."""
        return Selection(self._columns, self._condition & condition, self._sight, self._ids)

    def test_groups(self, condition: Condition) -> Flags:
        """Say of each group whether it meets the condition, as far as that is one on groups."""
        return np.logical_and.reduce([test(self._columns) for test in condition.groups])  # type: ignore[no-any-return]  # NumPy's types don't know

    def count(self) -> int:
        return sum(int(np.count_nonzero(self._test(places))) for places, _ in self._walk())

    def count_values(self, *fields: str) -> dict[str, dict[Any, int]]:
        """Return how many frames have each value, by the names of some fields of `GROUPED`."""
        counts = self.count_groups()
        return {name: self.groups.add_up(name, counts) for name in fields}

    def count_groups(self) -> Numbers:
        """Return how many frames each group has."""
        found = [self._columns["group"][places][self._test(places)] for places, _ in self._walk()]
        return np.bincount(np.concatenate([np.empty(0, np.uint32), *found]), minlength=len(self.groups))

    def count_nights(self) -> dict[int, int]:
        """Return how many frames each observing night has, in days since 1970; those without one are not told."""
        found = [self._columns["night"][places][self._test(places)] for places, _ in self._walk()]
        nights, counts = np.unique(np.concatenate([np.empty(0, np.int32), *found]), return_counts=True)
        return {night: count for night, count in zip(nights.tolist(), counts.tolist(), strict=True) if night > NO_NIGHT}

    def find_first(self, number: int, order: Order) -> list[int]:
        """Return the ids of the first frames in an order."""
        limit = None if order.after is None else (order.find_key(self._columns, order.after[0]), order.after[1])
        keys, ids = np.empty(0), np.empty(0, np.int64)
        for places, best_of_rest in self._walk(order):
            kept = np.flatnonzero(self._test(places))
            found = kept + places.start if isinstance(places, slice) else places[kept]
            found_keys = order.find_keys(self._columns, found)
            if limit is not None:
                is_after = found_keys > limit[0]
                is_after |= (found_keys == limit[0]) & (order.sign * found > order.sign * limit[1])
                found, found_keys = found[is_after], found_keys[is_after]
            keys, ids = np.concatenate([keys.astype(found_keys.dtype), found_keys]), np.concatenate([ids, found])
            if len(ids) > number:
                threshold = np.partition(keys, number - 1)[number - 1]
                keys, ids = keys[keys <= threshold], ids[keys <= threshold]
                if best_of_rest > threshold:
                    break
        first: list[int] = ids[np.lexsort((order.sign * ids, keys))][:number].tolist()
        return first

    def _test(self, places: Places) -> Flags:
        """Say of some frames whether they are of the selection."""
        columns, condition, sight = self._columns, self._condition, self._sight
        observed = columns["observed"][places]
        kept: Flags = (observed >= condition.first) & (observed <= condition.last)
        group = columns["group"][places]
        if not sight.is_everything:
            seen: Flags = columns["released"][places] <= sight.now
            kept &= seen if self._own is None else seen | self._own[group]
        if self._of_group is not None:
            kept &= self._of_group[group]
        if self._of_target is not None:
            kept &= self._of_target[columns["target"][places]]
        if condition.shortest > NO_TIME:
            kept &= columns["exposure_time"][places] >= condition.shortest
        for test in condition.frames:
            kept &= test(columns, places)
        return kept

    def _walk(self, order: Order | None = None) -> Iterator[tuple[Places, float]]:
        """Give what may be of the selection, block by block, and the least key that the blocks to come may have."""
        if self._ids is not None:
            yield self._ids, np.inf
            return
        blocks = self._columns.find_blocks(self._condition.first, self._condition.last)
        bounds = np.full(len(blocks), -np.inf)
        if order is not None and order.is_by_time:
            bounds = -self._columns.newest[blocks] if order.is_descending else self._columns.oldest[blocks]
        sequence = np.argsort(bounds, kind="stable")
        of_rest = [*bounds[sequence][1:].tolist(), np.inf]
        for block, bound in zip(blocks[sequence].tolist(), of_rest, strict=False):
            yield slice(block * BLOCK, (block + 1) * BLOCK), bound


def _all(tests: list[Flags]) -> Flags | None:
    return np.logical_and.reduce(tests) if tests else None


def _place_of(field: str) -> str:
    return "target" if field == "target_name" else "group"


def _names_of(columns: Columns, field: str) -> list[Any]:
    return columns.targets.values if field == "target_name" else columns.groups.names[field].values
