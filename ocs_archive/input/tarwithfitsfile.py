"""Tar files: the header is that of a FITS file inside."""

import gzip
import lzma
import re
import tarfile
import zlib
from collections.abc import Iterator
from itertools import islice

from ocs_archive.input.exceptions import FileSpecificationException
from ocs_archive.input.file import File
from ocs_archive.input.fitsfile import FitsFile
from ocs_archive.input.fitsheaders import Headers, read_fits_headers

BROKEN_TAR_ERRORS = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError)


class TarWithFitsFile(FitsFile):
    """A tar file (``.tar``, ``.tar.gz``) that holds a FITS file.

    Raises
    ------
    FileSpecificationException
        ``tar.no_fits`` or ``tar.invalid`` where required headers are missing; ``tar.truncated`` in any case.
    """

    metadata_member = re.compile(r"\.fits(\.fz)?$")
    """The first member whose name this finds gives the headers."""

    def get_filestore_content_type(self) -> str:
        return "application/x-tar"

    def _read_hdu_headers(self) -> list[Headers]:
        try:
            if not tarfile.is_tarfile(self.open_file.get_from_start()):
                raise FileSpecificationException(f"{self.open_file} is not a valid tar file", code="tar.invalid")
            with tarfile.open(fileobj=self.open_file.get_from_start()) as tar:
                members = self._iter_members(tar)
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

    def _iter_members(self, tar: tarfile.TarFile) -> Iterator[File]:
        for member in tar:
            fileobj = tar.extractfile(member) if member.isfile() else None
            if fileobj and self.metadata_member.search(member.name):
                yield File(fileobj, member.name)
