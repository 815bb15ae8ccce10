"""Data files on their way in, by whichever door: reading one, its record, storing it, and what can go wrong.

The library for control systems stands on this too, so nothing here needs the application or a database.
"""

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from ingest_worker.exceptions import BackoffRetryError, DoNotRetryError
from ocs_archive.input.file import DataFile, File, FileSpecificationException
from ocs_archive.input.filefactory import FileFactory
from ocs_archive.settings import settings
from ocs_archive.storage.filestore import FileStore, FileStoreConnectionError, FileStoreSpecificationError

BAD_PATH = {errno.ENAMETOOLONG, errno.ENOTDIR, errno.ELOOP}


def read_data_file(file: File, file_metadata: Mapping[str, Any], **options: Any) -> DataFile:
    """Read a file by the class that its extension names.

    Parameters
    ----------
    options
        Of `DataFile`: which headers are required, and which are dropped.

    Raises
    ------
    DoNotRetryError
        If files of its name are kept out.
    FileSpecificationException
        If it is not what its name says, or lacks what it must have.
    """
    if any(part in (file.basename or "") for part in settings.IGNORED_CHARS):
        raise DoNotRetryError(f"{file.filename}: IGNORED_CHARS keeps files of this name out.", "file.ignored")
    file_class = FileFactory.get_datafile_class_for_extension(file.extension)
    return file_class(file, dict(file_metadata), **options)


def build_frame_record(data_file: DataFile) -> dict[str, Any]:
    """Return what the archive keeps of a data file, as the contract's POST has it, without its versions."""
    return data_file.header_data.get_archive_frame_data() | {
        "basename": data_file.open_file.basename,
        "headers": data_file.header_data.get_headers(),
        "area": data_file.get_wcs_corners(),
    }


def store_data_file(store: FileStore, data_file: DataFile, md5: str, size: int) -> dict[str, str]:
    """Store a file, and make sure that the store holds just what was read; return the version's fields.

    Raises
    ------
    BackoffRetryError
        If it does not. What it holds of the file, half of it perhaps, is deleted.
    """
    path = data_file.get_filestore_path()
    stored = store.store_file(data_file)
    if stored["md5"] != md5:
        raise BackoffRetryError("The file changed while it was being stored.", "store.checksum_mismatch")
    stored_size = store.get_file_size(path, stored["key"])
    if stored_size != size and type(store) is not FileStore:  # the dummy keeps nothing
        with suppress(FileStoreConnectionError):  # then the audit finds it
            store.delete_file(path, stored["key"])
        raise BackoffRetryError(f"The store holds {stored_size} of {size} bytes.", "store.size_mismatch")
    return {**stored, "store_path": path}


@contextmanager
def translated_file_errors(filename: str) -> Iterator[None]:
    """Turn what a file and the file store raise into one of the four kinds."""
    try:
        yield
    except FileSpecificationException as error:
        raise DoNotRetryError(str(error), error.code) from error
    except FileStoreSpecificationError as error:
        raise BackoffRetryError(f"The file store is not set up right: {error}", "store.misconfigured") from error
    except FileStoreConnectionError as error:
        raise BackoffRetryError(f"The file store does not answer: {error}", "store.unavailable") from error
    except PermissionError as error:
        raise DoNotRetryError(f"{filename} may not be read from here: {error.strerror}.", "file.unreadable") from error
    except OSError as error:
        if error.errno in BAD_PATH:
            raise DoNotRetryError(f"{filename} lies at no usable path: {error.strerror}.", "path.unusable") from error
        raise BackoffRetryError(f"{filename} could not be read: {error.strerror}.", "file.io_error") from error
