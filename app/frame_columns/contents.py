"""How many frames of each block have what: most blocks are counted, or passed over, without a look at their frames.

Ids follow the time of arrival, so that a block has a few nights' frames: a few of all targets, proposals and fields.
What is hidden from the world for now is counted apart, as it is that of some viewers only.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from app.frame_columns.names import Flags, Numbers

MANY = 100  # flagged numbers, from which on to look a sum up is quicker than to add it up
MOST_KEPT = 32  # sums; each takes 8 bytes a block, and a bit a number


@dataclass(frozen=True, eq=False)
class Contents:
    """How many frames of each block have each number of one array.

    Attributes
    ----------
    blocks, counts
        The blocks that have the number 0, and how many times; then those that have 1, and so on.
    starts
        Where each number's begin, and where the last one's end.
    """

    blocks: Numbers
    counts: Numbers
    starts: Numbers

    @classmethod
    def count(cls, blocks: int, list_numbers: Callable[[int], Numbers]) -> "Contents":
        """Count the numbers of each block, which `list_numbers` lists."""
        counted = [np.unique(list_numbers(block), return_counts=True) for block in range(blocks)]
        numbers, counts = (np.concatenate(part).astype(np.uint32) for part in zip(*counted, strict=True))
        of = np.repeat(np.arange(blocks, dtype=np.uint32), [len(found) for found, _ in counted])
        order = np.argsort(numbers, kind="stable")
        starts = np.searchsorted(numbers[order], np.arange(int(numbers.max(initial=0)) + 2))
        return cls(of[order], counts[order], starts)

    def add_up(self, flags: Flags, blocks: int) -> Numbers:
        """Return how many frames of each block have a number that is flagged; of many, what was asked last is kept."""
        flags = flags[: len(self.starts) - 1]
        wanted = np.flatnonzero(flags)
        if len(wanted) < MANY:
            return self._add_up(wanted, blocks)
        key = np.packbits(flags).tobytes()
        sums = self._kept.get(key)
        if sums is None:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[key] = sums = self._add_up(wanted, blocks)
            sums.flags.writeable = False
        return sums

    @cached_property
    def _kept(self) -> dict[bytes, Numbers]:
        """Sums by the numbers that were flagged: a filter or a site has thousands, and is asked for page by page."""
        return {}

    def _add_up(self, wanted: Numbers, blocks: int) -> Numbers:
        places = list_places(self.starts, wanted)
        return _bincount(self.blocks[places], self.counts[places], blocks)

    def add_up_all(self, blocks: int) -> Numbers:
        """Return how many frames each block has."""
        return _bincount(self.blocks, self.counts, blocks)

    def count_numbers(self, blocks: Flags, size: int) -> Numbers:
        """Return how many frames of some blocks have each number, for the first `size` numbers."""
        places = np.flatnonzero(blocks[self.blocks])
        numbers = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))[places]
        return _bincount(numbers, self.counts[places], size)


@dataclass(frozen=True, eq=False)
class Inventory:
    """What the listed frames of each block have.

    Attributes
    ----------
    listed
        How many there are of each block.
    contents
        By the name of the array.
    """

    listed: Numbers
    contents: Mapping[str, Contents]


@dataclass(frozen=True, eq=False)
class Lists:
    """The ids of frames by a number that each has.

    Attributes
    ----------
    ids, starts
        Those of the frames that have 0, then those of the ones that have 1, and so on; where each number's begin, and
        where the last one's end.
    """

    ids: Numbers
    starts: Numbers

    @classmethod
    def sort(cls, ids: Numbers, numbers: Numbers, size: int) -> "Lists":
        """Sort ids by numbers that are less than `size`."""
        order = np.argsort(numbers, kind="stable")
        return cls(ids[order].astype(np.uint32), np.searchsorted(numbers[order], np.arange(size + 1)))

    def list_ids(self, flags: Flags, most: int | None = None) -> Numbers | None:
        """List the ids of the frames whose numbers are flagged; None: there are more than `most`."""
        wanted = np.flatnonzero(flags[: len(self.starts) - 1])
        if most is not None and (self.starts[wanted + 1] - self.starts[wanted]).sum() > most:
            return None
        return self.ids[list_places(self.starts, wanted)].astype(np.int64)


@dataclass(frozen=True, eq=False)
class Releases:
    """When some frames will be public: the moments in order, in microseconds since 1970, and the ids of the frames."""

    moments: Numbers
    ids: Numbers

    @classmethod
    def sort(cls, moments: Numbers, ids: Numbers) -> "Releases":
        order = np.argsort(moments, kind="stable")
        return cls(moments[order], ids[order])

    def list_ids(self, now: int) -> Numbers:
        """List the ids of those that are public by a moment."""
        return self.ids[: np.searchsorted(self.moments, now, "right")]


@dataclass(frozen=True, eq=False)
class Settled:
    """What was counted of all blocks at a moment.

    Attributes
    ----------
    moment
        Microseconds since 1970.
    everything, open
        All listed frames, and those that the world may see from the moment on.
    closed, releases
        The others, by their proposals, and by when they are public.
    in_cells
        All, by the cells of the sky.
    """

    moment: int
    everything: Inventory
    open: Inventory
    closed: Lists
    releases: Releases
    in_cells: Lists


def list_places(starts: Numbers, wanted: Numbers) -> Numbers:
    """List the places from `starts[n]` to `starts[n + 1]` for each wanted n."""
    lengths = starts[wanted + 1] - starts[wanted]
    ends = np.cumsum(lengths)
    return np.repeat(starts[wanted] - (ends - lengths), lengths) + np.arange(ends[-1] if len(ends) else 0)


def take_inventory(names: Iterable[str], blocks: int, list_numbers: Callable[[str, int], Numbers]) -> Inventory:
    """Count what each block has of each array; `list_numbers` lists the numbers of an array in a block."""
    contents = {name: Contents.count(blocks, partial(list_numbers, name)) for name in names}
    return Inventory(next(iter(contents.values())).add_up_all(blocks), contents)


def _bincount(values: Numbers, weights: Numbers, size: int) -> Numbers:
    counts: Numbers = np.bincount(values, weights, minlength=size)[:size].astype(np.int64)
    return counts
