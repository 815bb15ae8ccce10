"""Dates as headers write them."""

import pytest

from ocs_archive.input.file import FileSpecificationException
from ocs_archive.input.headerdata import HeaderData


@pytest.mark.parametrize(
    "text",
    [
        "2015-02-19T13:56:05.261",
        "2015-02-19T13:56:05.261123456",
        "2015-02-19 13:56",
        "2015-02-19",
        "2015-02-19T13:56:05Z",
        "2015-02-19T13:56:05-05:00",
    ],
)
def test_possible_date_keeps_its_own_text(text):
    assert HeaderData({"DATE-OBS": text}).get_observation_date() == text


@pytest.mark.parametrize(
    ("text", "rolled"),
    [
        ("2016-12-31T23:59:60", "2017-01-01T00:00:00"),
        ("2016-12-31T23:59:60.5Z", "2017-01-01T00:00:00.500000+00:00"),
        ("2015-02-19T13:56:60.000", "2015-02-19T13:57:00"),
    ],
)
def test_second_60_is_the_next_second(text, rolled):
    assert HeaderData({"DATE-OBS": text}).get_observation_date() == rolled


@pytest.mark.parametrize("text", ["2015-02-30", "2015-02-19T25:00:00", "19/02/15", "yesterday", "9999-12-31T23:59:60"])
@pytest.mark.parametrize("key", ["DATE-OBS", "L1PUBDAT"])
def test_impossible_date_is_named(key, text):
    with pytest.raises(FileSpecificationException, match=f"{key} is '{text}'") as caught:
        HeaderData({key: text}).get_archive_frame_data()
    assert caught.value.code == "header.bad_date"


@pytest.mark.parametrize("day", ["20240219", "2024-02-19", 20240219])
def test_night_keeps_its_own_text(day):
    assert HeaderData({"DAY-OBS": day}).get_observation_day() == str(day)


@pytest.mark.parametrize("day", ["20240230", "2024-02-19T00:00", "../../etc", "2402"])
def test_impossible_night_is_named(day):
    with pytest.raises(FileSpecificationException, match="DAY-OBS is") as caught:
        HeaderData({"DAY-OBS": day}).get_observation_day()
    assert caught.value.code == "header.bad_date"


@pytest.mark.parametrize(
    ("observed", "night"),
    [
        ("2024-02-19T13:56:05", "20240219"),
        ("2024-02-19T23:00:00-05:00", "20240220"),
        ("2024-02-20T03:00:00+09:00", "20240219"),
    ],
)
def test_missing_night_is_the_utc_day_of_the_observation(observed, night):
    assert HeaderData({"DATE-OBS": observed}).get_observation_day() == night


def test_night_before_the_calendar_begins_is_no_crash():
    with pytest.raises(FileSpecificationException, match="DATE-OBS"):
        HeaderData({"DATE-OBS": "0001-01-01T00:00:00+05:00"}).get_observation_day()
