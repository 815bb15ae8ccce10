"""Tar files: which member gives the headers."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from ocs_archive.input.file import File, FileSpecificationException
from ocs_archive.input.lcotarwithfitsfile import LcoTarWithFitsFile
from ocs_archive.input.tarwithfitsfile import TarWithFitsFile
from tests.fits_factory import FRAME_CARDS, write_fits

NAME = "coj2m002-en05-20240219-0125-e00.tar.gz"


def write_tar(path: Path, *names: str, mode: str = "w:gz", **overrides) -> Path:
    """Write a tar file of frames, each of which has its own name as its OBJECT, and of other files."""
    with tarfile.open(path, mode) as tar:
        for name in names:
            member = path.parent / "members" / name
            member.parent.mkdir(parents=True, exist_ok=True)
            if not name.endswith(".txt"):
                write_fits(member, compressed=name.endswith(".fz"), OBJECT=name, **overrides)
            else:
                member.write_bytes(os.urandom(5000))
            tar.add(member, name)
    return path


def open_tar(path: Path, file_class=TarWithFitsFile, metadata=None) -> TarWithFitsFile:
    with path.open("rb") as fileobj:
        return file_class(File(fileobj), metadata)


@pytest.mark.parametrize(("suffix", "mode"), [(".tar.gz", "w:gz"), (".tar", "w")])
def test_first_fits_file_gives_the_headers(tmp_path, suffix, mode):
    path = write_tar(tmp_path / f"guide{suffix}", "a.fits.txt", "folder/a-g00.fits.fz", "b-g00.fits", mode=mode)
    data_file = open_tar(path)
    assert data_file.get_header_data().get_target_name() == "folder/a-g00.fits.fz"
    assert data_file.get_filestore_content_type() == "application/x-tar"
    assert data_file.get_filestore_path() == f"coj/kb05/20240219/processed/guide{suffix}"
    assert len(data_file.get_wcs_corners()["coordinates"][0]) == 5


@pytest.mark.parametrize("member", ["x-e00.fits", "x-e90.fits.fz", "folder/x-e91.fits.fz"])
def test_lco_takes_the_raw_or_reduced_frame(tmp_path, member):
    path = write_tar(tmp_path / NAME, "a-w00.fits", "e00-of-other.fits", member)
    header = open_tar(path, LcoTarWithFitsFile).get_header_data()
    assert header.get_target_name() == member


def test_lco_tar_follows_the_rules_of_lco(tmp_path):
    header = open_tar(write_tar(tmp_path / NAME, "x-e00.fits", OBSTYPE="UNKNOWN"), LcoTarWithFitsFile).header_data
    assert header.get_configuration_type() == "SPECTRUM"
    path = write_tar(tmp_path / "spectra.tar.gz", "x-e00.fits", RLEVEL=None)
    assert open_tar(path, LcoTarWithFitsFile).header_data.get_reduction_level() == 90


@pytest.mark.parametrize("file_class", [TarWithFitsFile, LcoTarWithFitsFile])
def test_tar_without_a_fits_file(tmp_path, file_class):
    path = write_tar(tmp_path / NAME, "log.txt")
    with pytest.raises(FileSpecificationException, match=f"{NAME} holds no FITS file.*PROPID") as caught:
        open_tar(path, file_class)
    assert caught.value.code == "tar.no_fits"
    assert open_tar(path, file_class, FRAME_CARDS).get_header_data().get_target_name() == "M84"


def test_missing_header_inside(tmp_path):
    with pytest.raises(FileSpecificationException, match=f"{NAME} lacks .*PROPID") as caught:
        open_tar(write_tar(tmp_path / NAME, "a.fits", PROPID=None))
    assert caught.value.code == "header.missing"


@pytest.mark.parametrize("mode", ["w:gz", "w"])
def test_tar_cut_short_is_refused_whatever_the_metadata(tmp_path, mode):
    path = write_tar(tmp_path / NAME, "a.fits", *(f"{number}.txt" for number in range(9)), mode=mode)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(FileSpecificationException, match="cut short") as caught:
        open_tar(path, metadata=FRAME_CARDS)
    assert caught.value.code == "tar.truncated"


@pytest.mark.parametrize("content", [b"", b"junk" * 500])
def test_what_is_no_tar_file(content):
    with pytest.raises(FileSpecificationException, match=f"{NAME} is not a valid tar file") as caught:
        TarWithFitsFile(File(io.BytesIO(content), NAME))
    assert caught.value.code == "tar.invalid"
    assert TarWithFitsFile(File(io.BytesIO(content), NAME), FRAME_CARDS)


def test_link_that_looks_like_a_fits_file_is_passed_over(tmp_path):
    with tarfile.open(tmp_path / NAME, "w:gz") as tar:
        link = tarfile.TarInfo("a.fits")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        tar.add(write_fits(tmp_path / "b.fits"), "b.fits")
    assert open_tar(tmp_path / NAME).get_header_data().get_target_name() == "M84"
