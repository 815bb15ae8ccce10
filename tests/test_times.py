"""How times are written."""

import datetime as dt

import pytest

from app.times import format_ago, format_duration

NOW = dt.datetime(2026, 11, 20, 3, 15, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (59.9, "59.9 s"),
        (59.96, "1 min 00 s"),
        (61, "1 min 01 s"),
        (3599.6, "1 h 00 min"),
        (7260, "2 h 01 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert format_duration(dt.timedelta(seconds=seconds)) == format_duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (89.4, "89 s"), (90, "1 min"), (5399, "89 min"), (5400, "1 h"), (172800, "2 days")],
)
def test_how_long_ago(seconds: float, text: str) -> None:
    moment = dt.timedelta(seconds=seconds)
    assert format_ago(NOW - moment, NOW) == format_ago(NOW + moment, NOW) == text
