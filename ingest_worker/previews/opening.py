"""Opens FITS files of which nothing is known: what astropy can't be trusted with is refused before."""

import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from astropy.io import fits

# astropy exports the error of its tile codecs nowhere else.
from astropy.io.fits.hdu.compressed._compression import CfitsioException
from astropy.utils.exceptions import AstropyWarning

from ocs_archive.input.file import File, FileSpecificationException
from ocs_archive.input.fitsheaders import read_fits_headers

MOST_AXES = 999  # FITS standard 4.0, section 4.4.1.1; astropy loops over as many as there are said to be

#: What astropy raises on the many ways in which a header or its data can be wrong.
DAMAGE = (
    FileSpecificationException,
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    RuntimeError,
    fits.VerifyError,
    CfitsioException,
    zlib.error,
)


def begins_as_fits(file: BinaryIO) -> bool:
    return file.read(6) == b"SIMPLE"


@contextmanager
def open_fits(file: BinaryIO, name: str | None = None) -> Iterator[fits.HDUList]:
    """Open a file for as long as the block lasts.

    Parameters
    ----------
    name
        What an error calls it; by default its own name.

    Raises
    ------
    Any of DAMAGE
        If it is cut short or makes no sense.
    """
    file.seek(0)
    if any(headers.get("NAXIS", 0) > MOST_AXES for headers in read_fits_headers(File(file, name))):
        raise ValueError(f"it has more than {MOST_AXES} axes")
    file.seek(0)
    with (
        warnings.catch_warnings(action="ignore", category=AstropyWarning),  # the ingest reports odd headers
        fits.open(file, memmap=False) as hdus,  # a memory map would count as the process's own memory
    ):
        yield hdus
