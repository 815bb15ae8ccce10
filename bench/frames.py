"""The files that a bench ingests: frames with the long headers of a real observatory, each one different."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from astropy.io import fits

from tests.fits_factory import make_header

EXTENSIONS = (".fits", ".fits.fz")  # in turn
SEED = 20240219
NUMBER = 999_999  # stands in the template where each frame has its own
RELATED = {
    "L1IDBIAS": "bias_kb05_20240219_bin1x1.fits",
    "L1IDDARK": "dark_kb05_20240219_bin1x1.fits",
    "L1IDFLAT": "flat_kb05_20240219_SKYFLAT_bin1x1_V.fits",
    "ORIGNAME": f"coj1m011-kb05-20240219-{NUMBER}-e00.fits",
}


def write_frames(folder: Path, count: int, size_bytes: int, first: int = 100_000) -> list[Path]:
    """Write some frames of about one size, half of them tile-compressed, and return their paths.

    Each is a reduced frame of about 180 cards with a WCS, which names its raw frame and three calibrations. Frames of
    one kind differ by their number in the header alone, of six digits, which makes them different files.
    """
    folder.mkdir(parents=True)
    templates = {extension: _build_template(extension, size_bytes) for extension in EXTENSIONS}
    numbers = range(first, first + count)
    return [
        _write_frame(folder, number, extension, *templates[extension])
        for number, extension in zip(numbers, _repeat(EXTENSIONS), strict=False)
    ]


def _repeat(extensions: tuple[str, ...]) -> Iterator[str]:
    while True:
        yield from extensions


def _write_frame(folder: Path, number: int, extension: str, headers: bytes, data: bytes) -> Path:
    path = folder / f"coj1m011-kb05-20240219-{number}-e91{extension}"
    path.write_bytes(headers.replace(str(NUMBER).encode(), str(number).encode()) + data)
    return path


def _build_template(extension: str, size_bytes: int) -> tuple[bytes, bytes]:
    """Return what comes before the data of a frame's one image, and the rest of its file."""
    header = _build_header()
    pixels = np.random.default_rng(SEED).normal(200, 8, _choose_shape(extension, size_bytes)).astype(np.int16)
    if extension == ".fits":
        hdus = [fits.PrimaryHDU(pixels, header)]
    else:
        hdus = [fits.PrimaryHDU(), fits.CompImageHDU(pixels, header, compression_type="RICE_1")]
    written = io.BytesIO()
    fits.HDUList(hdus).writeto(written)
    content = written.getvalue()
    with fits.open(io.BytesIO(content), disable_image_compression=True) as reread:
        data_start = reread[-1].fileinfo()["datLoc"]
    return content[:data_start], content[data_start:]


def _choose_shape(extension: str, size_bytes: int) -> tuple[int, int]:
    """Return the shape of the square image that fills a file: 16 bits a pixel, or some 5.2 once they are compressed."""
    bits = 16 if extension == ".fits" else 5.2
    side = round((size_bytes * 8 / bits) ** 0.5)
    return side, side


def _build_header() -> fits.Header:
    header = make_header((2048, 2048), OBJECT="NGC 1365", FRAMENUM=NUMBER, **RELATED)
    for number in range(1, 41):
        header[f"TEMP{number:02d}"] = (round(-20 + number / 7, 4), f"[deg C] reading of thermometer {number}")
        header[f"STAT{number:02d}"] = ("OKAY" if number % 4 else "N/A", f"state of mechanism {number}")
        header[f"STEP{number:02d}"] = (number * 1024, f"encoder count of axis {number}")
    for number in range(1, 26):
        header[f"SOFT{number:02d}"] = (f"pipeline-stage-{number}-v1.{number}.0", "software that was used")
        header.add_history(f"stage {number} subtracted, divided or flagged what its predecessors had left")
    return header
