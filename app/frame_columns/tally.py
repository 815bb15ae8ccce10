"""How many frames have which values."""

from collections.abc import Collection
from typing import Any

import numpy as np

from app.frame_columns.columns import Columns, Places, array_of, names_of, take_flags
from app.frame_columns.contents import Inventory
from app.frame_columns.names import COUNTED, Flags, Numbers


class Tally:
    """How many frames there are with each value of some fields.

    Parameters
    ----------
    fields
        Of `COUNTED`; fewer take less time.
    """

    def __init__(self, columns: Columns, fields: Collection[str] = COUNTED) -> None:
        self._columns = columns
        sizes = {"group": len(columns.groups), "proposal": len(columns.proposals)}
        wanted = {array_of(field) for field in fields}
        self._counts = {name: np.zeros(size, np.int64) for name, size in sizes.items() if name in wanted}

    def add(self, places: Places) -> None:
        """Count some more frames."""
        for name, counts in self._counts.items():
            counts += np.bincount(self._columns[name][places], minlength=len(counts))[: len(counts)]

    def add_blocks(self, blocks: Flags, inventory: Inventory) -> None:
        """Count all frames of some blocks more, as an inventory has them."""
        for name, counts in self._counts.items() if blocks.any() else ():
            counts += inventory.contents[name].count_numbers(blocks, len(counts))

    def list_values(self, field: str) -> list[Any]:
        """List the values of a field that they have, sorted."""
        names = names_of(self._columns, field)
        return sorted(names[number] for number in np.flatnonzero(self._count(field)))

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

    def _count(self, field: str) -> Numbers:
        """Return how many have each value of a field."""
        counts = self._counts[array_of(field)]
        if array_of(field) != "group":
            return counts
        return np.bincount(self._columns.groups.numbers_of(field)[: len(counts)], weights=counts)
