"""Which frames a search finds for a viewer, from the columns alone: how many, which values, which are on a page."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from app.frame_columns.columns import BLOCK, NEVER, UNLISTED, Columns, Flags, Numbers

Places = slice | Numbers


@dataclass(frozen=True)
class Condition:
    """What a search asks, as far as the columns can tell: every part of it must hold.

    Attributes
    ----------
    groups, targets
        Tests that are made once for each group, and each target's name, not for each frame.
    first, last
        Microseconds since 1970, between which the observation began.
    night
        Days since 1970.
    shortest
        Exposure in seconds.
    """

    groups: tuple[Callable[[Columns], Flags], ...] = ()
    targets: tuple[Callable[[str], bool], ...] = ()
    first: int = UNLISTED + 1
    last: int = NEVER
    night: int | None = None
    shortest: float | None = None

    def __and__(self, other: "Condition") -> "Condition":
        return replace(
            self,
            groups=self.groups + other.groups,
            targets=self.targets + other.targets,
            first=max(self.first, other.first),
            last=min(self.last, other.last),
            night=other.night if self.night is None else self.night,
            shortest=max((it for it in (self.shortest, other.shortest) if it is not None), default=None),
        )


@dataclass(frozen=True)
class Sight:
    """What a viewer may see: what is released by a moment, and what is of some proposals."""

    now: int  # microseconds since 1970
    proposals: Collection[str] = ()
    is_everything: bool = False


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
        self._of_target = _all([_test_names(columns.targets.values, test) for test in condition.targets])
        self._own = columns.groups.having("proposal_id", sight.proposals) if sight.proposals else None

    def count(self) -> int:
        return sum(np.count_nonzero(self._test(places)) for places in self._list_places())

    def count_values(self, *fields: str) -> dict[str, dict[Any, int]]:
        """Return how many frames have each value, by the names of some fields of `GROUPED`."""
        found = [self._columns["group"][places][self._test(places)] for places in self._list_places()]
        counts = np.bincount(np.concatenate([np.empty(0, np.uint32), *found]), minlength=len(self._columns.groups))
        return {name: self._columns.groups.add_up(name, counts) for name in fields}

    def find_newest(self, number: int, *, is_reversed: bool = False) -> Numbers:
        """Return the ids of the newest frames by observation and then id, or of the oldest, in this order."""
        sign = -1 if is_reversed else 1
        times, ids = np.empty(0, np.int64), np.empty(0, np.int64)
        for places, newest_of_rest in self._walk(is_reversed):
            kept = np.flatnonzero(self._test(places))
            ids = np.concatenate([ids, kept + places.start if isinstance(places, slice) else places[kept]])
            times = np.concatenate([times, sign * self._columns["observed"][places][kept]])
            if len(ids) > number:
                threshold = np.partition(times, len(times) - number)[len(times) - number]
                times, ids = times[times >= threshold], ids[times >= threshold]
                if newest_of_rest < threshold:
                    break
        return ids[np.lexsort((-sign * ids, -times))][:number]

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
        if condition.night is not None:
            kept &= columns["night"][places] == condition.night
        if condition.shortest is not None:
            kept &= columns["exposure_time"][places] >= condition.shortest
        return kept

    def _list_places(self) -> Iterator[Places]:
        return (places for places, _ in self._walk(False))

    def _walk(self, is_reversed: bool) -> Iterator[tuple[Places, int]]:
        """Give what may be of the selection, block by block, and the newest observation of the blocks to come."""
        if self._ids is not None:
            yield self._ids, UNLISTED
            return
        blocks = self._columns.find_blocks(self._condition.first, self._condition.last)
        newest = [self._columns.newest_of(block) for block in blocks]
        if is_reversed:
            blocks = blocks[np.argsort([self._columns.oldest_of(block) for block in blocks], kind="stable")]
            newest = [-self._columns.oldest_of(block) for block in blocks]
        for block, of_rest in zip(blocks.tolist(), [*newest[1:], UNLISTED], strict=bool(newest)):
            yield slice(block * BLOCK, (block + 1) * BLOCK), of_rest


def _all(tests: list[Flags]) -> Flags | None:
    return np.logical_and.reduce(tests) if tests else None


def _test_names(names: Collection[str], test: Callable[[str], bool]) -> Flags:
    return np.fromiter(map(test, names), bool, len(names))
