"""What LCO's names say, and where its bad pixel masks go."""

import pytest

from ocs_archive.input.file import EmptyFile, FileSpecificationException
from ocs_archive.input.fitsfile import FitsFile
from ocs_archive.input.lcofitsfile import LcoFitsFile
from tests.fits_factory import FRAME_CARDS


def make(basename: str, extension: str = ".fits.fz", file_class=LcoFitsFile, **headers) -> FitsFile:
    return file_class(EmptyFile(basename + extension), FRAME_CARDS | headers)


@pytest.mark.parametrize(
    ("basename", "headers", "expected"),
    [
        ("coj1m011-kb05-20240219-0125-e91", {}, "EXPOSE"),
        ("coj2m002-en05-20240219-0125-e00", {}, "SPECTRUM"),
        ("tfnlnrs01-fa18-20240219-0125-e00", {"ENCID": "igla"}, "TARGET"),
        ("tfnlnrs01-en18-20240219-0125-e00", {"TELID": "igla"}, "TARGET"),
        ("coj2m002-en05-20240219-0125-a00", {}, "ARC"),
        ("tfnlnrs01-fa18-20240219-0125-a00", {"ENCID": "igla"}, "DOUBLE"),
        ("coj1m011-kb05-20240219-0125-b00", {}, "BIAS"),
        ("coj1m011-kb05-20240219-0125-d00", {}, "DARK"),
        ("coj1m011-kb05-20240219-0125-f00", {}, "SKYFLAT"),
        ("coj1m011-kb05-20240219-0125-g00", {}, "GUIDE"),
        ("coj1m011-kb05-20240219-0125-s00", {}, "STANDARD"),
        ("coj1m011-kb05-20240219-0125-w00", {}, "LAMPFLAT"),
        ("coj1m011-kb05-20240219-0125-x00", {}, "EXPERIMENTAL"),
        ("trace-lsc-fa09-20240219", {}, "TRACE"),
        ("arc-lsc-fa09-20240219", {}, "ARC"),
        ("lsc1m005-fa15-20240219-bias-bin1x1", {}, "BIAS"),
        ("lsc1m005-fa15-20240219-bpm-bin1x1", {}, "BPM"),
    ],
)
@pytest.mark.parametrize("missing", ["UNKNOWN", "", None])
def test_missing_configuration_type_is_read_from_the_name(basename, headers, expected, missing):
    header = make(basename, OBSTYPE=missing, **headers).get_header_data()
    assert header.get_configuration_type() == header.get_headers()["OBSTYPE"] == expected


def test_configuration_type_of_the_header_stands():
    assert make("coj1m011-kb05-20240219-0125-b00").get_header_data().get_configuration_type() == "EXPOSE"


def test_key_may_be_absent_where_it_is_not_required():
    cards = {key: value for key, value in FRAME_CARDS.items() if key != "OBSTYPE"}
    data_file = LcoFitsFile(EmptyFile("coj1m011-kb05-20240219-0125-d00.fits.fz"), cards, required_headers=["SITEID"])
    assert data_file.get_header_data().get_configuration_type() == "DARK"


@pytest.mark.parametrize("basename", ["coj1m011-kb05-20240219-0125-t00", "coj1m011-kb05-20240219-0125", "x", "a-b"])
def test_name_that_tells_no_type_is_refused(basename):
    with pytest.raises(FileSpecificationException, match=basename) as caught:
        make(basename, OBSTYPE="UNKNOWN")
    assert caught.value.code == "name.unknown_type"
    assert make(basename).get_header_data().get_configuration_type() == "EXPOSE"


@pytest.mark.parametrize(
    ("basename", "extension", "level"),
    [
        ("coj1m011-kb05-20240219-0125-e91", ".fits.fz", 91),
        ("coj1m011-kb05-20240219-0125-e00", ".fits.fz", 0),
        ("coj1m011-kb05-20240219-0125-e10_cat", ".fits.fz", 10),
        ("bias_kb70_20151221_bin2x2", ".fits.fz", 0),
        ("some-spectra", ".tar.gz", 90),
        ("coj2m002-en05-20240219-0125-e00", ".tar.gz", 0),
    ],
)
def test_missing_reduction_level_is_read_from_the_name(basename, extension, level):
    assert make(basename, extension, RLEVEL=None).get_header_data().get_reduction_level() == level
    assert make(basename, extension, RLEVEL=5).get_header_data().get_reduction_level() == 5


@pytest.mark.parametrize("file_class", [LcoFitsFile, FitsFile])
def test_catalogue_names_its_frame(file_class):
    header = make("coj1m011-kb05-20240219-0125-e10_cat", file_class=file_class).get_header_data()
    assert header.get_configuration_type() == "CATALOG"
    assert header.get_catalog_target_frame() == "coj1m011-kb05-20240219-0125-e10"
    given = make("coj1m011-kb05-20240219-0125-e10_cat", L1IDCAT="other.fits").get_header_data()
    assert given.get_catalog_target_frame() == "other"


def test_only_lco_names_say_something_of_a_plain_fits_file():
    theirs = make("observation-20", file_class=FitsFile, RLEVEL=None, OBSTYPE="").get_header_data()
    assert (theirs.get_reduction_level(), theirs.get_configuration_type()) == (0, "")
    lco = make("coj1m011-kb05-20240219-0125-d10", file_class=FitsFile, RLEVEL=None, OBSTYPE="").get_header_data()
    assert (lco.get_reduction_level(), lco.get_configuration_type()) == (10, "DARK")


def test_type_from_the_name_decides_on_the_public_date():
    header = make("coj1m011-kb05-20240219-0125-d00", OBSTYPE="UNKNOWN").get_header_data()
    assert header.get_public_date() == header.get_observation_date()


@pytest.mark.parametrize(
    ("basename", "headers"),
    [
        ("coj1m011-kb05-20240219-0125-e91", {"OBSTYPE": "BPM"}),
        ("coj1m011-kb05-20240219-0125-e91", {"EXTNAME": "BPM"}),
        ("bpm-kb05-bin2x2", {}),
        ("bpm_kb05_bin2x2", {}),
        ("lsc-kb05-bpm-bin2x2", {}),
        ("lsc_kb05_bpm", {}),
    ],
)
def test_bad_pixel_masks_have_a_folder(basename, headers):
    assert make(basename, **headers).get_filestore_path() == f"coj/kb05/bpm/{basename}.fits.fz"


@pytest.mark.parametrize("basename", ["coj1m011-kb05-20240219-0125-e91", "bpmx-kb05", "kb05-xbpm"])
def test_other_frames_are_filed_by_night(basename):
    assert make(basename).get_filestore_path() == f"coj/kb05/20240219/processed/{basename}.fits.fz"
