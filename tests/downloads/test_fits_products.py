"""The program that makes FITS files from FITS files: what it gives reads like the original, or it says why not."""

import io
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from app.downloads.conversion import CATALOG, UNPACKED, Conversion
from tests.fits_factory import make_header

RANDOM = np.random.default_rng(seed=1)
INTEGERS = RANDOM.integers(-1000, 1000, (60, 50))
FLOATS = RANDOM.normal(200, 8, (60, 50))


def convert(path: Path, product: str = UNPACKED) -> bytes | str:
    with path.open("rb") as file, closing(Conversion(product, [file])) as conversion:
        (outcome,) = conversion.outcomes
        return outcome if isinstance(outcome, str) else b"".join(conversion.read(outcome))


def write(path: Path, *hdus: Any) -> Path:
    fits.HDUList(list(hdus)).writeto(path, checksum=True)
    return path


IMAGES = {
    "INT16": INTEGERS.astype(np.int16),
    "UINT16": INTEGERS.astype(np.uint16),
    "INT32": INTEGERS.astype(np.int32),
    "UINT8": INTEGERS.astype(np.uint8),
    "FLOAT32": FLOATS.astype(np.float32),
    "FLOAT64": FLOATS,
    "LINE": FLOATS.astype(np.float32)[0],
    "CUBE": FLOATS.astype(np.float32).reshape(3, 20, 50),
    "4AXES": INTEGERS.astype(np.int16).reshape(2, 3, 10, 50),
}


def test_pixels_and_headers_are_those_of_the_compressed_images(tmp_path: Path) -> None:
    cards = {name: make_header((1, 1, *pixels.shape)[-2:]) for name, pixels in IMAGES.items()}
    packed = [fits.CompImageHDU(pixels, cards[name], name=name) for name, pixels in IMAGES.items()]
    path = write(tmp_path / "a.fits.fz", fits.PrimaryHDU(), *packed)
    unpacked = convert(path)
    assert isinstance(unpacked, bytes)
    with fits.open(path) as expected, fits.open(io.BytesIO(unpacked)) as found:
        found.verify("exception")
        for name in IMAGES:
            check_image(expected[name], found[name])


def check_image(expected: fits.CompImageHDU, found: fits.ImageHDU) -> None:
    assert found.data.dtype.newbyteorder("=") == expected.data.dtype.newbyteorder("="), found.name
    np.testing.assert_array_equal(found.data, expected.data)
    difference = fits.HeaderDiff(expected.header, found.header, ignore_keywords=["CHECKSUM", "DATASUM"])
    assert difference.identical, difference.report()
    assert not {"ZIMAGE", "ZCMPTYPE", "ZBITPIX", "TFIELDS", "CHECKSUM"}.intersection(found.header)


def test_a_primary_image_becomes_one_again(tmp_path: Path) -> None:
    packed = fits.CompImageHDU(INTEGERS.astype(np.int16), make_header(INTEGERS.shape))
    path = write(tmp_path / "a.fits.fz", fits.PrimaryHDU(), packed)
    table = fits.open(path, disable_image_compression=True)
    del table[1].header["ZTENSION"]
    table[1].header.insert("ZBITPIX", ("ZSIMPLE", True))
    table.writeto(tmp_path / "b.fits.fz")
    unpacked = convert(tmp_path / "b.fits.fz")
    assert isinstance(unpacked, bytes)
    with fits.open(io.BytesIO(unpacked)) as found:
        found.verify("exception")
        assert len(found) == 1
        assert found[0].header["OBJECT"] == "M84"
        np.testing.assert_array_equal(found[0].data, INTEGERS)


def test_other_hdus_are_copied_bit_by_bit(tmp_path: Path) -> None:
    table = fits.BinTableHDU(np.array([(1, 2.0)], [("a", ">i4"), ("b", ">f8")]), name="CAT")
    path = write(tmp_path / "a.fits.fz", fits.PrimaryHDU(INTEGERS.astype(np.int16)), table)
    assert convert(path) == path.read_bytes()


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda content: content[:-5000], "cut short"),
        (lambda content: b"", "Empty or corrupt"),
        (lambda content: b"no FITS" * 1000, "SIMPLE"),
    ],
)
def test_what_is_damaged_is_told(tmp_path: Path, damage: Callable[[bytes], bytes], told: str) -> None:
    path = write(
        tmp_path / "a.fits.fz",
        fits.PrimaryHDU(),
        fits.CompImageHDU(INTEGERS.astype(np.int16)),
        fits.ImageHDU(INTEGERS.astype(np.int16)),
    )
    path.write_bytes(damage(path.read_bytes()))
    outcome = convert(path)
    assert isinstance(outcome, str)
    assert told in outcome


def test_a_catalogue_needs_a_table(tmp_path: Path) -> None:
    image = INTEGERS.astype(np.int16)
    path = write(tmp_path / "a.fits", fits.PrimaryHDU(), fits.ImageHDU(image, name="SCI"))
    assert convert(path, CATALOG) == "it has no HDU CAT"
    path = write(
        tmp_path / "b.fits", fits.PrimaryHDU(image), fits.ImageHDU(image, name="SCI"), fits.ImageHDU(name="CAT")
    )
    assert convert(path, CATALOG) == "its CAT is no table"
