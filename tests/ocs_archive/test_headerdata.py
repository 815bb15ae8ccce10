"""What the header's keys mean."""

import json
import re

import pytest

from ocs_archive.input.file import FileSpecificationException
from ocs_archive.input.headerdata import HeaderData
from ocs_archive.settings import SETTINGS
from tests.fits_factory import FRAME_CARDS

EMPTY_RECORD = {
    "reduction_level": 0,
    "observation_day": None,
    "observation_date": None,
    "proposal_id": "",
    "instrument_id": "",
    "target_name": "",
    "site_id": "",
    "telescope_id": "",
    "exposure_time": None,
    "primary_optical_element": "",
    "public_date": None,
    "configuration_type": "",
    "observation_id": None,
    "request_id": None,
    "related_frame_filenames": [],
    "frame_basename": None,
    "size": "",
}


def test_record_of_a_frame():
    header = HeaderData(FRAME_CARDS | {"L1PUBDAT": "2025-02-19T13:56:05", "TARFILE": "t.tar.gz", "L1IDDARK": "N/A"})
    assert header.get_archive_frame_data() == EMPTY_RECORD | {
        "reduction_level": 91,
        "observation_day": "20240219",
        "observation_date": "2024-02-19T13:56:05.261",
        "proposal_id": "DEMO2024A-001",
        "instrument_id": "kb05",
        "target_name": "M84",
        "site_id": "coj",
        "telescope_id": "1m0a",
        "exposure_time": 10.0,
        "primary_optical_element": "V",
        "public_date": "2025-02-19T13:56:05",
        "configuration_type": "EXPOSE",
        "observation_id": 53195954,
        "request_id": 296263,
        "related_frame_filenames": ["bias_kb05_20240219_bin2x2", "t"],
    }


@pytest.mark.parametrize("headers", [{}, dict.fromkeys(FRAME_CARDS), dict.fromkeys(FRAME_CARDS, "UNKNOWN")])
def test_record_of_nothing(headers):
    assert HeaderData(headers).get_archive_frame_data() == EMPTY_RECORD


CONCEPTS = [name.removesuffix("_KEY").lower() for name in SETTINGS if re.fullmatch("(?!AWS).*_KEY", name)]


@pytest.mark.parametrize("concept", CONCEPTS)
def test_every_concept_has_a_getter_that_follows_its_setting(concept, monkeypatch):
    value = "20240219" if "da" in concept else "5"
    monkeypatch.setenv(f"{concept.upper()}_KEY", "OURS")
    assert str(getattr(HeaderData({"OURS": value}), f"get_{concept}")()).removesuffix(".0") == value


@pytest.mark.parametrize("value", ["N/A", "UNSPECIFIED", "UNKNOWN", " N/A "])
def test_null_values(value):
    ids = ("REQNUM", "TRACKNUM", "BLKUID", "MOLUID")
    headers = HeaderData(dict.fromkeys(["OBJECT", "SEEING", *ids], value)).get_headers()
    assert headers == {"OBJECT": "", "SEEING": "", **dict.fromkeys(ids)}


@pytest.mark.parametrize("value", ["None", "NONE", "nonesuch"])
def test_integer_id_with_none_in_it_is_null(value):
    header = HeaderData({"REQNUM": value, "OBJECT": value})
    assert (header.get_request_id(), header.get_target_name()) == (None, value)


def test_null_values_come_from_the_settings(monkeypatch):
    monkeypatch.setenv("NULL_HEADER_VALUES", "-,?")
    assert HeaderData({"OBJECT": "-", "FILTER": "N/A"}).get_headers() == {"OBJECT": "", "FILTER": "N/A"}


def test_related_frames_lose_their_extensions(monkeypatch):
    header = HeaderData({"L1IDBIAS": "bias.fits.fz", "ORIGNAME": "x/a-e00.fits", "TARFILE": "", "OBJECT": "M.31"})
    assert header.get_related_frames() == {"L1IDBIAS": "bias", "ORIGNAME": "a-e00"}
    assert header.get_target_name() == "M.31"
    assert "GUIDETAR" in header.get_related_frame_keys()
    monkeypatch.setenv("RELATED_FRAME_KEYS", "OBJECT")
    assert header.get_related_frames() == {"OBJECT": "M.31"}


def test_headers_can_be_updated_and_removed():
    header = HeaderData({"A": 1, "B": 2})
    header.update_headers({"B": "N/A", "C": 3})
    header.remove_header("A")
    header.remove_header("never there")
    assert header.get_headers() == {"B": "", "C": 3}


@pytest.mark.parametrize(
    ("value", "is_set"), [(0, True), (False, True), ("x", True), ("", False), (None, False), ("N/A", False)]
)
def test_what_set_means(value, is_set):
    assert HeaderData({"A": value, "B": 1}).headers_are_set(["A", "B"]) is is_set


def test_missing_key_is_not_set():
    assert not HeaderData({}).headers_are_set(["A"])
    assert HeaderData({}).headers_are_set([])


def test_headers_are_json_without_control_characters():
    headers = HeaderData({"A": "x\0y", "B": float("nan"), "C\0": ["z\x07"]}).get_headers()
    assert json.loads(json.dumps(headers, allow_nan=False)) == {"A": "xy", "B": None, "C": ["z"]}


def test_text_without_its_control_characters():
    assert HeaderData({"OBJECT": " M\0 84\n"}).get_target_name() == "M 84"


@pytest.mark.parametrize(("value", "expected"), [("0000296263", 296263), (7.0, 7), (" 12 ", 12), ("", None)])
def test_whole_numbers(value, expected):
    assert HeaderData({"REQNUM": value}).get_request_id() == expected


@pytest.mark.parametrize("value", ["abc", "12.5", 12.5, True, 10**19, "99999999999999999999", [1], "1e3"])
def test_what_is_no_whole_number_is_named(value):
    with pytest.raises(FileSpecificationException, match="BLKUID is") as caught:
        HeaderData({"BLKUID": value}).get_observation_id()
    assert caught.value.code == "header.bad_number"


@pytest.mark.parametrize(("value", "expected"), [(10, 10.0), ("10.5", 10.5), ("N/A", None), (float("nan"), None)])
def test_exposure_times(value, expected):
    assert HeaderData({"EXPTIME": value}).get_exposure_time() == expected


@pytest.mark.parametrize("value", ["10,5", "ten", "nan", True, [10], "inf"])
def test_exposure_time_that_is_no_number_is_named(value):
    with pytest.raises(FileSpecificationException, match="EXPTIME is"):
        HeaderData({"EXPTIME": value}).get_exposure_time()
