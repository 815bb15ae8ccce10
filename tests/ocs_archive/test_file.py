"""Files, and what every data file does with the metadata given with it."""

import hashlib
import io
import os
import subprocess
import sys
import tempfile

import pytest
from botocore.response import StreamingBody
from werkzeug.datastructures import FileStorage

from ocs_archive.input.file import DataFile, EmptyFile, File, FileSpecificationException
from ocs_archive.settings import settings
from tests.fits_factory import FRAME_CARDS

CONTENT = b"\x00\xff" * 600_000  # more than one block
NAME = "coj1m011-kb05-20240219-0125-e91.pdf"


def make_stream(kind: str, path) -> object:
    if kind == "upload":
        return FileStorage(io.BytesIO(CONTENT), filename="a-e91.fits.fz", name="file")
    if kind == "S3":
        return StreamingBody(io.BytesIO(CONTENT), len(CONTENT))
    if kind == "spooled":
        spooled = tempfile.SpooledTemporaryFile()  # noqa: SIM115 -- closed when it is collected
        spooled.write(CONTENT)
        return spooled
    path.write_bytes(CONTENT)
    return path.open("rb")


@pytest.mark.parametrize("kind", ["disk", "upload", "S3", "spooled"])
def test_size_and_md5_of_every_kind_of_stream(kind, tmp_path):
    file = File(make_stream(kind, tmp_path / "a"), "a-e91.fits.fz")
    assert (len(file), file.get_md5()) == (len(CONTENT), hashlib.md5(CONTENT).hexdigest())
    file.get_from_start().seek(5)
    assert file.get_from_start().read() == CONTENT


@pytest.mark.parametrize(
    ("fileobj", "path", "expected"),
    [
        (FileStorage(io.BytesIO(), filename="up.fits", name="field"), None, ("up.fits", "up", ".fits")),
        (FileStorage(io.BytesIO(), filename="up.fits"), "x/a.b.c", ("x/a.b.c", "a", ".b.c")),
        (io.BytesIO(), None, (None, None, None)),
    ],
)
def test_name_is_the_path_or_the_file_object_s_own(fileobj, path, expected):
    file = File(fileobj, path)
    assert (file.filename, file.basename, file.extension) == expected


def test_name_of_a_file_on_disk(tmp_path):
    with (tmp_path / "a-e91.fits").open("wb+") as fileobj:
        assert File(fileobj).basename == "a-e91"
    with tempfile.TemporaryFile() as unnamed:  # its name is a number
        assert File(unnamed).filename is None


def test_empty_file_is_a_name_without_content():
    file = EmptyFile("x/a-e91.fits.fz")
    assert (file.basename, file.extension, len(file)) == ("a-e91", ".fits.fz", 0)


def test_large_file_takes_little_memory(tmp_path):
    program = (
        "import resource, sys\n"
        "from ocs_archive.input.file import File\n"
        "from ocs_archive.input.fitsfile import FitsFile\n"
        "from tests.fits_factory import FRAME_CARDS\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "with open(sys.argv[1], 'rb') as fileobj:\n"
        "    file = File(fileobj)\n"
        "    FitsFile(file, FRAME_CARDS)\n"
        "    file.get_md5()\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)\n"
    )
    large = tmp_path / "coj1m011-kb05-20240219-0125-e91.fits"
    large.write_bytes(b"SIMPLE  =                    T")
    os.truncate(large, 2**29)  # a sparse file
    done = subprocess.run([sys.executable, "-c", program, large], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 50  # MiB, of 512


def make(metadata=(), name: str | None = NAME, **options) -> DataFile:
    return DataFile(File(io.BytesIO(b"x"), name), FRAME_CARDS | dict(metadata), **options)


def test_headers_are_the_metadata():
    headers = make().get_header_data().get_headers()
    assert FRAME_CARDS.items() <= headers.items()
    assert make().get_filestore_content_type() == ""


@pytest.mark.parametrize("key", settings.REQUIRED_HEADERS)
def test_missing_required_header_is_named(key):
    metadata = {name: value for name, value in FRAME_CARDS.items() if name != key}
    with pytest.raises(FileSpecificationException, match=f"headers: {key}\\.") as caught:
        DataFile(File(io.BytesIO(), NAME), metadata)
    assert caught.value.code == "header.missing"


def test_file_without_any_metadata():
    with pytest.raises(FileSpecificationException, match=NAME) as caught:
        DataFile(File(io.BytesIO(), NAME))
    assert caught.value.code == "metadata.missing"


def test_required_headers_come_from_the_argument_or_the_settings(monkeypatch):
    with pytest.raises(FileSpecificationException, match="AIRMASS"):
        make(required_headers=["AIRMASS"])
    monkeypatch.setenv("REQUIRED_HEADERS", "SEEING")
    with pytest.raises(FileSpecificationException, match="SEEING"):
        make()
    assert make(required_headers=[])


def test_blacklisted_headers_and_the_empty_key_go(monkeypatch):
    extra = {"HISTORY": "h", "COMMENT": "c", "SECRET": "s", "": "blank"}
    assert not {"HISTORY", "COMMENT", ""} & make(extra).get_header_data().get_headers().keys()
    given = make(extra, blacklist_headers=["SECRET"]).get_header_data().get_headers()
    assert "HISTORY" in given
    assert not {"SECRET", ""} & given.keys()
    monkeypatch.setenv("HEADER_BLACKLIST", "SECRET")
    assert "SECRET" not in make(extra).get_header_data().get_headers()


def test_missing_night_and_public_date_are_filled_in():
    headers = make({"DAY-OBS": ""}).get_header_data().get_headers()
    assert headers["DAY-OBS"] == "20240219"
    assert headers["L1PUBDAT"] == "2025-02-18T13:56:05.261000"


@pytest.mark.parametrize(("level", "folder"), [(0, "raw"), (None, "raw"), (91, "processed"), ("10", "processed")])
def test_store_path(level, folder):
    assert make({"RLEVEL": level}).get_filestore_path() == f"coj/kb05/20240219/{folder}/{NAME}"


@pytest.mark.parametrize(
    "value", ["../../etc", "a/b", "a\\b", "a\0b", "a\nb", "..", ".versions", "", " ", None, "a\ud800", "x" * 256]
)
@pytest.mark.parametrize("key", ["SITEID", "INSTRUME"])
def test_header_that_is_no_safe_part_of_a_path_is_refused(key, value):
    with pytest.raises(FileSpecificationException, match=key) as caught:
        make({key: value}).get_filestore_path()
    assert caught.value.code == "header.unsafe_path"


@pytest.mark.parametrize("name", [None, ".fits", "a\nb.fits", "\udcff.fits"])
def test_file_name_that_is_no_safe_part_of_a_path_is_refused(name):
    with pytest.raises(FileSpecificationException, match="file name"):
        make(name=name).get_filestore_path()


def test_footprint_is_circular_where_a_radius_is_set():
    corners = make({"RADIUS": 3600}).get_wcs_corners()["coordinates"][0]
    assert max(dec for _, dec in corners) == pytest.approx(12.8869556 + 1)


def test_footprint_from_the_wcs_needs_two_axes():
    image = {"NAXIS1": 48, "NAXIS2": 64, "CRPIX1": 24.5, "CRPIX2": 32.5}
    assert len(make(image).get_wcs_corners()["coordinates"][0]) == 5
    assert make().get_wcs_corners() is None
    assert make(image | {"NAXIS3": 1}).get_wcs_corners() is None
    assert make(image | {"CD1_2": None}).get_wcs_corners() is None


def test_exception_has_a_code():
    assert FileSpecificationException("why").code == "file.unusable"
