"""FITS files of Las Cumbres Observatory: names say what headers leave out; bad pixel masks have a folder."""

from ocs_archive.input.exceptions import FileSpecificationException
from ocs_archive.input.fitsfile import FitsFile
from ocs_archive.input.lconame import MISSING_TYPES, complete_from_name, is_bad_pixel_mask_name


class LcoFitsFile(FitsFile):
    """A FITS file of LCO.

    Raises
    ------
    FileSpecificationException
        ``name.unknown_type``, if neither the header nor the name tells the configuration type.
    """

    def get_filestore_path(self) -> str:
        """Return the path in the file store; that of a bad pixel mask is ``site/instrument/bpm/name``."""
        return self._build_path("bpm") if self._is_bad_pixel_mask() else super().get_filestore_path()

    def _is_bad_pixel_mask(self) -> bool:
        header = self.header_data
        return (
            header.get_configuration_type() == "BPM"
            or header.header_data.get("EXTNAME") == "BPM"
            or is_bad_pixel_mask_name(self.open_file.basename or "")
        )

    def _complete_headers(self) -> None:
        complete_from_name(self.header_data, self.open_file)
        if self.header_data.get_configuration_type() in MISSING_TYPES:
            raise FileSpecificationException(
                f"{self.open_file} has no configuration type in its header or its name.", code="name.unknown_type"
            )
        super()._complete_headers()
