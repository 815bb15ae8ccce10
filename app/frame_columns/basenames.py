"""Basenames in two parts, of which there are few: any part of ten million names is found without a look at each.

A basename such as ``lsc1m009-fa04-20261120-0042-e91`` is that of a telescope's night, ``lsc1m009-fa04-20261120-``, and
a number in it, ``0042-e91``. Nights are shared by hundreds of frames, numbers by thousands. What is searched for is in
the one, or in the other, or it ends the one and begins the other: a bit says which, for each distinct part.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from app.frame_columns.names import Flags, Numbers

LONGEST_TAIL = 29  # bytes: a bit for each place at which a text can be cut
IN_HEAD, IN_TAIL, FIRST_CUT = 0, 1, 2  # bits
NEWLINE = b"\n"  # no name has one


def split_basename(basename: str) -> tuple[bytes, bytes]:
    """Return both parts of a basename, in lower case as far as ASCII goes, as databases compare it."""
    name = basename.encode().lower()
    place = name.rfind(b"-", 0, max(name.rfind(b"-"), 0)) + 1
    cut = max(place or len(name) - 4, len(name) - LONGEST_TAIL, 0)
    return name[:cut], name[cut:]


class Parts:
    """Distinct parts of names, each with a number.

    Most are frozen: one text, which processes share. Those that came since are a few.

    Attributes
    ----------
    text
        The frozen ones in the order of their numbers, a newline before each and after the last, as bytes.
    starts
        Where each begins in it, and one beyond the last.
    order
        Their numbers in the order of their bytes.
    """

    def __init__(self, text: Numbers, starts: Numbers, order: Numbers) -> None:
        self.text, self.starts, self.order = text, starts, order
        self._added: dict[bytes, int] = {}

    @classmethod
    def make(cls) -> "Parts":
        """Return no parts."""
        return cls(np.frombuffer(NEWLINE, np.uint8), np.ones(1, np.int64), np.empty(0, np.uint32))

    def __len__(self) -> int:
        return len(self.order) + len(self._added)

    def number(self, part: bytes) -> int:
        """Return the number of a part, which gets one if it has none."""
        number = self._added.get(part)
        if number is None:
            number = self._find_frozen(part)
        if number is None:
            number = self._added[part] = len(self)
        return number

    def freeze(self) -> "Parts":
        """Return the same, all of it frozen."""
        parts = [self._read_frozen(number) for number in range(len(self.order))] + list(self._added)
        text = NEWLINE + b"".join(part + NEWLINE for part in parts)
        starts = 1 + np.concatenate([[0], np.cumsum([len(part) + 1 for part in parts], dtype=np.int64)])
        order = np.array(sorted(range(len(parts)), key=parts.__getitem__), np.uint32)
        return Parts(np.frombuffer(text, np.uint8), starts, order)

    def find(self, text: bytes, *, at_begin: bool = False, at_end: bool = False) -> Flags:
        """Say of each part whether a text is in it, or begins it, or ends it."""
        added = list(self._added)  # others may come meanwhile
        found = np.zeros(len(self.order) + len(added), bool)
        places = self._find_places(NEWLINE * at_begin + text + NEWLINE * at_end) + at_begin
        found[np.searchsorted(self.starts, places, side="right") - 1] = True
        is_in = bytes.startswith if at_begin else bytes.endswith if at_end else bytes.__contains__
        found[len(self.order) :] = [is_in(part, text) for part in added]
        return found

    def _find_places(self, text: bytes) -> Numbers:
        """Return where a text begins in the frozen one: places of its rarest byte first, then the others' of these."""
        wanted = np.frombuffer(text, np.uint8)
        length = len(self.text) - len(wanted) + 1
        if length <= 0:
            return np.empty(0, np.int64)
        sample = np.bincount(self.text[:: max(1, len(self.text) // 20_000)], minlength=256)
        first, *others = np.argsort(sample[wanted], kind="stable").tolist()
        places = np.flatnonzero(self.text[first : first + length] == wanted[first])
        for offset in others:
            if len(places):
                places = places[self.text[places + offset] == wanted[offset]]
        return places

    def _find_frozen(self, part: bytes) -> int | None:
        low, high = 0, len(self.order)
        while low < high:
            middle = (low + high) // 2
            if self._read_frozen(int(self.order[middle])) < part:
                low = middle + 1
            else:
                high = middle
        is_found = low < len(self.order) and self._read_frozen(int(self.order[low])) == part
        return int(self.order[low]) if is_found else None

    def _read_frozen(self, number: int) -> bytes:
        return self.text[self.starts[number] : self.starts[number + 1] - 1].tobytes()


class Match(NamedTuple):
    """In which names a text is: where the bits of a name's head and of its tail have one in common.

    Each array ends with that of a part that got its number since: in no name that has it.
    """

    heads: Numbers
    tails: Numbers

    @property
    def wanted_heads(self) -> Flags:
        """Which heads may be those of names that have the text."""
        flags: Flags = (self.heads & np.bitwise_or.reduce(self.tails)) != 0
        return flags

    @property
    def is_by_heads(self) -> bool:
        """Whether a name's head alone tells."""
        return bool((self.tails[:-1] == 1 << IN_HEAD).all())


def match_names(heads: Parts, tails: Parts, text: str) -> Match:
    """Look for a text in all names, in upper or lower case."""
    wanted = text.encode().lower()
    in_head, in_tail = heads.find(wanted), tails.find(wanted)
    head_bits = in_head * np.uint32(1 << IN_HEAD) | np.uint32(1 << IN_TAIL)
    tail_bits = in_tail * np.uint32(1 << IN_TAIL) | np.uint32(1 << IN_HEAD)
    for bit, (begin, end) in enumerate(_cut(wanted), FIRST_CUT):
        begins_tail = tails.find(end, at_begin=True)
        if begins_tail.any():
            ends_head = heads.find(begin, at_end=True)
            head_bits[: len(ends_head)] |= ends_head[: len(head_bits)] * np.uint32(1 << bit)
            tail_bits[: len(begins_tail)] |= begins_tail[: len(tail_bits)] * np.uint32(1 << bit)
    return Match(np.append(head_bits, np.uint32(0)), np.append(tail_bits, np.uint32(0)))


def _cut(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield a text cut in two, wherever its end is not longer than a tail may be."""
    for length in range(1, min(len(text) - 1, LONGEST_TAIL) + 1):
        yield text[:-length], text[-length:]
