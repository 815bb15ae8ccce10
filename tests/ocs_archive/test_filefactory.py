"""Which class reads which kind of file."""

import pytest

from ocs_archive.input.file import DataFile, FileSpecificationException
from ocs_archive.input.filefactory import FileFactory
from ocs_archive.input.fitsfile import FitsFile
from ocs_archive.input.lcofitsfile import LcoFitsFile
from ocs_archive.input.lcotarwithfitsfile import LcoTarWithFitsFile
from ocs_archive.input.tarwithfitsfile import TarWithFitsFile
from ocs_archive.input.thumbnailfile import ThumbnailFile


class ObservatoryFile(FitsFile):
    """As an observatory would write its own."""


class NoDataFile:
    pass


find = FileFactory.get_datafile_class_for_extension


@pytest.mark.parametrize(
    ("extension", "file_class"),
    [
        (".fits.fz", LcoFitsFile),
        (".fits", FitsFile),
        (".tar.gz", TarWithFitsFile),
        (".pdf", DataFile),
        (".jpg", ThumbnailFile),
        (".jpeg", ThumbnailFile),
    ],
)
def test_default_types(extension, file_class):
    assert find(extension) is file_class


def override(monkeypatch, **mapping: str) -> None:
    monkeypatch.setenv("FILETYPE_MAPPING_OVERRIDES", str({f".{key}": path for key, path in mapping.items()}))


def test_overrides_add_and_replace(monkeypatch):
    override(
        monkeypatch, fits=f"{__name__}.ObservatoryFile", tar="ocs_archive.input.lcotarwithfitsfile.LcoTarWithFitsFile"
    )
    assert (find(".fits"), find(".tar"), find(".pdf")) == (ObservatoryFile, LcoTarWithFitsFile, DataFile)


@pytest.mark.parametrize("extension", [".txt", "", None, ".b.fits"])
def test_unknown_extension_is_named_with_those_known(extension):
    with pytest.raises(FileSpecificationException, match=r"\.fits\.fz") as caught:
        find(extension)
    assert caught.value.code == "filetype.unknown"
    assert repr(extension) in str(caught.value)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("no.such.module.File", "module"),
        ("ocs_archive.input.fitsfile.NoSuchFile", "NoSuchFile"),
        (f"{__name__}.NoDataFile", "no DataFile"),
        ("ocs_archive.input.fitsfile.read_fits_headers", "no DataFile"),
        ("nodots", "module"),
        ("", "module"),
    ],
)
def test_bad_mapping_says_which(monkeypatch, path, reason):
    override(monkeypatch, x=path)
    with pytest.raises(FileSpecificationException, match=reason) as caught:
        find(".x")
    assert caught.value.code == "filetype.bad_mapping"
    assert repr(path) in str(caught.value)
