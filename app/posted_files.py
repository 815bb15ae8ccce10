"""Files that a program puts into the store before it posts their records: where they lie, and how long they are."""

import logging
from collections.abc import Mapping
from typing import Any

from app.errors import BadRequest
from app.extensions import get_file_store
from ocs_archive.input.file import EmptyFile, FileSpecificationException
from ocs_archive.input.filefactory import FileFactory
from ocs_archive.settings import settings
from ocs_archive.storage.filestore import FileStoreConnectionError, FileStoreSpecificationError

log = logging.getLogger(__name__)


def build_store_path(extension: str, frame: Mapping[str, Any]) -> str:
    """Return the path at which the sender of a record has stored a file.

    It follows from the file's name and header by the rule of the class for its extension, here as there.

    Parameters
    ----------
    extension
        Of the file, with its dots.
    frame
        The record, as `app.frames.schemas.NewFrameSchema` loads it; its basename is the file's.

    Raises
    ------
    BadRequest
        If the record lacks what the path is made of.
    """
    basename = frame["basename"]
    file = EmptyFile(f"{basename}{extension}")
    if file.basename != basename:
        told = "Must be a file's name up to its first dot, without folders."
        raise BadRequest(f"basename: {told}", code="bad_parameter", fields={"basename": [told]})
    try:
        file_class = FileFactory.get_datafile_class_for_extension(extension)
        return file_class(file, _build_metadata(frame), required_headers=()).get_filestore_path()
    except FileSpecificationException as error:
        raise BadRequest(
            f"version_set: where {file} lies in the file store can't be told: {error}",
            code=error.code,
            fields={"version_set": [str(error)]},
        ) from error


def take_in(path: str, key: str) -> int | None:
    """Make a stored file the store's own version, and return its size in bytes.

    None if the store does not answer or has no such file: whether it keeps what it was given is for the audit to find.
    """
    store = get_file_store()
    try:
        store.adopt_file(path, key)
        return store.get_file_size(path, key) or None  # the store that keeps nothing knows no size
    except (FileStoreConnectionError, FileStoreSpecificationError) as error:
        log.warning("the size of %s is not known: %s", path, error)
        return None


def _build_metadata(frame: Mapping[str, Any]) -> dict[str, Any]:
    """Return a posted header, and from the record what it leaves out of that which makes up a path."""
    observed, day = frame["observation_date"], frame["observation_day"]
    recorded = {
        settings.SITE_ID_KEY: frame["site_id"],
        settings.INSTRUMENT_ID_KEY: frame["instrument_id"],
        settings.CONFIGURATION_TYPE_KEY: frame["configuration_type"],
        settings.REDUCTION_LEVEL_KEY: frame["reduction_level"],
        settings.OBSERVATION_DATE_KEY: observed,
        settings.OBSERVATION_DAY_KEY: f"{day:%Y%m%d}" if day else None,
        settings.PUBLIC_DATE_KEY: frame["public_date"] or observed,  # no part of a path, and the portal is not asked
    }
    return recorded | {key: value for key, value in frame["headers"].items() if value not in (None, "")}
