"""Tar files: the header is that of a FITS file inside."""

import bz2
import gzip
import lzma
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from itertools import islice
from typing import IO, Any

from ocs_archive.input.exceptions import FileSpecificationException
from ocs_archive.input.file import File
from ocs_archive.input.fitsfile import FitsFile
from ocs_archive.input.fitsheaders import Headers, read_fits_headers

BROKEN_TAR_ERRORS = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError)
OPENERS: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
# Frames shrink to a half or a third, an empty mask to a hundredth, a bomb to a thousandth. A gigabyte is a few seconds.
LARGEST_EXPANSION, ALWAYS_ALLOWED_BYTES = 200, 2**30
LARGEST_READ_BYTES = 2**20  # tarfile reads a member's name, or what pax says of it, in one piece, of whatever length


def build_too_large_error(file: File, reason: str) -> FileSpecificationException:
    return FileSpecificationException(f"{file} is refused: {reason}. Send its files one by one.", code="tar.too_large")


class TarContent:
    """The content of a tar file, decompressed as it is read; it is read in small pieces only."""

    def __init__(self, file: File) -> None:
        self._file = file
        magic = file.get_from_start().read(6)
        openers = [opener for start, opener in OPENERS.items() if magic.startswith(start)]
        fileobj = file.get_from_start()
        self._content: IO[bytes] = openers[0](fileobj) if openers else fileobj
        self.seek, self.tell, self.seekable = self._content.seek, self._content.tell, self._content.seekable

    def read(self, size: int) -> bytes:
        if size > LARGEST_READ_BYTES:
            raise build_too_large_error(self._file, f"the name or the description of a member has {size} bytes")
        return self._content.read(size)


class TarWithFitsFile(FitsFile):
    """A tar file (``.tar``, ``.tar.gz``) that holds a FITS file.

    Raises
    ------
    FileSpecificationException
        ``tar.no_fits`` or ``tar.invalid`` where required headers are missing; ``tar.truncated`` and
        ``tar.too_large`` in any case.
    """

    metadata_member = re.compile(r"\.fits(\.fz)?$")
    """The first member whose name this finds gives the headers."""

    def get_filestore_content_type(self) -> str:
        return "application/x-tar"

    def _read_hdu_headers(self) -> list[Headers]:
        try:
            largest_bytes = max(ALWAYS_ALLOWED_BYTES, LARGEST_EXPANSION * len(self.open_file))
            with self._open_tar() as tar:
                members = self._iter_members(tar, largest_bytes)
                headers = [hdu for member in islice(members, 1) for hdu in read_fits_headers(member)]
                for _ in members:
                    pass  # to the end: that is how a tar file that is cut short shows
        except BROKEN_TAR_ERRORS as error:
            raise FileSpecificationException(
                f"{self.open_file} is cut short or damaged: {error}. Send it again, whole.", code="tar.truncated"
            ) from error
        if not headers:
            raise FileSpecificationException(
                f"{self.open_file} holds no FITS file that could give its headers", code="tar.no_fits"
            )
        return headers

    def _open_tar(self) -> tarfile.TarFile:
        content: Any = TarContent(self.open_file)  # as much of a file object as tarfile asks for
        try:
            return tarfile.open(fileobj=content, mode="r:")
        except (tarfile.ReadError, gzip.BadGzipFile) as error:
            raise FileSpecificationException(f"{self.open_file} is not a valid tar file", code="tar.invalid") from error

    def _iter_members(self, tar: tarfile.TarFile, largest_bytes: int) -> Iterator[File]:
        while member := tar.next():
            tar.members.clear()  # type: ignore[attr-defined]  # else a bomb of a million names stays; typeshed lacks it
            if tar.offset > largest_bytes:  # what the next one begins at: this one is not unpacked yet
                raise build_too_large_error(
                    self.open_file, f"it would unpack to more than {LARGEST_EXPANSION} times its size"
                )
            fileobj = tar.extractfile(member) if member.isfile() else None
            if fileobj and self.metadata_member.search(member.name):
                yield File(fileobj, member.name)
