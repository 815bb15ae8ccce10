"""How many frames of each block have what: most blocks are counted, or passed over, without a look at their frames.

Ids follow the time of arrival, so that a block has a few nights' frames: a few of all targets, proposals and fields.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from app.frame_columns.names import Flags, Numbers


@dataclass(frozen=True, eq=False)
class Contents:
    """The distinct numbers of one array, block by block, and how many listed frames have each.

    Attributes
    ----------
    values, counts
        Those of the first block, then those of the second, and so on.
    starts
        Where each block's begin, and where the last one's end.
    """

    values: Numbers
    counts: Numbers
    starts: Numbers

    @classmethod
    def count(cls, blocks: int, list_numbers: Callable[[int], Numbers]) -> "Contents":
        """Count the numbers of each block, which `list_numbers` lists."""
        counted = [np.unique(list_numbers(block), return_counts=True) for block in range(blocks)]
        values, counts = (np.concatenate(part).astype(np.uint32) for part in zip(*counted, strict=True))
        return cls(values, counts, np.concatenate([[0], np.cumsum([len(found) for found, _ in counted])]))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def add_up(self, flags: Flags) -> Numbers:
        """Return how many frames of each block have a number that is flagged."""
        totals = np.concatenate([[0], np.cumsum(self.counts * flags.take(self.values, mode="clip"))])
        found: Numbers = totals[self.starts[1:]] - totals[self.starts[:-1]]
        return found

    def count_values(self, blocks: Flags, size: int) -> Numbers:
        """Return how many frames of some blocks have each number, for the first `size` numbers."""
        is_in = np.repeat(blocks, np.diff(self.starts))
        counts = np.bincount(self.values[is_in], weights=self.counts[is_in], minlength=size)
        return counts[:size].astype(np.int64)
