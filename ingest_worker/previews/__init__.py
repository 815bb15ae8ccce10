"""Draws the two JPEG previews of a data file; knows nothing of the database, the queue or Flask."""

import io
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from astropy.io import fits

# astropy exports the error of its tile codecs nowhere else.
from astropy.io.fits.hdu.compressed._compression import CfitsioException
from astropy.utils.exceptions import AstropyWarning
from PIL import Image

from ingest_worker.previews.picture import draw

PreviewSize = Literal["small", "large"]

LONGEST_SIDE_PX: dict[PreviewSize, int] = {"small": 256, "large": 1024}

# What astropy raises on the many ways in which a header or its data can be wrong.
_DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    RuntimeError,
    fits.VerifyError,
    CfitsioException,
    zlib.error,
)


@dataclass(frozen=True)
class Preview:
    """One JPEG picture of a frame; `width` and `height` in pixels."""

    size: PreviewSize
    width: int
    height: int
    jpeg: bytes


class PreviewError(Exception):
    """A file that should have a picture cannot be drawn; the message names the file and the reason."""


def build_previews(path: Path) -> list[Preview]:
    """Draw the previews of a data file.

    Parameters
    ----------
    path : Path
        A file of any type. Plain and tile-compressed FITS have pictures; the content decides, not the name.

    Returns
    -------
    list of Preview
        The small and the large one, or nothing for a file without a picture (a catalogue, a tar, a JPEG,
        a gzipped FITS, an image without one finite pixel).

    Raises
    ------
    PreviewError
        For a damaged FITS file, one too large to read in sections, or junk under a FITS name.
    """
    try:
        picture = _draw_fits(path) if _is_fits(path) else None
    except _DAMAGE as error:
        raise PreviewError(f"No preview of {path.name}: {error or type(error).__name__}") from error
    return [_encode(picture, size) for size in LONGEST_SIDE_PX] if picture else []


def _is_fits(path: Path) -> bool:
    with path.open("rb") as file:
        if file.read(6) == b"SIMPLE":
            return True
    if path.name.lower().endswith((".fits", ".fits.fz")):
        raise ValueError("it is no FITS file (it does not begin with SIMPLE)")
    return False


def _draw_fits(path: Path) -> Image.Image | None:
    # The ingest reports odd headers. A memory map would count as the worker's own memory.
    with (
        warnings.catch_warnings(action="ignore", category=AstropyWarning),
        fits.open(path, memmap=False) as hdus,
    ):
        return draw(hdus, path.stat().st_size)


def _encode(picture: Image.Image, size: PreviewSize) -> Preview:
    scaled = picture.copy()
    scaled.thumbnail((LONGEST_SIDE_PX[size],) * 2, Image.Resampling.LANCZOS)
    jpeg = io.BytesIO()
    scaled.save(jpeg, "JPEG", quality=85)
    return Preview(size, scaled.width, scaled.height, jpeg.getvalue())
