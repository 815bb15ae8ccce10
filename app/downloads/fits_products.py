"""A program of its own that makes FITS files from FITS files: uncompressed ones, and catalogues.

``python fits_products.py PRODUCT DESCRIPTOR…`` takes open files by their descriptors and writes to its output: one line
of JSON with, for each file, the size of what is made of it in bytes, or why nothing is; then all of that, one after the
other. It is a process apart because decoders written in C can crash on damaged files, and because its memory must not
become the web server's. It imports nothing of ours, so that it starts in half a second.
"""

import json
import math
import os
import resource
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from astropy.io import fits

BLOCK_BYTES = 2**20
FITS_BLOCK_BYTES = 2880
PIXELS_AT_ONCE = 2**20
MOST_MEMORY_BYTES = 4 * 2**30  # of address space, most of which is never used
MOST_PROCESSOR_TIME_S = 900
DTYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}  # by BITPIX; FITS is big-endian
SCALING_CARDS = ("BSCALE", "BZERO", "BLANK")


@dataclass(frozen=True)
class PlainHdu:
    """A part of a file that is copied as it is, by default: header and data of one HDU, with their padding."""

    fileobj: IO[bytes]
    begin: int  # bytes from the file's first
    size: int  # bytes

    def check(self) -> None:
        """Raise EOFError if the file ends before the HDU does."""
        if self.begin + self.size > os.fstat(self.fileobj.fileno()).st_size:
            raise EOFError("the file is cut short")

    def iter_blocks(self) -> Iterator[bytes]:
        for offset in range(self.begin, self.begin + self.size, BLOCK_BYTES):
            length = min(BLOCK_BYTES, self.begin + self.size - offset)
            yield os.pread(self.fileobj.fileno(), length, offset)


@dataclass(frozen=True)
class NewHeader:
    """A header that no data follow."""

    header: fits.Header

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.header.tostring())

    def check(self) -> None:
        """Take it as it is."""

    def iter_blocks(self) -> Iterator[bytes]:
        yield self.header.tostring().encode("ascii")


@dataclass(frozen=True)
class UnpackedImage:
    """A tile-compressed image, unpacked some rows of tiles at a time; integers keep their scaling."""

    hdu: fits.CompImageHDU
    header: fits.Header

    @property
    def size(self) -> int:
        """Bytes."""
        data = math.prod(self.hdu.shape) * abs(self.header["BITPIX"]) // 8 if self.hdu.shape else 0
        return len(self.header.tostring()) + data + -data % FITS_BLOCK_BYTES

    def check(self) -> None:
        """Unpack the first rows, so that most of what is damaged is found before anything is given."""
        next(self._iter_pixels(), None)

    def iter_blocks(self) -> Iterator[bytes]:
        yield self.header.tostring().encode("ascii")
        length = 0
        for pixels in self._iter_pixels():
            length += len(pixels)
            yield pixels
        yield bytes(-length % FITS_BLOCK_BYTES)

    def _iter_pixels(self) -> Iterator[bytes]:
        dtype = DTYPES[self.header["BITPIX"]]
        for window in self._iter_windows():
            yield np.ascontiguousarray(self.hdu.section[window], dtype).tobytes()

    def _iter_windows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the windows of an image: whole rows of tiles of one plane after the other."""
        *planes, rows, columns = (1, *self.hdu.shape) if len(self.hdu.shape) == 1 else self.hdu.shape or (0, 0)
        tile_rows = self.hdu.tile_shape[-2] if len(self.hdu.shape) > 1 else 1
        step = max(1, PIXELS_AT_ONCE // max(1, columns * tile_rows)) * tile_rows
        for plane in np.ndindex(*planes):
            for start in range(0, rows, step):
                window = slice(start, min(start + step, rows))
                yield (*plane, window) if len(self.hdu.shape) > 1 else (slice(None),)


Part = PlainHdu | NewHeader | UnpackedImage


def build_unpacked(fileobj: IO[bytes]) -> list[Part]:
    """Return what makes up a file without tile compression.

    A primary image, for which the compressor had to make an empty primary HDU, takes that one's place again.
    """
    hdus = _open(fileobj)
    parts = [_build_unpacked_hdu(fileobj, hdu, place) for place, hdu in enumerate(hdus)]
    if len(hdus) > 1 and not hdus[0].shape and _was_primary(hdus[1]):
        parts[:2] = [UnpackedImage(hdus[1], _build_header(hdus[1], is_primary=True))]
    return parts


def build_catalog(fileobj: IO[bytes]) -> list[Part]:
    """Return what makes up a file with the header of ``SCI`` and the table ``CAT``."""
    hdus = _open(fileobj)
    science, catalog = (_find_hdu(hdus, name) for name in ("SCI", "CAT"))
    if not isinstance(catalog, fits.BinTableHDU):
        raise ValueError("its CAT is no table")
    header = science.header.copy(strip=True)
    for key in ("CHECKSUM", "DATASUM", *SCALING_CARDS):  # of the pixels, which are left out
        header.remove(key, ignore_missing=True, remove_all=True)
    primary = fits.PrimaryHDU(header=header)
    primary.header["EXTEND"] = True
    return [NewHeader(primary.header), _build_plain(fileobj, catalog)]


def _open(fileobj: IO[bytes]) -> fits.HDUList:
    return fits.open(fileobj, memmap=False, lazy_load_hdus=True, do_not_scale_image_data=True)


def _find_hdu(hdus: fits.HDUList, name: str) -> Any:
    if name not in hdus:
        raise ValueError(f"it has no HDU {name}")
    return hdus[name]


def _build_unpacked_hdu(fileobj: IO[bytes], hdu: Any, place: int) -> Part:
    if isinstance(hdu, fits.CompImageHDU):
        return UnpackedImage(hdu, _build_header(hdu, is_primary=place == 0))
    return _build_plain(fileobj, hdu)


def _build_plain(fileobj: IO[bytes], hdu: Any) -> PlainHdu:
    info = hdu.fileinfo()
    return PlainHdu(fileobj, info["hdrLoc"], info["datLoc"] - info["hdrLoc"] + info["datSpan"])


def _was_primary(hdu: Any) -> bool:
    return isinstance(hdu, fits.CompImageHDU) and "SIMPLE" in hdu.header


def _build_header(hdu: fits.CompImageHDU, *, is_primary: bool) -> fits.Header:
    """Return an image's header, its first card that of a primary HDU or of an extension.

    Checksums are left out: those of the packed file do not hold, nor those from before it if pixels were quantized.
    """
    header = hdu.header.copy()
    for key in ("CHECKSUM", "DATASUM", *(("PCOUNT", "GCOUNT") if is_primary else ())):
        header.remove(key, ignore_missing=True)
    if is_primary != ("SIMPLE" in header):
        del header[0]
        header.insert(0, ("SIMPLE", True) if is_primary else ("XTENSION", "IMAGE"))
    return header


PRODUCTS: dict[str, Callable[[IO[bytes]], list[Part]]] = {"unpacked": build_unpacked, "catalog": build_catalog}


def describe(build: Callable[[IO[bytes]], list[Part]], fileobj: IO[bytes]) -> tuple[list[Part], int | str]:
    """Return what a product is made of, and its size in bytes or why there is none."""
    try:
        parts = build(fileobj)
        for part in parts:
            part.check()
        return parts, sum(part.size for part in parts)
    except Exception as error:  # what a damaged file makes astropy raise is of any kind; all of it is told
        return [], str(error) or type(error).__name__


def main(product: str, *descriptors: str) -> None:
    """Make a product of each file that is open under a descriptor."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_PROCESSOR_TIME_S, MOST_PROCESSOR_TIME_S))
    warnings.simplefilter("ignore")
    files = [os.fdopen(int(descriptor), "rb") for descriptor in descriptors]
    described = [describe(PRODUCTS[product], fileobj) for fileobj in files]
    sys.stdout.write(json.dumps([outcome for _, outcome in described]) + "\n")
    sys.stdout.flush()
    for parts, _ in described:
        for part in parts:
            for block in part.iter_blocks():
                sys.stdout.buffer.write(block)
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
