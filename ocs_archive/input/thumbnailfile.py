"""Thumbnails: small pictures of frames, which know of the frame only what is given with them."""

from ocs_archive.input.file import DataFile
from ocs_archive.settings import settings


class ThumbnailFile(DataFile):
    """A thumbnail (``.jpg``, ``.jpeg``); its metadata must have the keys of REQUIRED_THUMBNAIL_METADATA."""

    def get_filestore_content_type(self) -> str:
        return "image/jpeg" if self.open_file.extension == ".jpeg" else "image/jpg"

    def get_filestore_path(self) -> str:
        """Return the path in the file store: ``site/instrument/day/thumbnails/name``."""
        return self._build_path(self._get_day(), "thumbnails")

    def _get_default_required_headers(self) -> tuple[str, ...]:
        return tuple(settings.REQUIRED_THUMBNAIL_METADATA)
