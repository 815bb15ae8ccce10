"""Which names in a watched folder are none of the archive's files."""

from app.fields import CONTROL_CHARACTERS
from ocs_archive.input.exceptions import FileSpecificationException
from ocs_archive.input.file import DataFile
from ocs_archive.input.filefactory import FileFactory
from ocs_archive.input.thumbnailfile import ThumbnailFile
from ocs_archive.input.values import split_filename
from ocs_archive.settings import settings

#: What programs add to the name of a file that they have not finished.
UNFINISHED = (".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".lock", ".swp", "~")


def is_unfinished(name: str) -> bool:
    """Say whether a name is hidden, or that of a file on its way: it will go, or be changed to the true one."""
    return name.startswith(".") or name.lower().endswith(UNFINISHED)


def find_obstacle(name: str) -> str | None:
    """Return why files of a name can't be taken from a folder; None if they can."""
    if CONTROL_CHARACTERS.search(name):
        return "it has control characters, or is not UTF-8: rename it"
    basename, extension = split_filename(name)
    if any(part in basename for part in settings.IGNORED_CHARS):
        return "IGNORED_CHARS keeps files of this name out"
    try:
        file_class = FileFactory.get_datafile_class_for_extension(extension)
    except FileSpecificationException as error:
        return str(error) if error.code == "filetype.unknown" else None  # a bad mapping shall stand on the list
    if file_class is DataFile or issubclass(file_class, ThumbnailFile):
        return f"{extension} files need metadata, which a folder can't give: send it by another door"
    return None
