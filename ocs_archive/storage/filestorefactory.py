"""Which class keeps the files: by the setting FILESTORE_TYPE."""

from ocs_archive.settings import settings
from ocs_archive.storage.filestore import FileStore, FileStoreSpecificationError
from ocs_archive.storage.filesystemstore import FileSystemStore
from ocs_archive.storage.s3store import S3Store

FILE_STORES: dict[str, type[FileStore]] = {"dummy": FileStore, "local": FileSystemStore, "s3": S3Store}


class FileStoreFactory:
    """Finds the class of the file store."""

    @staticmethod
    def get_file_store_class(filestore_type: str | None = None) -> type[FileStore]:
        """Return the class for a type of store; None takes FILESTORE_TYPE.

        Raises
        ------
        FileStoreSpecificationError
            If the type is unknown.
        """
        wanted = settings.FILESTORE_TYPE if filestore_type is None else filestore_type
        if wanted not in FILE_STORES:
            raise FileStoreSpecificationError(f"Invalid FileStore type {wanted}")
        return FILE_STORES[wanted]
