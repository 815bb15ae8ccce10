"""Paths that are hard to order: with what sorts before and after a slash, and beyond the first 65,536 characters."""

import io

from hypothesis import strategies as st

from ocs_archive.input.file import DataFile, File
from tests.fits_factory import FRAME_CARDS

PART = st.text(st.sampled_from("aB0-. ~é\ue000\U0001f52d"), min_size=1, max_size=3).filter(lambda part: part.strip("."))


def drop_folders(paths: set[str]) -> set[str]:
    """Leave out what is a folder of another path: no disk has a file and a folder of one name."""
    return {path for path in paths if not any(other.startswith(f"{path}/") for other in paths)}


PATHS = st.sets(st.lists(PART, min_size=1, max_size=3).map("/".join), max_size=12).map(drop_folders)

HARDEST = {"a/b/x", "a/b-/x", "a/b.x", "a/b /x", "a/b0", "a/bb/c", "a-/x", "a.x", "\ue000", "\U0001f52d", "~"}


class PlacedFile(DataFile):
    """A file whose name is its path in the store."""

    def __init__(self, path: str, content: bytes = b"") -> None:
        super().__init__(File(io.BytesIO(content), path), FRAME_CARDS)

    def get_filestore_path(self) -> str:
        return self.open_file.filename or ""
