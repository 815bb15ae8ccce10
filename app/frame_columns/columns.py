"""What searches, counts and facets need of every frame, in memory: arrays in which a frame's id is its place."""

import re
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from app.fields import to_ascii
from app.frame_columns.basenames import Parts, split_basename
from app.frame_columns.contents import Lists, Releases, Settled, take_inventory
from app.frame_columns.footprints import CELLS, find_caps
from app.frame_columns.names import Flags, Groups, Names, Numbers

#: What a frame has: times are microseconds since 1970; the last six tell about where its footprint is.
DTYPES = {
    "group": np.uint32,
    "target": np.uint32,
    "proposal": np.uint32,
    "night": np.uint32,
    "head": np.uint32,
    "tail": np.uint32,
    "exposure_time": np.float64,
    "observed": np.int64,
    "released": np.int64,
    "cell": np.uint16,
    "x": np.float32,
    "y": np.float32,
    "z": np.float32,
    "reach": np.float32,
    "inner": np.float32,
}
#: What a block of frames has, among those that lists show: zone maps, by which most blocks are known without a look.
BLOCK_DTYPES = {"newest": np.int64, "oldest": np.int64, "last_release": np.int64, "listed": np.int64}
BLOCK = 2**16  # frames; ids follow the time of arrival, so that the newest observations are in few blocks
UNLISTED = np.iinfo(np.int64).min  # observed: there is no such frame, or none that lists show
NEVER = np.iinfo(np.int64).max  # released
NO_TIME = -sys.float_info.max  # exposure_time
BETWEEN = "\0"  # names that are looked through together: no search has it
#: Arrays of which it is counted what each block has.
CONTENTS = ("group", "proposal", "night", "target", "cell", "head")
#: Which of a row's values `Columns.put` takes as they are.
OWN = ("exposure_time", "released", "observed")
#: The arrays of fields that lists are sorted or counted by; of all others it is the groups'.
ARRAYS = {"target_name": "target", "proposal_id": "proposal", "observation_day": "night"}
Places = slice | Numbers
"""Ids of frames, in a row or one by one."""


class Naming(NamedTuple):
    """What has numbers."""

    groups: Groups
    targets: Names
    proposals: Names
    nights: Names  # in days since 1970; None: of no night
    heads: Parts  # of basenames
    tails: Parts
    targets_ascii: list[str]  # each target's name as searches know it


class Columns:
    """The arrays, and the names of what they have numbers of.

    Other threads read while one writes: a frame is unlisted until all that is known of it is written, and who meets a
    number that was given since takes it for none of those that were asked for.

    Parameters
    ----------
    arrays
        One for each of `DTYPES`, as long as there is room, a whole number of blocks; for each of `BLOCK_DTYPES`; and
        `cell_reach`.
    """

    def __init__(self, arrays: Mapping[str, Numbers], names: Naming) -> None:
        self.arrays = dict(arrays)
        self.groups, self.targets, self.proposals, self.nights = names[:4]
        self.heads, self.tails, self.targets_ascii = names.heads, names.tails, names.targets_ascii
        self._joined_targets: tuple[str, Numbers] = "", np.empty(0, np.int64)
        self.settled: Settled | None = None
        self.is_known = np.zeros(len(self["newest"]), bool)  # of each block: whether `settled` is still true of it

    @classmethod
    def make(cls, size: int) -> "Columns":
        """Return columns with room for some frames, and none in them."""
        arrays = {name: np.zeros(length, dtype) for name, (length, dtype) in find_shapes(size).items()}
        columns = cls(arrays, Naming(Groups(), Names(), Names(), Names(), Parts.make(), Parts.make(), []))
        columns.clear_blocks()
        return columns

    def __len__(self) -> int:
        return len(self.arrays["group"])

    def __getitem__(self, name: str) -> Numbers:
        return self.arrays[name]

    def read(self, name: str, ids: Numbers) -> Numbers:
        """Return what some frames have of an array, or as objects, of a field of `GROUPED`."""
        if name in self.arrays:
            return self[name][ids]
        numbers = self.groups.numbers_of(name).take(self["group"][ids], mode="clip")
        return np.array(self.groups.names[name].values, object).take(numbers)

    def clear_blocks(self) -> None:
        self["observed"][:] = UNLISTED
        self._look_at_blocks(range(len(self["newest"])))

    def put(self, rows: Sequence[Sequence[Any]], gone: Collection[int] = ()) -> None:
        """Write some frames, and forget some.

        Parameters
        ----------
        rows
            Of each frame its id, its basename, the target's name, its proposal, its night, the values of `OWN`, its
            footprint's ring as packed numbers, and the values of `GROUPED`.
        gone
            Ids of frames that are no more.
        """
        changed = [frame_id for frame_id in gone if frame_id < len(self)]
        self.is_known[[frame_id // BLOCK for frame_id in changed]] = False
        self["observed"][changed] = UNLISTED
        if rows:
            ids, basenames, targets, proposals, nights, *others = zip(*rows, strict=True)
            exposure_time, released, observed, areas, *grouped = others
            self._make_room(max(ids) + 1)
            places = np.array(ids)
            blocks = np.unique(places // BLOCK)  # about which nothing is known until the end
            self["listed"][blocks], self["last_release"][blocks], self.is_known[blocks] = 0, NEVER, False
            self["observed"][places] = UNLISTED
            self["group"][places] = list(map(self.groups.number, zip(*grouped, strict=True)))
            parts = list(map(split_basename, basenames))
            self["head"][places] = [self.heads.number(head) for head, _ in parts]
            self["tail"][places] = [self.tails.number(tail) for _, tail in parts]
            self["target"][places] = list(map(self._number_target, targets))
            self["proposal"][places] = list(map(self.proposals.number, proposals))
            self["night"][places] = list(map(self.nights.number, nights))
            self._put_caps(places, areas)
            for name, values in zip(OWN, (exposure_time, released, observed), strict=True):
                self[name][places] = values
            changed.extend(ids)
        self._look_at_blocks({place // BLOCK for place in changed})

    def settle(self, moment: int) -> Settled:
        """Get ready for a file: freeze the basenames' parts, and count what each block has, as long as it is so."""
        blocks = len(self.is_known)

        def list_numbers(name: str, block: int, until: int = NEVER) -> Numbers:
            place = slice(block * BLOCK, (block + 1) * BLOCK)
            is_wanted = (self["observed"][place] != UNLISTED) & (self["released"][place] <= until)
            numbers: Numbers = self[name][place][is_wanted]
            return numbers

        listed = np.flatnonzero(self["observed"] != UNLISTED)
        closed = listed[self["released"][listed] > moment]
        self.settled = Settled(
            moment,
            take_inventory(CONTENTS, blocks, list_numbers),
            take_inventory(CONTENTS, blocks, partial(list_numbers, until=moment)),
            Lists.sort(closed, self["proposal"][closed], len(self.proposals)),
            Releases.sort(self["released"][closed], closed),
            Lists.sort(listed, self["cell"][listed], CELLS),
        )
        self.is_known[:] = True
        self.heads, self.tails = self.heads.freeze(), self.tails.freeze()
        return self.settled

    def find_blocks(self, first: int, last: int) -> Numbers:
        """Return the blocks that may have frames observed between two times."""
        return np.flatnonzero((self["newest"] >= first) & (self["oldest"] <= last))

    def _put_caps(self, places: Numbers, areas: Sequence[bytes | None]) -> None:
        caps = find_caps(areas)
        for name, values in caps.items():
            self[name][places] = values
        np.maximum.at(self["cell_reach"], caps["cell"], caps["reach"])

    def _number_target(self, name: str) -> int:
        number = self.targets.number(name)
        if number == len(self.targets_ascii):
            self.targets_ascii.append(to_ascii(name))
        return number

    def find_in_targets(self, text: str) -> Flags:
        """Say of each target whether its name, transliterated, has a text in it."""
        names, (joined, ends) = self.targets_ascii, self._joined_targets
        if len(ends) != len(names):
            joined = BETWEEN.join([*names, ""])
            ends = np.cumsum([len(name) + 1 for name in names])
            self._joined_targets = joined, ends
        found = np.zeros(len(ends), bool)
        places = [match.start() for match in re.finditer(re.escape(text), joined)]
        found[np.searchsorted(ends, places, "right")] = True
        return found

    def _make_room(self, size: int) -> None:
        if size <= len(self):
            return
        larger = Columns.make(max(size, len(self) * 5 // 4))
        for name, array in self.arrays.items():
            larger[name][: len(array)] = array
        larger.is_known[: len(self.is_known)] = self.is_known
        self.arrays, self.is_known = larger.arrays, larger.is_known

    def _look_at_blocks(self, blocks: Iterable[int]) -> None:
        for block in blocks:
            place = slice(block * BLOCK, (block + 1) * BLOCK)
            observed = self["observed"][place]
            is_listed = observed != UNLISTED
            listed = observed[is_listed]
            self["newest"][block] = listed.max(initial=UNLISTED)
            self["oldest"][block] = listed.min(initial=NEVER)
            self["last_release"][block] = self["released"][place][is_listed].max(initial=UNLISTED)
            self["listed"][block] = len(listed)


def find_shapes(size: int) -> dict[str, tuple[int, Any]]:
    """Return the length and the type of each array that columns with room for some frames have."""
    blocks = max(-(-size // BLOCK), 1)
    return {
        **{name: (blocks * BLOCK, dtype) for name, dtype in DTYPES.items()},
        **{name: (blocks, dtype) for name, dtype in BLOCK_DTYPES.items()},
        "cell_reach": (CELLS, np.float32),
    }


def array_of(field: str) -> str:
    """Return the array that has the numbers of a field's values, or of their groups."""
    return ARRAYS.get(field, "group")


def names_of(columns: Columns, field: str) -> list[Any]:
    """Return the values of a field in the order of their numbers."""
    array = array_of(field)
    if array == "group":
        return columns.groups.names[field].values
    return {"target": columns.targets, "proposal": columns.proposals, "night": columns.nights}[array].values


def take_flags(flags: Numbers, numbers: Numbers) -> Numbers:
    """Return the flag of each number; of those given since the flags were made, the last."""
    return flags.take(numbers, mode="clip")
