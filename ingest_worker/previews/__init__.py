"""Draws the two JPEG previews of a data file; knows nothing of the database, the queue or Flask."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from PIL import Image

from ingest_worker.previews.opening import DAMAGE, begins_as_fits, open_fits
from ingest_worker.previews.picture import draw

Image.preinit()  # Pillow's plugins are imported once, and not in the child of each picture

PreviewSize = Literal["small", "large"]

LONGEST_SIDE_PX: dict[PreviewSize, int] = {"small": 256, "large": 1024}


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
        with path.open("rb") as file:
            picture = _draw_fits(file) if _is_fits(file) else None
    except DAMAGE as error:
        raise PreviewError(f"No preview of {path.name}: {error or type(error).__name__}") from error
    return [_encode(picture, size) for size in LONGEST_SIDE_PX] if picture else []


def _is_fits(file: BinaryIO) -> bool:
    is_fits = begins_as_fits(file)
    if not is_fits and file.name.lower().endswith((".fits", ".fits.fz")):
        raise ValueError("it does not begin with SIMPLE as FITS does")
    return is_fits


def _draw_fits(file: BinaryIO) -> Image.Image | None:
    with open_fits(file) as hdus:
        return draw(hdus)


def _encode(picture: Image.Image, size: PreviewSize) -> Preview:
    scaled = picture.copy()
    scaled.thumbnail((LONGEST_SIDE_PX[size],) * 2, Image.Resampling.LANCZOS)
    jpeg = io.BytesIO()
    scaled.save(jpeg, "JPEG", quality=85)
    return Preview(size, scaled.width, scaled.height, jpeg.getvalue())
