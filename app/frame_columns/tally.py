"""How many frames have which values."""

from collections.abc import Collection
from typing import Any

import numpy as np

from app.frame_columns.columns import Columns, Places, array_of, names_of, take_flags
from app.frame_columns.conditions import Condition
from app.frame_columns.contents import Inventory
from app.frame_columns.names import COUNTED, Flags, Numbers


class Tally:
    """How many frames there are with each value of some fields.

    Parameters
    ----------
    fields
        Of `COUNTED`, and observation_day, of which the values are days since 1970; fewer take less time.
    """

    def __init__(self, columns: Columns, fields: Collection[str] = COUNTED) -> None:
        self._columns = columns
        sizes = {"group": len(columns.groups), "proposal": len(columns.proposals), "night": len(columns.nights)}
        wanted = {array_of(field) for field in fields}
        self._counts = {name: np.zeros(size, np.int64) for name, size in sizes.items() if name in wanted}

    def add(self, places: Places, weight: float = 1.0) -> None:
        """Count some more frames, each as so many."""
        for name, counts in self._counts.items():
            found = np.bincount(self._columns[name][places], minlength=len(counts))[: len(counts)]
            counts += found if weight == 1.0 else np.rint(found * weight).astype(np.int64)

    def add_blocks(self, blocks: Flags, inventory: Inventory) -> None:
        """Count all frames of some blocks more, as an inventory has them."""
        for name, counts in self._counts.items() if blocks.any() else ():
            counts += inventory.contents[name].count_numbers(blocks, len(counts))

    def list_values(self, field: str) -> list[Any]:
        """List the values of a field that they have, sorted."""
        return sorted(self.count_values(field))

    def count_values(self, field: str, condition: Condition | None = None) -> dict[Any, int]:
        """Return how many there are of each value of a field, but of none; of groups, of those that meet a condition.

        Parameters
        ----------
        condition
            Of which the tests of groups are made.
        """
        counts, names = self._count(field, condition), names_of(self._columns, field)
        return {names[place]: int(counts[place]) for place in np.flatnonzero(counts) if names[place] is not None}

    def has_news(self, fields: Collection[str], ids: Numbers) -> Flags:
        """Say of some frames whether they have, in one of some fields, a value that none of the counted ones has."""
        is_news = np.zeros(len(ids), bool)
        for field in fields:
            is_missing, array = self._count(field) == 0, array_of(field)
            if array == "group":
                is_missing = take_flags(
                    is_missing, self._columns.groups.numbers_of(field)[: len(self._counts["group"])]
                )
            is_news |= take_flags(np.append(is_missing, False), self._columns[array][ids])
        return is_news

    def _count(self, field: str, condition: Condition | None = None) -> Numbers:
        """Return how many have each value of a field."""
        counts = self._counts[array_of(field)]
        if array_of(field) != "group":
            return counts
        for test in condition.groups if condition else ():
            counts = counts * test(self._columns)[: len(counts)]
        return np.bincount(self._columns.groups.numbers_of(field)[: len(counts)], weights=counts)
