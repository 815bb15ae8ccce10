"""A program that makes a quick look: the preview's image, reduced, with its values and its places on the sky.

``python -m ingest_worker.previews.quick_look DESCRIPTOR`` takes an open file by its descriptor and writes the quick
look to its output, or, ending with status 3, why there is none. It is a process apart for the same reasons as
`app.downloads.fits_products`.

A quick look is gzip. In it are the length of a JSON text (4 bytes, the lowest first), the text, and the values:
float32, the lowest row first and its left end first; at first the highest byte of each of them, then the next, and so
on, which makes them smaller.
"""

import gzip
import json
import math
import os
import resource
import sys
from typing import Any, BinaryIO

import numpy as np
from astropy.io import fits

from ingest_worker.previews.mosaic import (
    Mosaic,
    Piece,
    find_factor,
    find_offsets,
    lay_out,
    measure_longest_side,
    place,
)
from ingest_worker.previews.opening import DAMAGE, begins_as_fits, open_fits
from ingest_worker.previews.picture import find_cuts
from ingest_worker.previews.pixels import Pixels, Span, find_images
from ingest_worker.previews.sky_grid import SkyGrid, find_sky_grid, find_upright

LONGEST_SIDE_PX = 512
STEPS_IN_NOISE = 4  # means are rounded to a power of two that is no more than this part of their noise
NOISE_OF_DIFFERENCES = 0.6745 * math.sqrt(2)  # the median of |a - b| of normal noise, in its standard deviations
PERCENTILES = (90, 98, 99.5)
MOST_NODES = 33  # along a side of the grid of one image
MOST_MEMORY_BYTES = 4 * 2**30  # of address space, most of which is never used
MOST_PROCESSOR_TIME_S = 40
NO_QUICK_LOOK = 3


class NoQuickLookError(Exception):
    """A file that has none; the message says why."""


def build_quick_look(file: BinaryIO) -> bytes:
    """Make the quick look of a FITS file.

    Raises
    ------
    NoQuickLookError
        If there is no image in it, or the file is damaged or too large to read in sections.
    """
    try:
        if not begins_as_fits(file):
            raise NoQuickLookError("it is no FITS file")
        with open_fits(file, "it") as hdus:
            return _build(hdus)
    except DAMAGE as error:
        raise NoQuickLookError(str(error) or type(error).__name__) from error


def _build(hdus: fits.HDUList) -> bytes:
    images = find_images(hdus)
    if not images:
        raise NoQuickLookError("it holds no picture")
    pieces = lay_out(images)
    mosaic = place(pieces, max(1, math.ceil(measure_longest_side(pieces) / LONGEST_SIDE_PX)))
    if not np.isfinite(mosaic.pixels).any():
        raise NoQuickLookError("no pixel of it has a value")
    if all(piece.window.y.length == 1 for piece in pieces):
        raise NoQuickLookError("it holds a line of pixels, which the preview plots")
    return encode(_describe(mosaic, hdus), _round(mosaic))


def encode(facts: dict[str, Any], pixels: Pixels) -> bytes:
    """Write a quick look; see above."""
    text = json.dumps(facts, separators=(",", ":"), allow_nan=False).encode()
    planes = pixels.astype(">f4").view(np.uint8).reshape(-1, 4).T.tobytes()
    return gzip.compress(len(text).to_bytes(4, "little") + text + planes, 6, mtime=0)


def decode(content: bytes) -> tuple[dict[str, Any], Pixels]:
    """Read a quick look: what a browser does, for Python."""
    plain = gzip.decompress(content)
    end = 4 + int.from_bytes(plain[:4], "little")
    facts: dict[str, Any] = json.loads(plain[4:end])
    planes = np.frombuffer(plain, np.uint8, offset=end).reshape(4, -1)
    pixels = np.ascontiguousarray(planes.T).view(">f4").astype(np.float32)
    return facts, pixels.reshape(facts["height"], facts["width"])


def _describe(mosaic: Mosaic, hdus: fits.HDUList) -> dict[str, Any]:
    height, width = mosaic.pixels.shape
    grids = [_find_grid(piece, box, mosaic, hdus) for piece, box in zip(mosaic.pieces, mosaic.boxes, strict=True)]
    offsets = find_offsets(mosaic)
    pieces = zip(mosaic.pieces, mosaic.boxes, grids, offsets, strict=True)
    axes = next((grid.find_axes(box) for grid, box in zip(grids, mosaic.boxes, strict=True) if grid), None)
    return {
        "width": width,
        "height": height,
        "factor": mosaic.factor,
        "unit": str(mosaic.pieces[0].hdu.header.get("BUNIT", "")).strip(),
        "pieces": [_describe_piece(piece, box, grid, offset, mosaic) for piece, box, grid, offset in pieces],
        "cuts": _list_cuts(mosaic, offsets),
        "upright": None if axes is None else find_upright(axes),
        # Steps on the picture that lead to the east and to the north.
        "compass": None if axes is None else np.linalg.inv(axes / abs(axes).max()).T.round(6).tolist(),
    }


def _describe_piece(
    piece: Piece, box: tuple[slice, slice], grid: SkyGrid | None, offset: float, mosaic: Mosaic
) -> dict[str, Any]:
    rows, columns = box
    return {
        "name": piece.hdu.name if len(mosaic.pieces) > 1 else "",
        "box": [columns.start, rows.start, columns.stop, rows.stop],
        # A place on the box, counted in its cells from its edge, is x[0] + x[1] * place in the file.
        "x": _find_line(piece.window.x, piece.place.x, columns, find_factor(piece, mosaic.factor)),
        "y": _find_line(piece.window.y, piece.place.y, rows, find_factor(piece, mosaic.factor)),
        "offset": round(offset, 6),
        "sky": grid and grid.build_json(),
    }


def _find_line(window: Span, place: Span, cells: slice, factor: int) -> tuple[float, float]:
    """Return what makes a FITS pixel coordinate, in which a pixel's centre is whole, of a place on a piece's box."""
    count, length = cells.stop - cells.start, math.ceil(window.length / factor) * factor
    first, step = window.start + 0.5, length / count
    return (first + length, -step) if place.is_reversed else (first, step)


def _find_grid(piece: Piece, box: tuple[slice, slice], mosaic: Mosaic, hdus: fits.HDUList) -> SkyGrid | None:
    factor = find_factor(piece, mosaic.factor)
    nodes = max(9, (MOST_NODES - 1) // math.ceil(math.sqrt(len(mosaic.pieces))) + 1)
    spans = zip(piece.window, piece.place, reversed(box), strict=True)
    lines = [(_find_line(window, place, cells, factor), cells.stop - cells.start) for window, place, cells in spans]
    x, y = (first + step * np.linspace(0, count, nodes) for (first, step), count in lines)
    return find_sky_grid(piece.hdu.header, hdus, x, y)


def _list_cuts(mosaic: Mosaic, offsets: list[float]) -> dict[str, Any]:
    """Return between which values the picture may be shown, by name, and by how much asinh bends."""
    levelled = mosaic.pixels.copy()
    for box, offset in zip(mosaic.boxes, offsets, strict=True):
        levelled[box] += offset
    values = levelled[np.isfinite(levelled)]
    low, high = float(values.min()), float(values.max())
    cuts = find_cuts(levelled)
    if cuts is None:
        return {"preview": [low, low + 1], "all": [low, low + 1], "softening": 1}
    by_percentile = {
        str(share): np.percentile(values, [50 - share / 2, 50 + share / 2]).tolist() for share in PERCENTILES
    }
    named = {"preview": [cuts.low, cuts.brightest], "zscale": [cuts.low, cuts.high], "all": [low, high]}
    return {**named, **by_percentile, "softening": cuts.softening}


def _round(mosaic: Mosaic) -> Pixels:
    """Round means to far below their noise, which makes them half as large; a file's own values stay as they are."""
    pixels = mosaic.pixels
    differences = abs(np.diff(pixels, axis=1))
    differences = differences[np.isfinite(differences)]
    noise = float(np.median(differences)) / NOISE_OF_DIFFERENCES if differences.size else 0.0
    if mosaic.factor == 1 or not 0 < noise < math.inf:
        return pixels
    step = 2.0 ** math.floor(math.log2(noise / STEPS_IN_NOISE))
    rounded: Pixels = (np.round(pixels / np.float64(step)) * step).astype(np.float32)
    return rounded


def main(descriptor: str) -> int:
    """Make the quick look of the file that is open under a descriptor, and return the program's status."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_PROCESSOR_TIME_S, MOST_PROCESSOR_TIME_S))
    try:
        with os.fdopen(int(descriptor), "rb") as file:
            sys.stdout.buffer.write(build_quick_look(file))
    except (NoQuickLookError, MemoryError) as error:
        sys.stdout.write(str(error) or "it takes too much memory")
        return NO_QUICK_LOOK
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
