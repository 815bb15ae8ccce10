"""Puts the images of one exposure (chips, or amplifiers of a chip) in their places."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from astropy.io import fits

from ingest_worker.previews.pixels import Pixels, Span, Window, image_size, read_reduced

_RANGE = r"\s*([1-9]\d{0,8})\s*:\s*([1-9]\d{0,8})\s*"
_SECTION = re.compile(rf"\s*\[{_RANGE},{_RANGE}\]\s*")

_MAX_PIXELS = 2**32  # more would take minutes to read
_LONGEST_SIDE_PX = 1024  # images are reduced by whole factors to between once and twice this


@dataclass(frozen=True)
class Piece:
    """The part `window` of an image, and its `place` on the mosaic (in unbinned detector pixels)."""

    hdu: fits.ImageHDU
    window: Window
    place: Window


def lay_out(images: list[fits.ImageHDU]) -> list[Piece]:
    """Give each image its place: by DETSEC if all have it, else in a grid with the first at the top left."""
    if len(images) == 1:
        return [Piece(images[0], _whole(images[0]), _whole(images[0]))]
    on_detector = [
        Piece(hdu, _data_section(hdu), place) for hdu in images if (place := parse_section(hdu.header.get("DETSEC")))
    ]
    return on_detector if len(on_detector) == len(images) else _lay_out_grid(images)


def _lay_out_grid(images: list[fits.ImageHDU]) -> list[Piece]:
    width, height = image_size(images[0])
    alike = [hdu for hdu in images if image_size(hdu) == (width, height)]
    columns = math.ceil(math.sqrt(len(alike)))
    gap = max(width, height) // 50  # shows that neighbours here need not be neighbours on the sky
    pieces = []
    for index, hdu in enumerate(alike):
        row, column = divmod(index, columns)
        x, y = column * (width + gap), -row * (height + gap)
        pieces.append(Piece(hdu, _whole(hdu), Window(Span(x, x + width), Span(y, y + height))))
    return pieces


def _whole(hdu: fits.ImageHDU) -> Window:
    width, height = image_size(hdu)
    return Window(Span(0, width), Span(0, height))


def _data_section(hdu: fits.ImageHDU) -> Window:
    """The pixels that saw light: DATASEC, unless it does not fit the image."""
    whole = _whole(hdu)
    section = parse_section(hdu.header.get("DATASEC")) or whole
    is_inside = section.x.stop <= whole.x.stop and section.y.stop <= whole.y.stop
    return section if is_inside else whole


def parse_section(text: object) -> Window | None:
    """Read a section keyword such as `[4096:2049,1:2048]`; None for anything else (UNKNOWN, missing).

    FITS counts from 1 and includes the end; a first number above the second means read out backwards.
    """
    match = _SECTION.fullmatch(str(text))
    if match is None:
        return None
    x1, x2, y1, y2 = (int(number) for number in match.groups())
    return Window(_span(x1, x2), _span(y1, y2))


def _span(first: int, last: int) -> Span:
    return Span(min(first, last) - 1, max(first, last), first > last)


@dataclass(frozen=True)
class Mosaic:
    """Images at their places, as they were read.

    Attributes
    ----------
    pixels
        The lowest FITS row first; what no piece covers is NaN.
    boxes
        The rows and the columns that each piece takes.
    factor
        How many pixels of a file, along either axis, make one.
    """

    pixels: Pixels
    pieces: Sequence[Piece]
    boxes: Sequence[tuple[slice, slice]]
    factor: int


def assemble(pieces: Sequence[Piece]) -> Pixels:
    """Read all pieces and paint them at their places, levelled; what no piece covers is NaN.

    Returns
    -------
    ndarray of float32
        Longest side below about 2048 pixels, the lowest FITS row first.

    Raises
    ------
    ValueError
        If there are too many pixels, or an image cannot be read in sections of a bounded size.
    """
    mosaic = place(pieces, max(1, int(measure_longest_side(pieces)) // _LONGEST_SIDE_PX))
    for box, offset in zip(mosaic.boxes, find_offsets(mosaic), strict=True):
        mosaic.pixels[box] += offset
    return mosaic.pixels


def measure_longest_side(pieces: Sequence[Piece]) -> float:
    """Return the longest side of what pieces make up together, in pixels of the first."""
    left, bottom, right, top = _find_edges(pieces)
    return max(right - left, top - bottom) / _find_binning(pieces)


def place(pieces: Sequence[Piece], factor: int) -> Mosaic:
    """Read all pieces, averaged over `factor` × `factor` pixels, and paint them at their places.

    Raises
    ------
    ValueError
        As `assemble`.
    """
    if sum(piece.window.x.length * piece.window.y.length for piece in pieces) > _MAX_PIXELS:
        raise ValueError(f"it has more than {_MAX_PIXELS} pixels")
    left, bottom, _, _ = _find_edges(pieces)
    pitch = factor * _find_binning(pieces)  # detector pixels to a pixel of the picture
    boxes = [(_cells(piece.place.y, bottom, pitch), _cells(piece.place.x, left, pitch)) for piece in pieces]
    shape = [max(cells.stop for cells in axis) for axis in zip(*boxes, strict=True)]
    canvas = np.full(shape, np.nan, np.float32)
    for piece, box in zip(pieces, boxes, strict=True):
        canvas[box] = _resample(_read(piece, factor), canvas[box].shape)
    return Mosaic(canvas, pieces, boxes, factor)


def find_offsets(mosaic: Mosaic) -> list[float]:
    """Return what brings each piece to the median of the first: amplifiers differ in bias, and share a stretch."""
    parts = [mosaic.pixels[box] for box in mosaic.boxes]
    medians = [float(np.median(good)) if (good := part[np.isfinite(part)]).size else 0.0 for part in parts]
    return [medians[0] - median for median in medians]


def _find_edges(pieces: Sequence[Piece]) -> tuple[int, int, int, int]:
    left, bottom = (min(piece.place[axis].start for piece in pieces) for axis in (0, 1))
    right, top = (max(piece.place[axis].stop for piece in pieces) for axis in (0, 1))
    return left, bottom, right, top


def _find_binning(pieces: Sequence[Piece]) -> float:
    return pieces[0].place.x.length / pieces[0].window.x.length


def _cells(span: Span, origin: int, pitch: float) -> slice:
    start = math.ceil((span.start - origin) / pitch)
    return slice(start, max(start + 1, math.ceil((span.stop - origin) / pitch)))


def find_factor(piece: Piece, factor: int) -> int:
    """Return by how much a piece is reduced: one with a false DETSEC may be far larger than its place."""
    return max(factor, max(piece.window.x.length, piece.window.y.length) // _LONGEST_SIDE_PX)


def _read(piece: Piece, factor: int) -> Pixels:
    pixels = read_reduced(piece.hdu, piece.window, find_factor(piece, factor))
    down, across = (-1 if span.is_reversed else 1 for span in (piece.place.y, piece.place.x))
    return pixels[::down, ::across]


def _resample(pixels: Pixels, shape: tuple[int, ...]) -> Pixels:
    """Take the nearest pixels: where all pieces are binned alike, the shapes differ by rounding alone."""
    if pixels.shape == shape:
        return pixels
    rows, columns = (np.arange(new) * old // new for new, old in zip(shape, pixels.shape, strict=True))
    return pixels[np.ix_(rows, columns)]
