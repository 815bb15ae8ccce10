"""What the telescope hands over: good files, broken ones, second versions, files that name others; all by one seed."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from tests.fits_factory import write_fits

SHAPES, SHAPE_WEIGHTS = ((64, 48), (300, 300), (1000, 1000)), (80, 18, 2)  # 17 kB, 190 kB, 2 MB
SECOND_VERSION_SHARE, BROKEN_SHARE, TWICE_SHARE, NAMING_SHARE, COMPRESSED_SHARE = 0.05, 0.04, 0.08, 0.2, 0.2
LIBRARY, UPLOAD = "library", "upload"  # doors: the former refuses a broken file itself, so that it comes by the latter
FARTHEST_NAMED = 30  # files after the one that names it

#: Ways to break a file, by the code with which it must fail then.
BREAKS: dict[str, Callable[[bytes], bytes]] = {
    "fits.truncated": lambda content: content[:-4000],
    "fits.empty": lambda content: b"",
    "fits.invalid": lambda content: b"no FITS" + content,
}


@dataclass(frozen=True)
class Product:
    """One file of the telescope and what must become of it.

    It is handed over at each of its `doors` at the same moment. A broken one must fail with the code `fails_with`.
    """

    path: Path
    md5: str
    doors: tuple[str, ...]
    related: str  # basename of the frame that its header names; empty: none
    fails_with: str

    @property
    def basename(self) -> str:
        return self.path.name.partition(".")[0]


def make_products(folder: Path, count: int, doors: dict[str, int], seed: int) -> list[Product]:
    """Write the telescope's files below a folder; `doors` gives each door its weight."""
    return list(_generate(folder, count, doors, Random(seed)))


def _generate(folder: Path, count: int, doors: dict[str, int], random: Random) -> Iterator[Product]:
    names: list[str] = []
    for number in range(count):
        is_second = bool(names) and random.random() < SECOND_VERSION_SHARE
        name = (
            random.choice(names)
            if is_second
            else _name(number) + random.choices((".fits", ".fits.fz"), (1 - COMPRESSED_SHARE, COMPRESSED_SHARE))[0]
        )
        related = _name(number + random.randint(1, FARTHEST_NAMED)) if random.random() < NAMING_SHARE else ""
        path = _write(folder / f"{number:05d}" / name, number, related, random)
        fails_with = _break(path, random) if random.random() < BROKEN_SHARE else ""
        if not is_second and not fails_with:
            names.append(name)
        times = 2 if random.random() < TWICE_SHARE else 1
        chosen = tuple(random.choices(list(doors), list(doors.values()), k=times))
        if fails_with:
            chosen = tuple(UPLOAD if door == LIBRARY else door for door in chosen)
        md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        yield Product(path, md5, chosen, "" if fails_with else related, fails_with)


def _name(number: int) -> str:
    return f"coj1m011-kb05-20240219-{number:04d}-e91"


def _write(path: Path, number: int, related: str, random: Random) -> Path:
    cards: dict[str, Any] = {"BLKUID": 50_000_000 + number, "L1IDBIAS": related or None}
    (shape,) = random.choices(SHAPES, SHAPE_WEIGHTS)
    return write_fits(path, compressed=path.name.endswith(".fz"), shape=shape, **cards)


def _break(path: Path, random: Random) -> str:
    """Break a file in one of some ways; return the code with which it must fail."""
    code = random.choice(list(BREAKS))
    path.write_bytes(BREAKS[code](path.read_bytes()))
    return code
