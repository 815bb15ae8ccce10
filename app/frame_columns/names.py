"""Texts as numbers. A frame's texts are the same as those of thousands of others.

So each distinct combination of them, a group, has a number, and a frame has that of its group: what a condition says
of a text is decided once for each group.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[Any]
Flags: TypeAlias = NDArray[np.bool_]

#: What makes up a group. Proposals have numbers of their own: with them there would be a hundred times as many groups.
GROUPED = (
    "site_id",
    "telescope_id",
    "instrument_id",
    "primary_optical_element",
    "configuration_type",
    "reduction_level",
)
#: What frames can be counted by.
COUNTED = (*GROUPED, "proposal_id")


class Names:
    """Distinct values, each with a number: its place in the order in which they came."""

    def __init__(self, values: Iterable[Any] = ()) -> None:
        self.values: list[Any] = list(values)
        self._numbers: dict[Any, int] = {value: number for number, value in enumerate(self.values)}

    def __len__(self) -> int:
        return len(self.values)

    def number(self, value: Any) -> int:
        """Return the number of a value, which gets one if it has none."""
        try:
            return self._numbers[value]
        except KeyError:
            number = self._numbers[value] = len(self.values)
            self.values.append(value)
            return number

    def find(self, value: Any) -> int | None:
        return self._numbers.get(value)

    def among(self, values: Iterable[Any]) -> Flags:
        """Say of each value whether it is one of some."""
        wanted = np.zeros(len(self), bool)
        wanted[[number for value in values if (number := self.find(value)) is not None]] = True
        return wanted


class Growing:
    """An array to which values are added at the end."""

    def __init__(self, values: Numbers) -> None:
        self._room, self._size = values, len(values)

    @property
    def values(self) -> Numbers:
        return self._room[: self._size]

    def add(self, value: Any) -> None:
        if self._size == len(self._room):
            self._room = np.concatenate([self._room, np.empty(max(self._size, 1024), self._room.dtype)])
        self._room[self._size] = value
        self._size += 1


class Groups:
    """The distinct combinations of the values of `GROUPED`.

    Parameters
    ----------
    values, numbers
        The distinct values of each field, and of each combination the numbers of its values, if there are any.
    """

    def __init__(
        self, values: Mapping[str, Sequence[Any]] | None = None, numbers: Mapping[str, Numbers] | None = None
    ) -> None:
        empty = np.empty(0, np.uint32)
        self.names = {field: Names(values[field] if values else ()) for field in GROUPED}
        self._numbers = {field: Growing(numbers[field] if numbers else empty) for field in GROUPED}
        self._combinations = Names(
            zip(
                *(map(self.names[field].values.__getitem__, self.numbers_of(field).tolist()) for field in GROUPED),
                strict=True,
            )
        )

    def __len__(self) -> int:
        return len(self._combinations)

    def number(self, values: tuple[Any, ...]) -> int:
        """Return the number of a combination, which gets one if it has none."""
        number = self._combinations.find(values)
        if number is None:
            for field, value in zip(GROUPED, values, strict=True):
                self._numbers[field].add(self.names[field].number(value))
            number = self._combinations.number(values)
        return number

    def numbers_of(self, field: str) -> Numbers:
        """Return the number of each group's value of a field."""
        return self._numbers[field].values

    def having(self, field: str, values: Collection[Any]) -> Flags:
        """Say of each group whether it has one of some values in a field."""
        return self.names[field].among(values).take(self.numbers_of(field), mode="clip")
