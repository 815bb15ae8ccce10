"""A night is told telescope by telescope: what was taken, when nothing was, and how long frames took to come in."""

import datetime as dt

from app.nights.night import build_night
from app.nights.queries import NightFrame

DUSK = dt.datetime(2026, 11, 20, 19, 30, tzinfo=dt.UTC)


def take(
    minute: float,
    type_: str = "EXPOSE",
    *,
    exposure_s: float | None = 60,
    lag_s: float = 30,
    level: int = 0,
    site: str = "cpt",
) -> NightFrame:
    begin = DUSK + dt.timedelta(minutes=minute)
    end = begin + dt.timedelta(seconds=exposure_s or 0)
    return NightFrame(site, "1m0a", type_, level, begin, exposure_s, end + dt.timedelta(seconds=lag_s))


def test_a_night_without_frames_has_nothing():
    night = build_night([])
    assert (night.frames, night.telescopes, night.ticks) == (0, (), ())


def test_what_a_telescope_took_is_added_up():
    (telescope,) = build_night([take(0, "BIAS", exposure_s=0), take(1, lag_s=10), take(3, lag_s=50)]).telescopes
    assert telescope.types == {"BIAS": 1, "EXPOSE": 2}
    assert telescope.exposed == dt.timedelta(minutes=2)
    assert (telescope.first, telescope.last) == (DUSK, DUSK + dt.timedelta(minutes=4))
    assert telescope.median_lag_s == 30


def test_a_gap_is_from_the_end_of_the_last_exposure_to_the_next():
    (telescope,) = build_night([take(0, exposure_s=1800), take(1), take(44.9), take(61)]).telescopes
    minutes = [((gap.begin - DUSK).total_seconds() / 60, gap.length) for gap in telescope.gaps]
    assert minutes == [(45.9, dt.timedelta(minutes=15.1))]


def test_what_was_made_of_a_frame_is_counted_but_is_no_exposure_of_its_own():
    (telescope,) = build_night([take(0), take(0, level=91, lag_s=9000)]).telescopes
    assert telescope.frames == 2
    assert telescope.types == {"EXPOSE": 1}
    assert telescope.p95_lag_s == 30


def test_a_telescope_that_sent_reduced_frames_only_is_told_by_these():
    (telescope,) = build_night([take(0, level=91)]).telescopes
    assert telescope.types == {"EXPOSE": 1}


def test_telescopes_share_an_axis_of_full_hours():
    night = build_night([take(0, site="ogg"), take(90, site="cpt")])
    assert [telescope.site for telescope in night.telescopes] == ["cpt", "ogg"]
    assert [time.hour for time, _place in night.ticks] == [19, 20, 21, 22]
    assert (night.ticks[0][1], night.ticks[-1][1]) == (0, 100)


def test_exposures_that_touch_are_one_bar():
    (telescope,) = build_night([take(minute / 10, exposure_s=6) for minute in range(100)]).telescopes
    assert telescope.bars["EXPOSE"].count("M") == 1


def test_an_exposure_without_a_length_or_with_an_absurd_one_is_drawn_all_the_same():
    (telescope,) = build_night([take(0, exposure_s=None), take(5, exposure_s=-3)]).telescopes
    assert telescope.bars["EXPOSE"].count("M") == 2
    assert telescope.exposed == dt.timedelta()
