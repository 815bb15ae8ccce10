"""Finds the images of a FITS file and reads them, block-averaged, a few rows at a time."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from astropy.io import fits

Pixels = npt.NDArray[np.float32]

# Planes that say how good the pixels of another image are; drawn only when there is nothing else.
_COMPANIONS = {"BPM", "DQ", "ERR", "ERROR", "IVAR", "MASK", "QUALITY", "UNCERT", "VAR", "WEIGHT", "WHT"}

_READ_PIXELS = 2**20  # what one read aims at: small enough to stay in the processor's cache
_MAX_READ_PIXELS = 2**24  # the largest row, or row of compression tiles, that is read at once


class Span(NamedTuple):
    """Pixels of one axis, half-open `[start, stop)` from 0; reversed where they are read out backwards."""

    start: int
    stop: int
    is_reversed: bool = False

    @property
    def length(self) -> int:
        """Number of pixels."""
        return self.stop - self.start


class Window(NamedTuple):
    """A rectangle of pixels."""

    x: Span
    y: Span


def find_images(hdus: fits.HDUList) -> list[fits.ImageHDU]:
    """Find the HDUs that make up the picture: science before companion planes, two axes before one."""
    images = [hdu for hdu in hdus if isinstance(hdu, fits.PrimaryHDU | fits.ImageHDU) and _has_pixels(hdu)]
    science = [hdu for hdu in images if hdu.name == "SCI"]
    plain = [hdu for hdu in images if hdu.name not in _COMPANIONS]
    chosen = science or plain or images
    return [hdu for hdu in chosen if len(hdu.shape) > 1] or chosen[:1]


def _has_pixels(hdu: fits.ImageHDU) -> bool:
    return len(hdu.shape) > 0 and 0 not in hdu.shape


def image_size(hdu: fits.ImageHDU) -> tuple[int, int]:
    """Width and height of an image's first plane, in pixels; a line is one pixel high."""
    height, width = (1, *hdu.shape)[-2:]
    return width, height


def _rows_per_tile(hdu: fits.ImageHDU) -> int:
    """Rows (times planes) that have to be decompressed to get at one row."""
    return math.prod(hdu.tile_shape[:-1]) if isinstance(hdu, fits.CompImageHDU) else 1


def read_reduced(hdu: fits.ImageHDU, window: Window, factor: int) -> Pixels:
    """Read part of an image's first plane, averaged over blocks of `factor` × `factor` pixels.

    Returns
    -------
    ndarray of float32, shape (ceil(height / factor), ceil(width / factor))
        Means of the finite pixels of each block; NaN where there is none. Rows as in FITS, the lowest first.

    Raises
    ------
    ValueError
        Before anything is allocated, if the image cannot be read in sections of a bounded size.
    """
    width, _ = image_size(hdu)
    least_rows = max(factor, _rows_per_tile(hdu))
    if least_rows * width > _MAX_READ_PIXELS:
        raise ValueError(f"{hdu.shape} pixels: too long rows, too large tiles or a DETSEC far from the others")
    step = -(-max(least_rows, _READ_PIXELS // width) // factor) * factor
    starts = range(window.y.start, window.y.stop, step)
    columns = slice(window.x.start, window.x.stop)
    reads = (_read_rows(hdu, start, min(start + step, window.y.stop)) for start in starts)
    return np.concatenate([_block_mean(rows[:, columns], factor) for rows in reads])


def _read_rows(hdu: fits.ImageHDU, start: int, stop: int) -> Pixels:
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is left out like NaN
        if len(hdu.shape) == 1:
            return np.asarray(hdu.section[:], np.float32)[np.newaxis]
        first_plane = (0,) * (len(hdu.shape) - 2)
        return np.asarray(hdu.section[(*first_plane, slice(start, stop))], np.float32)


def _block_mean(pixels: Pixels, factor: int) -> Pixels:
    good = np.isfinite(pixels)
    with np.errstate(invalid="ignore", over="ignore"):  # 0 / 0 is the NaN of a block without a finite pixel
        total = _block_sum(np.where(good, pixels, np.float32(0)), factor)
        return total / _block_sum(good.astype(np.float32), factor)


def _block_sum(pixels: Pixels, factor: int) -> Pixels:
    down, across = (min(factor, length) for length in pixels.shape)
    height, width = pixels.shape
    padded = np.pad(pixels, ((0, -height % down), (0, -width % across)))
    by_rows: Pixels = padded.reshape(-1, down, padded.shape[1]).sum(axis=1)
    by_blocks: Pixels = by_rows.reshape(len(by_rows), -1, across).sum(axis=2)
    return by_blocks
