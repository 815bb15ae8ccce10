"""Which class reads which kind of file: the default mapping and the observatory's own over it."""

from importlib import import_module

from ocs_archive.input.file import DataFile, FileSpecificationException
from ocs_archive.settings import settings

DEFAULT_FILETYPES = {
    ".fits.fz": "ocs_archive.input.lcofitsfile.LcoFitsFile",
    ".fits": "ocs_archive.input.fitsfile.FitsFile",
    ".tar.gz": "ocs_archive.input.tarwithfitsfile.TarWithFitsFile",
    ".pdf": "ocs_archive.input.file.DataFile",
    ".jpg": "ocs_archive.input.thumbnailfile.ThumbnailFile",
    ".jpeg": "ocs_archive.input.thumbnailfile.ThumbnailFile",
}


def build_bad_mapping_error(extension: str, path: str, reason: str) -> FileSpecificationException:
    return FileSpecificationException(
        f"{extension} files are mapped to {path!r}, {reason}; see FILETYPE_MAPPING_OVERRIDES.",
        code="filetype.bad_mapping",
    )


def import_datafile_class(extension: str, path: str) -> type[DataFile]:
    module_path, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module_path), name)
    except (ImportError, ValueError) as error:
        raise build_bad_mapping_error(extension, path, f"whose module can't be imported ({error})") from error
    except AttributeError:
        raise build_bad_mapping_error(extension, path, f"but {module_path} has no {name}") from None
    if not (isinstance(found, type) and issubclass(found, DataFile)):
        raise build_bad_mapping_error(extension, path, "which is no DataFile")
    return found


class FileFactory:
    """Finds the class for a file."""

    @staticmethod
    def get_datafile_class_for_extension(extension: str | None) -> type[DataFile]:
        """Return the `DataFile` class for an extension such as ``.fits.fz``.

        Raises
        ------
        FileSpecificationException
            ``filetype.unknown``, or ``filetype.bad_mapping`` where the mapping leads to no `DataFile`.
        """
        mapping = DEFAULT_FILETYPES | settings.FILETYPE_MAPPING_OVERRIDES
        if extension is None or extension not in mapping:
            raise FileSpecificationException(
                f"The file extension {extension!r} is unknown; known are {', '.join(sorted(mapping))}.",
                code="filetype.unknown",
            )
        return import_datafile_class(extension, mapping[extension])
