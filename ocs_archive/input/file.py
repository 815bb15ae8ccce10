"""Files and data files: what a file is called, what it holds and where it is kept."""

import hashlib
import io
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any

from ocs_archive.input.exceptions import FileSpecificationException
from ocs_archive.input.headerdata import HeaderData
from ocs_archive.input.publicdate import find_public_date
from ocs_archive.input.values import clean_text, split_filename
from ocs_archive.settings import settings

if TYPE_CHECKING:
    from ocs_archive.input.footprint import Polygon

__all__ = ["DataFile", "EmptyFile", "File", "FileSpecificationException"]

BLOCK_BYTES = 2**20
UNSAFE_CHARACTERS = r"/\\\x00-\x1f\x7f-\x9f\ud800-\udfff"
SAFE_PATH_PART = re.compile(rf"[^.{UNSAFE_CHARACTERS}][^{UNSAFE_CHARACTERS}]{{0,254}}")


def make_seekable(fileobj: IO[bytes]) -> IO[bytes]:
    """Return the file object itself, or for a stream that can't seek, a temporary file with its content."""
    if fileobj.seekable():
        return fileobj
    copy = tempfile.TemporaryFile()  # noqa: SIM115 -- lives as long as its File; deleted when that is collected
    shutil.copyfileobj(fileobj, copy, BLOCK_BYTES)
    return copy


def find_filename(fileobj: IO[bytes]) -> str | None:
    """Return a file object's name; ``filename`` comes first, as an upload's ``name`` is the form's field."""
    for name in (getattr(fileobj, "filename", None), getattr(fileobj, "name", None)):
        if isinstance(name, str) and name:
            return name
    return None


class File:
    """A file object and its name.

    Parameters
    ----------
    fileobj
        An open binary file object. A stream that can't seek is copied to a temporary file.
    path
        Its name, with or without folders; None takes the file object's own.
    """

    basename: str | None = None
    extension: str | None = None

    def __init__(self, fileobj: IO[bytes], path: str | os.PathLike[str] | None = None) -> None:
        self.filename = os.fspath(path) if path else find_filename(fileobj)
        self.fileobj = make_seekable(fileobj)
        if self.filename:
            self.basename, self.extension = split_filename(self.filename)

    def __str__(self) -> str:
        """Return the name that messages give to the file."""
        return clean_text(f"{self.basename}{self.extension}") if self.filename else "A file without a name"

    def __len__(self) -> int:
        """Return the size in bytes."""
        self.fileobj.seek(0, os.SEEK_END)
        return self.fileobj.tell()

    def get_from_start(self) -> IO[bytes]:
        """Return the file object, at its start."""
        self.fileobj.seek(0)
        return self.fileobj

    def iter_blocks(self) -> Iterator[bytes]:
        """Yield the content from the start, in blocks of at most 1 MiB."""
        fileobj = self.get_from_start()
        while block := fileobj.read(BLOCK_BYTES):
            yield block

    def get_md5(self) -> str:
        """Return the md5 in hex; read anew each time, as nothing tells that a file object has not changed."""
        md5 = hashlib.md5(usedforsecurity=False)
        for block in self.iter_blocks():
            md5.update(block)
        return md5.hexdigest()


class EmptyFile(File):
    """A name without content."""

    def __init__(self, path: str) -> None:
        super().__init__(io.BytesIO(), path)


class DataFile:
    """A file of any kind whose header is the metadata given with it.

    Parameters
    ----------
    open_file
        The file.
    file_metadata
        Header values; they go over those that the file itself has.
    blacklist_headers
        Header keys that are dropped; None takes HEADER_BLACKLIST.
    required_headers
        Header keys that must be there; None takes REQUIRED_HEADERS.

    Raises
    ------
    FileSpecificationException
        If a required header is missing, or a date that the archive needs is no date.
    """

    def __init__(
        self,
        open_file: File,
        file_metadata: Mapping[str, Any] | None = None,
        blacklist_headers: Iterable[str] | None = None,
        required_headers: Iterable[str] | None = None,
    ) -> None:
        self.open_file = open_file
        self.required_headers = (
            self._get_default_required_headers() if required_headers is None else tuple(required_headers)
        )
        self.header_data = HeaderData(self._read_headers(dict(file_metadata or {})))
        self._complete_headers()
        for key in (*(settings.HEADER_BLACKLIST if blacklist_headers is None else blacklist_headers), ""):
            self.header_data.remove_header(key)

    def get_header_data(self) -> HeaderData:
        """Return the header, complete and without the blacklisted keys."""
        return self.header_data

    def get_wcs_corners(self) -> "Polygon | None":
        """Return the footprint: a closed GeoJSON Polygon in ICRS degrees, or None if there is none."""
        from ocs_archive.input.footprint import find_circle_footprint, find_wcs_footprint  # astropy comes with them

        header = self.header_data
        if header.headers_are_set((settings.RADIUS_KEY, settings.RA_KEY, settings.DEC_KEY)):
            return find_circle_footprint(header.get_ra(), header.get_dec(), header.get_radius())
        return None if header.headers_are_set(["NAXIS3"]) else find_wcs_footprint(header.get_headers())

    def get_filestore_path(self) -> str:
        """Return the path in the file store: ``site/instrument/day/raw|processed/name``.

        Raises
        ------
        FileSpecificationException
            ``header.unsafe_path``, if a part is empty, too long, begins with a dot or has a slash or control character.
        """
        level = "raw" if self.header_data.get_reduction_level() == 0 else "processed"
        return self._build_path(self._get_day(), level)

    def get_filestore_content_type(self) -> str:
        """Return the media type that a file store serves the file with; empty: the store's own default."""
        return ""

    def _get_default_required_headers(self) -> tuple[str, ...]:
        return tuple(settings.REQUIRED_HEADERS)

    def _find_missing(self, headers: Mapping[str, Any]) -> list[str]:
        return [key for key in self.required_headers if key not in headers]

    def _read_headers(self, metadata: dict[str, Any]) -> Mapping[str, Any]:
        missing = self._find_missing(metadata)
        if missing:
            raise FileSpecificationException(
                f"{self.open_file} has no header of its own, and its metadata lack these required "
                f"headers: {', '.join(missing)}.",
                code="header.missing" if metadata else "metadata.missing",
            )
        return metadata

    def _complete_headers(self) -> None:
        """Fill in the observing night and the public date where they are missing."""
        header = self.header_data
        completed = {
            settings.OBSERVATION_DAY_KEY: header.get_observation_day(),
            settings.PUBLIC_DATE_KEY: header.get_public_date()
            or find_public_date(header, self.open_file.basename or ""),
        }
        header.update_headers({key: value for key, value in completed.items() if value})

    def _get_day(self) -> str:
        return self.header_data.get_observation_day() or ""

    def _build_path(self, *folders: str) -> str:
        keys = (settings.SITE_ID_KEY, settings.INSTRUMENT_ID_KEY)
        # The stored header, not its getters: they drop the very characters that make a path unsafe.
        headers = {key: str(self.header_data.header_data.get(key) or "").strip(" ") for key in keys}
        filename = f"{self.open_file.basename or ''}{self.open_file.extension or ''}"
        named = [*headers.items(), *((settings.OBSERVATION_DAY_KEY, part) for part in folders), ("file name", filename)]
        for name, part in named:
            if not SAFE_PATH_PART.fullmatch(part):
                raise FileSpecificationException(
                    f"{name} is {part!r}, which can't be part of a path in the file store: it must have 1 to 255 "
                    "characters, not begin with a dot, and hold no slash or control character.",
                    code="header.unsafe_path",
                )
        return "/".join(part for _, part in named)
