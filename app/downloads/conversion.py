"""Runs the program that makes FITS files from FITS files, and hands on what it makes."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from app.downloads.stored_files import BLOCK_BYTES, BrokenStreamError

PROGRAM = Path(__file__).with_name("fits_products.py")
UNPACKED, CATALOG = "unpacked", "catalog"
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # each would take memory, and none has work


class Conversion:
    """A run of `app.downloads.fits_products` over some open files of this machine; they may be closed afterwards.

    Parameters
    ----------
    product
        UNPACKED or CATALOG.

    Attributes
    ----------
    outcomes
        For each file the size of what is made of it in bytes, or a text that says why nothing is.
    """

    def __init__(self, product: str, files: Sequence[IO[bytes]]) -> None:
        descriptors = [file.fileno() for file in files]
        for file in files:
            file.seek(0)
        self._process = subprocess.Popen(  # noqa: S603 (our own program; nobody's text is among its arguments)
            [sys.executable, "-I", PROGRAM, product, *map(str, descriptors)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            pass_fds=descriptors,
            env=ONE_THREAD,  # and none of our secrets: it reads what strangers wrote
        )
        self.outcomes: list[int | str] = self._read_outcomes(len(files))

    def read(self, size: int) -> Iterator[bytes]:
        """Yield the next product, of this size.

        Raises
        ------
        BrokenStreamError
            If the program ends before it is whole.
        """
        while size:
            block = self._output.read(min(BLOCK_BYTES, size))
            if not block:
                raise BrokenStreamError(f"A FITS file could not be unpacked to its end: status {self._process.wait()}.")
            size -= len(block)
            yield block

    def close(self) -> None:
        """End the program, whether or not it is done."""
        self._process.kill()
        self._output.close()
        self._process.wait()

    @property
    def _output(self) -> IO[bytes]:
        assert self._process.stdout is not None  # noqa: S101 (for the type checker: it was asked for)
        return self._process.stdout

    def _read_outcomes(self, count: int) -> list[int | str]:
        line = self._output.readline()
        if line:
            outcomes: list[int | str] = json.loads(line)
            return outcomes
        self.close()
        return [f"the decoder crashed on it (status {self._process.returncode})"] * count
