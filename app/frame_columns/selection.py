"""Which frames a search finds for a viewer, from the columns alone: how many, which values, which are on a page."""

import functools
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.frame_columns.basenames import match_names
from app.frame_columns.columns import BLOCK, NEVER, UNLISTED, Columns, Places, take_flags
from app.frame_columns.conditions import Condition
from app.frame_columns.contents import Inventory
from app.frame_columns.names import COUNTED, Flags, Numbers
from app.frame_columns.neighbours import CAPS, Neighbours
from app.frame_columns.order import Order
from app.frame_columns.tally import Tally

MOST_IN_CELLS = 50_000  # frames that are looked at one by one; of more, blocks in the list's order are quicker


@dataclass(frozen=True)
class Sight:
    """What a viewer may see: what is released by a moment, and what is of some proposals."""

    now: int  # microseconds since 1970
    proposals: Collection[str] = ()
    is_everything: bool = False


class Selection:
    """The frames that meet a condition, and that a viewer may see.

    Of some of them, where footprints are asked for, the columns don't know whether they do: those are unsure.

    Parameters
    ----------
    ids
        The frames among which to look; None: all.
    """

    def __init__(self, columns: Columns, condition: Condition, sight: Sight, ids: Numbers | None = None) -> None:
        self._columns, self._condition, self._sight = columns, condition, sight
        self._ids = None if ids is None else ids[ids < len(columns)]
        self._matches = [match_names(columns.heads, columns.tails, text) for text in condition.names]
        wanted = {
            "head": _both([match.wanted_heads for match in self._matches]),
            "group": _all([test(columns) for test in condition.groups]),
            "proposal": _all([test(columns) for test in condition.proposals]),
            "night": _all([test(columns) for test in condition.nights]),
            "target": _all([test(columns) for test in condition.targets]),
            "cell": _all([place.find_cells(columns["cell_reach"]) for place in condition.places]),
        }
        self._wanted = {name: flags for name, flags in wanted.items() if flags is not None}
        self._own = _all([columns.proposals.among(sight.proposals)] if sight.proposals else [])

    def within(self, ids: Numbers) -> "Selection":
        """Return what of it is among some frames."""
        return Selection(self._columns, self._condition, self._sight, ids)

    def count(self) -> tuple[int, Numbers]:
        """Return how many are sure, and the ids of the others."""
        is_told, counts = self._told
        own = self._count_own(is_told)
        count, unsure = int(counts.sum()) + (own or 0), [np.empty(0, np.int64)]
        for found, is_sure, _ in self._walk(is_told, is_own_told=own is not None):
            if is_sure is None:
                count += _size(found)
            else:
                count += int(np.count_nonzero(is_sure))
                unsure.append(_to_ids(found, ~is_sure))
        return count, np.concatenate(unsure)

    def tally(self, fields: Collection[str] = COUNTED) -> tuple[Tally, Numbers]:
        """Return what the sure ones are of in some fields, and the ids of the others."""
        tally, unsure = Tally(self._columns, fields), [np.empty(0, np.int64)]
        is_told, counts = self._told
        if self._inventory is not None:
            is_whole = is_told & (counts == _pad(self._inventory.listed, len(counts))) & (counts > 0)
            tally.add_blocks(is_whole, self._inventory)
            is_told = is_whole | (is_told & (counts == 0))
        for found, is_sure, _ in self._walk(is_told):
            if is_sure is not None:
                unsure.append(_to_ids(found, ~is_sure))
            tally.add(found if is_sure is None else _to_ids(found, is_sure))
        return tally, np.concatenate(unsure)

    def list_ids(self, most: int | None = None) -> Numbers:
        """Return the ids of it, sure or not: all, or one more than `most`."""
        parts, number = [np.empty(0, np.int64)], 0
        for found, _, _ in self._walk(self._empty):
            parts.append(_to_ids(found))
            number += len(parts[-1])
            if most is not None and number > most:
                break
        return np.concatenate(parts)[: None if most is None else most + 1]

    def read(self, names: Collection[str]) -> tuple[Numbers, dict[str, Numbers]]:
        """Return the ids of it, sure or not, and of each its values of some arrays, or of fields of `GROUPED`."""
        ids = self.list_ids()
        return ids, {name: self._columns.read(name, ids) for name in names}

    def sort_by_place(self) -> Neighbours:
        """Return it, without what is asked of the sky, in the order of the sky."""
        return Neighbours(self._columns, self.list_ids())

    def sample(self, size: int, number: int) -> Numbers:
        """Return about so many ids, spread evenly, out of as many as there are; all if there are not more."""
        if number <= size:
            return self.list_ids()
        random, step, parts = np.random.default_rng(0), -(-number // size), [np.empty(0, np.int64)]
        for found, _, _ in self._walk(self._empty):
            ids = _to_ids(found)
            places = np.arange(0, len(ids), step)
            places += random.integers(step, size=len(places))
            parts.append(ids[places[places < len(ids)]])
        return np.concatenate(parts)

    def find_first(self, number: int, order: Order) -> tuple[Numbers, Flags]:
        """Return the ids of the first frames in an order, and of each whether it is sure."""
        limit = None if order.after is None else (order.find_key(self._columns, order.after[0]), order.after[1])
        find_keys = order.make_key(self._columns)
        keys, ids, sure = np.empty(0), np.empty(0, np.int64), np.empty(0, bool)
        for places, is_sure, best_of_rest in self._walk(self._empty, order):
            found = _to_ids(places)
            found_sure = np.ones(len(found), bool) if is_sure is None else is_sure
            found_keys = find_keys(found)
            if limit is not None:
                is_after = found_keys > limit[0]
                is_after |= (found_keys == limit[0]) & (order.sign * found > order.sign * limit[1])
                found, found_keys, found_sure = found[is_after], found_keys[is_after], found_sure[is_after]
            keys, ids = np.concatenate([keys.astype(found_keys.dtype), found_keys]), np.concatenate([ids, found])
            sure = np.concatenate([sure, found_sure])
            if len(ids) > number:
                threshold = np.partition(keys, number - 1)[number - 1]
                first = _find_least(keys, order.sign * ids, threshold, number)
                keys, ids, sure = keys[first], ids[first], sure[first]
                if best_of_rest > threshold:
                    break
        sequence = np.lexsort((order.sign * ids, keys))[:number]
        return ids[sequence], sure[sequence]

    def make_tally(self, fields: Collection[str]) -> Tally:
        """Return a tally in which there is nothing yet."""
        return Tally(self._columns, fields)

    def _walk(
        self, told: Flags, order: Order | None = None, *, is_own_told: bool = False
    ) -> Iterator[tuple[Places, Flags | None, float]]:
        """Give what is of the selection, which of it is sure (None: all), and the least key that may still come.

        Parameters
        ----------
        told
            Blocks of which there is nothing to give but what the inventory does not have.
        is_own_told
            Whether there is nothing to give of the hidden frames of the viewer's own in these blocks, either.
        """
        for places, is_seen, bound in self._split(told, order, is_own_told):
            if "cell" in self._wanted:  # which leaves few
                places = _to_ids(places, take_flags(self._wanted["cell"], self._columns["cell"][places]))
            kept = self._test(places, is_seen=is_seen)
            found = places if kept is None else _to_ids(places, kept)
            if self._condition.places:
                found = _to_ids(found)
                caps = {name: self._columns[name][found] for name in CAPS}
                may, sure = np.logical_and.reduce([place.classify(caps) for place in self._condition.places])
                yield found[may], sure[may], bound
            else:
                yield found, None, bound

    def _split(self, told: Flags, order: Order | None, is_own_told: bool) -> Iterator[tuple[Places, bool, float]]:
        """Give all that may be of the selection, but for what was told: block by block.

        Beside each goes whether the viewer is known to see it, and the least key that may still come.
        """
        if self._ids is not None:
            yield self._ids, False, np.inf
            return
        if len(beside := self._list_beside(told, is_own_told)):
            yield beside, True, -np.inf
        if (in_cells := self._list_in_cells()) is not None:
            is_known = self._columns.is_known.copy()
            told = _pad(told, len(is_known))
            yield in_cells[(is_known & ~told)[in_cells // BLOCK]], False, -np.inf
            told = told | is_known
        first, last = (UNLISTED, NEVER) if order is None else order.times
        blocks = self._columns.find_blocks(max(first, self._condition.first), min(last, self._condition.last))
        blocks = blocks[~_pad(told, len(self._columns.is_known))[blocks]]
        bounds = np.full(len(blocks), -np.inf)
        if order is not None and order.is_by_time:
            bounds = -self._columns["newest"][blocks] if order.is_descending else self._columns["oldest"][blocks]
        sequence = np.argsort(bounds, kind="stable")
        of_rest = [*bounds[sequence][1:].tolist(), np.inf]
        for block, bound in zip(blocks[sequence].tolist(), of_rest, strict=False):
            yield slice(block * BLOCK, (block + 1) * BLOCK), False, bound

    def _test(self, places: Places, *, is_seen: bool) -> Flags | None:
        """Say of some frames whether they are of the selection, but for footprints; None: all of them are.

        Parameters
        ----------
        is_seen
            Whether it is known that lists show them all, and to this viewer.
        """
        columns, condition = self._columns, self._condition
        tests: list[Flags] = []
        is_full = (is_seen and condition.is_of_any_time) or (self._is_full(places) and self._is_within_times(places))
        if not is_full:
            observed = columns["observed"][places]
            tests += [observed >= condition.first, observed <= condition.last]
        if not is_seen and not self._is_released(places):
            seen: Flags = columns["released"][places] <= self._sight.now
            tests.append(seen if self._own is None else seen | take_flags(self._own, columns["proposal"][places]))
        tests += [take_flags(flags, columns[name][places]) for name, flags in self._wanted.items()]
        for match in self._matches:
            if not match.is_by_heads:
                tests.append(
                    (
                        take_flags(match.heads, columns["head"][places])
                        & take_flags(match.tails, columns["tail"][places])
                    )
                    != 0
                )
        tests += [test(columns, places) for test in condition.frames]
        return functools.reduce(np.logical_and, tests) if tests else None

    @functools.cached_property
    def _inventory(self) -> Inventory | None:
        """What was counted of the frames that this viewer may see at least."""
        settled = self._columns.settled
        if settled is None or self._ids is not None:
            return None
        if self._sight.is_everything:
            return settled.everything
        return settled.open if self._sight.now >= settled.moment else None

    def _list_beside(self, told: Flags, is_own_told: bool) -> Numbers:
        """List the frames of some blocks that the viewer may see although the inventory does not have them."""
        settled = self._columns.settled
        if settled is None or self._inventory is not settled.open or not told.any():
            return np.empty(0, np.int64)
        ids = settled.releases.list_ids(self._sight.now)
        if self._own is not None:
            ids = ids[~take_flags(self._own, self._columns["proposal"][ids])]
            if not is_own_told:
                ids = np.concatenate([ids, settled.closed.list_ids(self._own)])
        beside: Numbers = ids[told[ids // BLOCK]]
        return beside

    def _list_in_cells(self) -> Numbers | None:
        """List the frames of known blocks that are in wanted cells; None: all are wanted, or there are too many."""
        if self._columns.settled is None or "cell" not in self._wanted:
            return None
        return self._columns.settled.in_cells.list_ids(self._wanted["cell"], MOST_IN_CELLS)

    def _count_own(self, told: Flags) -> int | None:
        """Count the hidden frames of the viewer's own in some blocks by what each has; None: that does not tell it."""
        settled, own = self._columns.settled, self._own
        if settled is None or self._inventory is not settled.open or own is None:
            return 0
        if self._wanted.keys() - {"proposal"} or self._is_picky or not self._is_within[told].all():
            return None
        if "proposal" in self._wanted:
            own = own & self._wanted["proposal"]
        size = len(settled.open.listed)
        everything, open_ = (each.contents["proposal"].add_up(own, size) for each in (settled.everything, settled.open))
        return int((everything - open_)[told[:size]].sum())

    @functools.cached_property
    def _told(self) -> tuple[Flags, Numbers]:
        """Of each block, whether the inventory tells how much of it is of the selection, and how many frames that is.

        It does if the frames need only have, in one array at most, some of the numbers that were counted; and where
        none has such.
        """
        inventory, is_told = self._inventory, self._columns.is_known.copy()
        if inventory is None:
            return np.zeros_like(is_told), np.zeros(len(is_told), np.int64)
        size = len(inventory.listed)
        met = [inventory.contents[name].add_up(flags, size) for name, flags in self._wanted.items()]
        counts = np.minimum.reduce([inventory.listed, *met])
        is_exact = np.sum([each != inventory.listed for each in met], axis=0) <= 1
        is_exact &= self._is_within[:size] & (not self._is_picky)
        is_told[:size] &= is_exact | (counts == 0)
        is_told[size:] = False
        return is_told, np.where(is_told, _pad(counts, len(is_told)), 0)

    @functools.cached_property
    def _is_within(self) -> Flags:
        """Of each block, whether all its listed frames are observed when they should be."""
        is_within: Flags = self._columns["oldest"] >= self._condition.first
        return is_within & (self._columns["newest"] <= self._condition.last)

    @property
    def _is_picky(self) -> bool:
        """Whether there is a condition of which no inventory tells anything."""
        is_by_parts = any(not match.is_by_heads for match in self._matches)
        return bool(self._condition.frames or self._condition.places) or is_by_parts

    @property
    def _empty(self) -> Flags:
        """The blocks of which the inventory tells that they have nothing."""
        is_told, counts = self._told
        is_empty: Flags = is_told & (counts == 0)
        return is_empty

    def _is_within_times(self, places: Places) -> bool:
        return isinstance(places, slice) and bool(self._is_within[places.start // BLOCK])

    def _is_full(self, places: Places) -> bool:
        """Say whether lists show all frames of a block."""
        return isinstance(places, slice) and bool(self._columns["listed"][places.start // BLOCK] == BLOCK)

    def _is_released(self, places: Places) -> bool:
        """Say whether the viewer may see all listed frames of a block."""
        if self._sight.is_everything:
            return True
        return isinstance(places, slice) and bool(
            self._columns["last_release"][places.start // BLOCK] <= self._sight.now
        )


def _find_least(keys: Numbers, ids: Numbers, threshold: Any, number: int) -> Numbers:
    """Return the places of so many least keys; of the keys at the threshold, which may be many, by their ids."""
    less, equal = np.flatnonzero(keys < threshold), np.flatnonzero(keys == threshold)
    equal = equal[np.argsort(ids[equal])[: number - len(less)]]
    return np.concatenate([less, equal])


def _all(tests: list[Flags]) -> Flags | None:
    """Return what holds by all of some tests of each number, and last False: for numbers given since."""
    return np.append(np.logical_and.reduce(tests), False) if tests else None


def _both(tests: list[Flags]) -> Flags | None:
    """Return what holds by all of some tests, which end as those of `_all` do."""
    return np.logical_and.reduce(tests) if tests else None


def _size(places: Places) -> int:
    return places.stop - places.start if isinstance(places, slice) else len(places)


def _pad(values: Numbers, size: int) -> Numbers:
    """Return as many values as there are blocks by now; the new ones are 0."""
    return np.append(values, np.zeros(size - len(values), values.dtype)) if len(values) < size else values


def _to_ids(places: Places, kept: Flags | None = None) -> Numbers:
    if isinstance(places, slice):
        return np.arange(places.start, places.stop) if kept is None else np.flatnonzero(kept) + places.start
    return places if kept is None else places[kept]
