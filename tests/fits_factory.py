"""Small FITS files for the tests: frames as a telescope writes them, made on the spot from a fixed seed."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

BLOCK_BYTES, CARD_BYTES = 2880, 80
PIXEL_SCALE_DEG = 0.5 / 3600

FRAME_CARDS: dict[str, Any] = {
    "PROPID": "DEMO2024A-001",
    "DATE-OBS": "2024-02-19T13:56:05.261",
    "DAY-OBS": "20240219",
    "UTSTOP": "13:56:16.589",
    "INSTRUME": "kb05",
    "SITEID": "coj",
    "TELID": "1m0a",
    "ENCID": "doma",
    "OBSTYPE": "EXPOSE",
    "BLKUID": 53195954,
    "MOLUID": 135082916,
    "REQNUM": "0000296263",
    "TRACKNUM": "0000077472",
    "RLEVEL": 91,
    "OBJECT": "M84",
    "FILTER": "V",
    "EXPTIME": 10.0,
    "L1IDBIAS": "bias_kb05_20240219_bin2x2",
    "RA": "12:25:03.844",
    "DEC": "+12:53:13.04",
    "RADESYS": "ICRS",
    "CTYPE1": "RA---TAN",
    "CTYPE2": "DEC--TAN",
    "CRVAL1": 186.265,
    "CRVAL2": 12.887,
    "CD1_1": -PIXEL_SCALE_DEG,
    "CD1_2": 0.0,
    "CD2_1": 0.0,
    "CD2_2": PIXEL_SCALE_DEG,
}


def make_header(shape: tuple[int, ...], **overrides: Any) -> fits.Header:
    """Build a frame's header: `FRAME_CARDS`, the reference pixel in the middle, then the overrides."""
    middle = {"CRPIX1": (shape[-1] + 1) / 2, "CRPIX2": (shape[-2] + 1) / 2}
    cards = FRAME_CARDS | middle | overrides
    return fits.Header([(key, value) for key, value in cards.items() if value is not None])


def make_pixels(shape: tuple[int, ...]) -> np.ndarray:
    """Draw a noisy sky with one bright star in the middle, as 16-bit integers."""
    pixels = np.random.default_rng(seed=1).normal(200, 8, shape).astype(np.int16)
    pixels[..., shape[-2] // 2, shape[-1] // 2] = 20_000
    return pixels


def write_fits(
    path: Path, *, compressed: bool = False, shape: tuple[int, ...] = (64, 48), **header_overrides: Any
) -> Path:
    """Write a valid frame with a WCS and every required header, and return its path.

    Parameters
    ----------
    path
        Where to write; what is there is overwritten, and missing folders are made.
    compressed
        Tile-compress the image as fpack does: an empty primary HDU, then the compressed image.
    shape
        Pixels in numpy's order: (NAXIS2, NAXIS1), or (NAXIS3, NAXIS2, NAXIS1).
    **header_overrides
        Cards to add or change, as ``**{"DATE-OBS": "2024-03-01T00:00:00"}``; None leaves a card out.
    """
    pixels, header = make_pixels(shape), make_header(shape, **header_overrides)
    if compressed:
        hdus = [fits.PrimaryHDU(), fits.CompImageHDU(pixels, header, compression_type="RICE_1")]
    else:
        hdus = [fits.PrimaryHDU(pixels, header)]
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.HDUList(hdus).writeto(path, overwrite=True)
    return path


def write_cards(file: Path, texts: Iterable[str | bytes]) -> None:
    """Put cards, of at most 80 bytes each and unlike what any FITS library writes, in front of a header's END card."""
    content = file.read_bytes()
    end = content.index(b"END".ljust(CARD_BYTES))
    start = -(-(end + CARD_BYTES) // BLOCK_BYTES) * BLOCK_BYTES
    cards = [(text if isinstance(text, bytes) else text.encode()).ljust(CARD_BYTES) for text in texts]
    header = b"".join([content[:end], *cards, b"END".ljust(CARD_BYTES)])
    file.write_bytes(header.ljust(-(-len(header) // BLOCK_BYTES) * BLOCK_BYTES) + content[start:])
