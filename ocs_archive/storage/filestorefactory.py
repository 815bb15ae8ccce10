"""Which class keeps the files: by the setting FILESTORE_TYPE."""

from importlib import import_module

from ocs_archive.settings import settings
from ocs_archive.storage.filestore import FileStore, FileStoreSpecificationError

#: Where the class of each type is: it is imported when it is asked for, as S3's library takes its time.
FILE_STORES = {
    "dummy": "ocs_archive.storage.filestore.FileStore",
    "local": "ocs_archive.storage.filesystemstore.FileSystemStore",
    "s3": "ocs_archive.storage.s3store.S3Store",
}


class FileStoreFactory:
    """Finds the class of the file store."""

    @staticmethod
    def get_file_store_class(filestore_type: str | None = None) -> type[FileStore]:
        """Return the class for a type of store; None takes FILESTORE_TYPE.

        A type is a name in `FILE_STORES`, or the dotted path of an observatory's own `FileStore`.

        Raises
        ------
        FileStoreSpecificationError
            If the type is unknown, or its path leads to no `FileStore`.
        """
        wanted: str = settings.FILESTORE_TYPE if filestore_type is None else filestore_type
        path = FILE_STORES.get(wanted, wanted)
        if "." in path:
            return import_file_store_class(path)
        raise FileStoreSpecificationError(f"Invalid FileStore type {wanted}")


def import_file_store_class(path: str) -> type[FileStore]:
    module_path, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module_path), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise FileStoreSpecificationError(f"Invalid FileStore type {path}: it can't be imported ({error})") from error
    if not (isinstance(found, type) and issubclass(found, FileStore)):
        raise FileStoreSpecificationError(f"Invalid FileStore type {path}: it is no subclass of FileStore")
    return found
