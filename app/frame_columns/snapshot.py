"""The columns as a file, which every process of a machine maps: what none of them has changed is there once.

Arrays come first, one after the other, then what they are of as JSON, then a trailer. Mapped copy-on-write: a process
brings its own up to date and leaves the file as it is.
"""

import dataclasses
import json
import logging
import mmap
import os
import struct
import tempfile
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from app.frame_columns.basenames import Parts
from app.frame_columns.changes import Mark
from app.frame_columns.columns import BLOCK, CONTENTS, Columns, Naming
from app.frame_columns.contents import Contents, Inventory, Lists, Releases, Settled
from app.frame_columns.names import GROUPED, Groups, Names, Numbers

log = logging.getLogger(__name__)

LAYOUT = 4
TRAILER = struct.Struct("<8sQI")  # what it is, the JSON's length and CRC 32
MAGIC = b"columns\n"
ALIGNMENT = mmap.PAGESIZE
PARTS_PARTS = ("text", "starts", "order")
CONTENTS_PARTS, LISTS_PARTS, RELEASES_PARTS = (
    tuple(field.name for field in dataclasses.fields(kind)) for kind in (Contents, Lists, Releases)
)
INVENTORIES = ("everything", "open")


class BadSnapshot(Exception):
    """A file that does not serve, and why."""


def write_snapshot(path: Path, columns: Columns, mark: Mark, origin: list[Any]) -> None:
    """Write a snapshot of settled columns, synced to the disk, in place of the one that is there."""
    begin_s = time.monotonic()
    assert columns.settled is not None  # noqa: S101  # the caller settles them
    arrays = dict(columns.arrays)
    arrays |= _flatten(columns.settled)
    for name, parts in (("heads", columns.heads), ("tails", columns.tails)):
        arrays |= {f"{name} {part}": getattr(parts, part) for part in PARTS_PARTS}
    told = {
        "layout": [LAYOUT, BLOCK],
        "origin": origin,
        "position": mark.position,
        "newest": mark.newest,
        "moment": columns.settled.moment,
        "arrays": [(name, len(array), array.dtype.str) for name, array in arrays.items()],
        "values": {field: columns.groups.names[field].values for field in GROUPED},
        "numbers": {field: columns.groups.numbers_of(field).tolist() for field in GROUPED},
        "targets": columns.targets.values,
        "proposals": columns.proposals.values,
        "nights": columns.nights.values,
        "targets_ascii": columns.targets_ascii,
    }
    packed = json.dumps(told).encode()
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f"{path.name}.", delete=False) as file:
        try:
            for array in arrays.values():
                array.tofile(file)
                file.seek(-file.tell() % ALIGNMENT, os.SEEK_CUR)
            file.write(packed + TRAILER.pack(MAGIC, len(packed), zlib.crc32(packed)))
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except OSError:
            Path(file.name).unlink()
            raise
    log.info("wrote the columns to %s in %.1f s", path, time.monotonic() - begin_s)


def map_snapshot(path: Path, origin: list[Any]) -> tuple[Columns, Mark]:
    """Map a snapshot.

    Raises
    ------
    BadSnapshot
        If it is cut off, or of another layout, or of another database.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size < TRAILER.size:
            raise BadSnapshot("it is cut off")
        room = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    magic, length, checksum = TRAILER.unpack_from(room, size - TRAILER.size)
    begin = size - TRAILER.size - length
    if magic != MAGIC or begin < 0 or zlib.crc32(packed := room[begin : begin + length]) != checksum:
        raise BadSnapshot("it is cut off, or damaged")
    told = json.loads(packed)
    if (told["layout"], told["origin"]) != ([LAYOUT, BLOCK], origin):
        raise BadSnapshot("it is of another database, or of another release of this program")
    arrays, place = {}, 0
    for name, count, dtype in told["arrays"]:
        arrays[name] = np.frombuffer(room, dtype, count, place)
        place += -(-arrays[name].nbytes // ALIGNMENT) * ALIGNMENT
    settled = _restore(told["moment"], arrays)
    heads, tails = (Parts(*(arrays.pop(f"{name} {part}") for part in PARTS_PARTS)) for name in ("heads", "tails"))
    numbers = {field: np.array(told["numbers"][field], np.uint32) for field in GROUPED}
    targets, proposals, nights = (Names(told[name]) for name in ("targets", "proposals", "nights"))
    groups = Groups(told["values"], numbers)
    columns = Columns(arrays, Naming(groups, targets, proposals, nights, heads, tails, told["targets_ascii"]))
    columns.settled, columns.is_known[:] = settled, True
    return columns, Mark(told["position"], tuple(told["newest"]) if told["newest"] else None)


def _flatten(settled: Settled) -> dict[str, Numbers]:
    """Return the arrays by names from which `_restore` makes the same again."""
    arrays = {f"closed {part}": getattr(settled.closed, part) for part in LISTS_PARTS}
    arrays |= {f"in_cells {part}": getattr(settled.in_cells, part) for part in LISTS_PARTS}
    arrays |= {f"releases {part}": getattr(settled.releases, part) for part in RELEASES_PARTS}
    for kind in INVENTORIES:
        inventory: Inventory = getattr(settled, kind)
        arrays[f"{kind} listed"] = inventory.listed
        for name, contents in inventory.contents.items():
            arrays |= {f"{kind} {name} {part}": getattr(contents, part) for part in CONTENTS_PARTS}
    return arrays


def _restore(moment: int, arrays: dict[str, Numbers]) -> Settled:
    """Take the arrays of what was settled out of those of a file."""

    def take(name: str, parts: Sequence[str]) -> list[Numbers]:
        return [arrays.pop(f"{name} {part}") for part in parts]

    everything, open_ = (
        Inventory(
            arrays.pop(f"{kind} listed"),
            {name: Contents(*take(f"{kind} {name}", CONTENTS_PARTS)) for name in CONTENTS},
        )
        for kind in INVENTORIES
    )
    closed, in_cells = (Lists(*take(name, LISTS_PARTS)) for name in ("closed", "in_cells"))
    return Settled(moment, everything, open_, closed, Releases(*take("releases", RELEASES_PARTS)), in_cells)
