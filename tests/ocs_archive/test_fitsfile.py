"""FITS files as data files: whose headers count, and what makes a file unusable."""

import io
from pathlib import Path

import pytest
from astropy.io import fits

from ocs_archive.input.file import DataFile, EmptyFile, File, FileSpecificationException
from ocs_archive.input.filefactory import FileFactory
from ocs_archive.input.fitsfile import FitsFile
from ocs_archive.settings import settings
from tests.fits_factory import FRAME_CARDS, make_header, make_pixels, write_fits

NAME = "coj1m011-kb05-20240219-0125-e91"
#: Cards that tell a primary HDU from an extension, as CompImageHDU makes an extension of every image.
STRUCTURE = {"SIMPLE", "XTENSION", "EXTEND", "PCOUNT", "GCOUNT"}


def open_file(path: Path, metadata: dict | None = None, **options) -> DataFile:
    with path.open("rb") as fileobj:
        file = File(fileobj)
        return FileFactory.get_datafile_class_for_extension(file.extension)(file, metadata, **options)


def describe(data_file: DataFile) -> tuple:
    header = data_file.get_header_data()
    headers = {key: value for key, value in header.get_headers().items() if key not in STRUCTURE}
    return header.get_archive_frame_data(), data_file.get_wcs_corners(), headers


@pytest.mark.parametrize("name", [NAME, f"{NAME}_cat", "someone-elses-frame"])
@pytest.mark.parametrize("metadata", [None, {"OBJECT": "M85"}, FRAME_CARDS])
@pytest.mark.parametrize(
    "overrides",
    [
        {},
        {"RLEVEL": None},
        {"L1PUBDAT": "2030-01-01", "RADIUS": 600.0},
        {"OBJECT": "x" * 100, "HIERARCH a long key": 1.0},
        {"shape": (1, 64, 48)},
        {"shape": (1, 48)},
    ],
)
def test_fits_and_fits_fz_give_the_same_record(tmp_path, name, metadata, overrides):
    plain = open_file(write_fits(tmp_path / f"{name}.fits", **overrides), metadata)
    packed = open_file(write_fits(tmp_path / f"{name}.fits.fz", compressed=True, **overrides), metadata)
    assert type(plain) is not type(packed)
    if name == "someone-elses-frame":  # an LcoFitsFile reads any name
        plain.header_data.update_headers({"RLEVEL": packed.header_data.get_reduction_level()})
    assert describe(plain) == describe(packed)


def test_record_and_footprint_of_a_frame(tmp_path):
    data_file = open_file(write_fits(tmp_path / f"{NAME}.fits"))
    record, area, _ = describe(data_file)
    assert record["public_date"] == "2025-02-18T13:56:05.261000"
    assert record["observation_id"] == 53195954
    assert len(area["coordinates"][0]) == 5
    assert data_file.get_filestore_path() == f"coj/kb05/20240219/processed/{NAME}.fits"
    assert data_file.get_filestore_content_type() == "image/fits"


def test_metadata_go_over_the_header(tmp_path):
    header = open_file(write_fits(tmp_path / f"{NAME}.fits"), {"OBJECT": "M85", "EXTRA": 1}).get_header_data()
    assert header.get_headers().items() >= {"OBJECT": "M85", "EXTRA": 1, "FILTER": "V"}.items()


def test_first_hdu_with_every_required_header_counts(tmp_path):
    path = tmp_path / f"{NAME}.fits"
    hdus = [
        fits.PrimaryHDU(header=make_header((64, 48), PROPID=None, OBJECT="lacks PROPID")),
        fits.ImageHDU(make_pixels((64, 48)), make_header((64, 48), OBJECT="first")),
        fits.ImageHDU(make_pixels((64, 48)), make_header((64, 48), OBJECT="second")),
    ]
    fits.HDUList(hdus).writeto(path)
    assert open_file(path).get_header_data().get_target_name() == "first"
    assert open_file(path, {"PROPID": "given"}).get_header_data().get_target_name() == "lacks PROPID"


@pytest.mark.parametrize("key", settings.REQUIRED_HEADERS)
@pytest.mark.parametrize("compressed", [False, True])
def test_missing_required_header_is_named(tmp_path, key, compressed):
    path = tmp_path / f"{NAME}.fits{'.fz' if compressed else ''}"
    write_fits(path, compressed=compressed, **{key: None})
    with pytest.raises(FileSpecificationException, match=f"{path.name} .*headers: {key}\\.") as caught:
        open_file(path)
    assert caught.value.code == "header.missing"
    assert open_file(path, required_headers=["OBJECT"])


@pytest.mark.parametrize("content", [b"", b"junk", b"SIMPLE  =                    T"])
def test_file_that_is_no_fits_file_falls_back_on_metadata(content):
    file = File(io.BytesIO(content), f"{NAME}.fits")
    assert FitsFile(file, FRAME_CARDS).get_header_data().get_target_name() == "M84"


def test_name_alone_and_metadata_give_a_path():
    data_file = FitsFile(EmptyFile(f"{NAME}.fits"), FRAME_CARDS)
    assert data_file.get_filestore_path() == f"coj/kb05/20240219/processed/{NAME}.fits"


@pytest.mark.parametrize(
    ("content", "code", "reason"),
    [(b"", "fits.empty", "is empty"), (b"junk", "fits.invalid", "is not a valid FITS file")],
)
def test_message_says_what_is_wrong_and_what_is_missing(content, code, reason):
    metadata = {key: value for key, value in FRAME_CARDS.items() if key not in ("PROPID", "SITEID")}
    with pytest.raises(FileSpecificationException, match=f"{NAME}.fits {reason}.*missing: PROPID, SITEID") as caught:
        FitsFile(File(io.BytesIO(content), f"{NAME}.fits"), metadata)
    assert caught.value.code == code


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("metadata", [None, FRAME_CARDS])
def test_file_cut_short_is_refused_whatever_the_metadata(tmp_path, compressed, metadata):
    path = write_fits(tmp_path / f"{NAME}.fits", compressed=compressed)
    path.write_bytes(path.read_bytes()[:-2880])
    with pytest.raises(FileSpecificationException, match="cut short") as caught:
        open_file(path, metadata)
    assert caught.value.code == "fits.truncated"


def test_nan_in_the_wcs_gives_no_footprint(tmp_path):
    path = write_fits(tmp_path / f"{NAME}.fits", CRVAL1=186.265)
    path.write_bytes(path.read_bytes().replace(b"186.265", b"    NaN"))
    assert open_file(path).get_wcs_corners() is None


def test_script_in_a_header_is_text_like_any_other(tmp_path):
    path = write_fits(tmp_path / f"{NAME}.fits", OBJECT="<script>alert(1)</script>")
    assert open_file(path).get_header_data().get_target_name() == "<script>alert(1)</script>"


def test_impossible_date_is_named(tmp_path):
    with pytest.raises(FileSpecificationException, match="DATE-OBS is '2015-02-30'") as caught:
        open_file(write_fits(tmp_path / f"{NAME}.fits", **{"DATE-OBS": "2015-02-30"}))
    assert caught.value.code == "header.bad_date"
