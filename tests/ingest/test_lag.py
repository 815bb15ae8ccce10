"""The lag of files, site by site: its numbers, and the marks of its chart."""

import datetime as dt

import pytest

from app.ingest.lag import Arrival, build_lag_chart

END = dt.datetime(2026, 11, 20, 3, 15, tzinfo=dt.UTC)
BEGIN = END - dt.timedelta(hours=24)


def arrive(hours_before_end: float, lag_s: float, site: str = "coj") -> Arrival:
    return Arrival(site, END.timestamp() - hours_before_end * 3600, lag_s, 1000)


def test_each_site_has_its_numbers() -> None:
    lags_s = range(1, 101)
    arrivals = [arrive(2, lag_s, "tfn") for lag_s in lags_s] + [arrive(3, 7), arrive(5, 7)]
    coj, tfn = build_lag_chart(arrivals, BEGIN, END).sites
    assert (coj.site, coj.frames, coj.median_s, coj.p95_s) == ("coj", 2, 7, 7)
    assert coj.last == END - dt.timedelta(hours=3)
    assert (tfn.site, tfn.frames, tfn.longest_s) == ("tfn", 100, 100)
    assert tfn.median_s == 50.5
    assert tfn.p95_s == pytest.approx(95.05)


def test_the_table_has_each_hour_in_which_something_came() -> None:
    (site,) = build_lag_chart([arrive(0.1, 2), arrive(0.2, 4), arrive(0.2, 60), arrive(4, 1)], BEGIN, END).sites
    assert [(hour.begin.hour, hour.frames, hour.median_s, hour.longest_s) for hour in site.hours] == [
        (23, 1, 1, 1),
        (3, 3, 4, 60),
    ]


def test_marks_stand_at_the_time_and_the_logarithm_of_the_lag() -> None:
    chart = build_lag_chart([arrive(12, 1), arrive(12, 10), arrive(12, 600)], BEGIN, END)
    places = {tick.text: tick.place for tick in chart.lag_ticks}
    assert list(places) == ["0.1 s", "1 s", "10 s", "1 min", "10 min"]  # no more than the night needs
    assert (places["0.1 s"], places["10 min"]) == (100, 0)
    assert places["0.1 s"] - places["1 s"] == pytest.approx(places["1 s"] - places["10 s"], abs=0.02)
    assert [(tick.text, tick.place) for tick in chart.time_ticks] == [
        ("06:00", 11.46),
        ("12:00", 36.46),
        ("18:00", 61.46),
        ("00:00", 86.46),
    ]
    middle = 100 * (12 + 0.125) / 24  # of the quarter of an hour
    assert chart.sites[0].ranges == f"M{middle:.2f} {places['1 s']}V0.0"
    assert chart.sites[0].medians == f"M{middle:.2f} {places['10 s']}h0"


@pytest.mark.parametrize(("lag_s", "place"), [(-2, 100), (0, 100), (1e7, 0)])
def test_what_is_off_the_chart_is_drawn_at_its_edge(lag_s: float, place: float) -> None:
    (site,) = build_lag_chart([arrive(12, lag_s)], BEGIN, END).sites
    assert f" {place:.1f}V" in site.ranges


def test_a_busy_night_has_no_more_marks_than_quarters_of_an_hour() -> None:
    (site,) = build_lag_chart([arrive(24 * count / 20_000, 1) for count in range(1, 20_000)], BEGIN, END).sites
    assert site.medians.count("M") == site.ranges.count("M") == 96
    assert sum(hour.frames for hour in site.hours) == 19_999


def test_a_night_without_files_has_no_chart() -> None:
    assert build_lag_chart([], BEGIN, END).sites == ()
