"""FITS files, plain or tile-compressed: the header is the file's own, updated with the given metadata."""

from collections.abc import Mapping
from typing import Any

from ocs_archive.input.exceptions import FileSpecificationException
from ocs_archive.input.file import DataFile
from ocs_archive.input.fitsheaders import Headers, read_fits_headers
from ocs_archive.input.lconame import complete_from_name, is_lco_name

WHATEVER_THE_METADATA = {"fits.truncated", "tar.truncated", "tar.too_large"}


class FitsFile(DataFile):
    """A FITS file (``.fits``, ``.fits.fz``).

    The first HDU whose header, updated with the metadata, has every required key gives the headers. A file that
    is no valid FITS falls back on the metadata alone.

    Raises
    ------
    FileSpecificationException
        ``fits.truncated`` in any case; ``fits.empty``, ``fits.invalid`` or ``header.missing`` where required
        headers are missing.
    """

    def get_filestore_content_type(self) -> str:
        return "image/fits"

    def _read_hdu_headers(self) -> list[Headers]:
        return read_fits_headers(self.open_file)

    def _read_headers(self, metadata: dict[str, Any]) -> Mapping[str, Any]:
        try:
            candidates = [headers | metadata for headers in self._read_hdu_headers()]
        except FileSpecificationException as error:
            return self._fall_back(metadata, error)
        for headers in candidates:
            if not self._find_missing(headers):
                return headers
        missing = min(map(self._find_missing, candidates), key=len)
        raise FileSpecificationException(
            f"{self.open_file} lacks these required headers: {', '.join(missing)}. Write them into it, or give them "
            "as its metadata.",
            code="header.missing",
        )

    def _fall_back(self, metadata: dict[str, Any], error: FileSpecificationException) -> dict[str, Any]:
        """Return the metadata of a file that can't be read, unless it is not to be kept or they are not enough."""
        missing = self._find_missing(metadata)
        if error.code in WHATEVER_THE_METADATA:
            raise error
        if missing:
            raise FileSpecificationException(
                f"{error}. Send it whole, or give as its metadata what is missing: {', '.join(missing)}.",
                code=error.code,
            ) from error
        return metadata

    def _complete_headers(self) -> None:
        # A frame's .fits and .fits.fz must give the same record, and by default only the latter is an
        # LcoFitsFile: a name that can only be LCO's is read here too.
        if is_lco_name(self.open_file.basename):
            complete_from_name(self.header_data, self.open_file)
        super()._complete_headers()
