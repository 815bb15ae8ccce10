"""The night log holds what the demo is to show, whatever the date, and nothing that could not be."""

import datetime as dt
from collections import Counter
from itertools import pairwise

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import AltAz, EarthLocation, SkyCoord, get_sun
from astropy.time import Time

from app.demo.exposures import NO_FILTER, Product
from app.demo.night_log import find_last_night, plan_nights

LAST_NIGHT = dt.date(2024, 11, 20)
SEED = 1
LOW_PRECISION_DEG = 1.0  # of the plan's own ephemeris: no precession, no refraction


@pytest.mark.parametrize("month", range(1, 13))
def test_the_log_is_rich_in_every_season(month):
    frames = plan_nights(dt.date(2024, month, 15), SEED)
    instruments = {frame.exposure.instrument for frame in frames}
    assert len(frames) >= 300
    assert len({frame.exposure.night for frame in frames}) >= 5
    assert len(instruments) == 6
    assert len({instrument.telescope for instrument in instruments}) == 5
    assert len({instrument.telescope.site for instrument in instruments}) == 3
    assert len({frame.exposure.band for frame in frames} - {NO_FILTER}) == 8
    assert len({frame.exposure.target.name for frame in frames} - {""}) >= 15


def test_there_is_every_kind_of_frame():
    frames = plan_nights(LAST_NIGHT, SEED)
    kinds = Counter((frame.product, frame.exposure.configuration_type) for frame in frames)
    for kind in ("BIAS", "DARK", "SKYFLAT"):
        assert kinds[Product.RAW, kind]
        assert kinds[Product.MASTER, kind]
    for kind in ("EXPOSE", "SPECTRUM"):
        assert kinds[Product.RAW, kind] == kinds[Product.REDUCED, kind] > 0
    assert kinds[Product.CATALOG, "EXPOSE"]
    assert kinds[Product.GUIDE, "SPECTRUM"]
    extensions = {frame.filename.removeprefix(frame.basename) for frame in frames}
    assert extensions == {".fits", ".fits.fz", ".tar.gz"}


def test_related_frames_are_in_the_log_too():
    frames = plan_nights(LAST_NIGHT, SEED)
    filenames = [frame.filename for frame in frames]
    assert len(set(filenames)) == len(filenames)
    assert {filename for frame in frames for _key, filename in frame.related} <= set(filenames)
    reduced = [dict(frame.related) for frame in frames if frame.product is Product.REDUCED]
    assert all({"ORIGNAME", "L1IDBIAS", "L1IDDARK", "L1IDFLAT"} <= related.keys() for related in reduced)


def test_the_same_seed_gives_the_same_log():
    assert plan_nights(LAST_NIGHT, SEED) == plan_nights(LAST_NIGHT, SEED)
    assert plan_nights(LAST_NIGHT, SEED) != plan_nights(LAST_NIGHT, SEED + 1)


def test_targets_are_up_in_a_dark_sky():
    exposures = {frame.exposure for frame in plan_nights(LAST_NIGHT, SEED) if frame.exposure.target.name}
    for site in {exposure.instrument.telescope.site for exposure in exposures}:
        here = [exposure for exposure in exposures if exposure.instrument.telescope.site == site]
        time = Time([exposure.start for exposure in here])
        place = EarthLocation(lat=site.latitude_deg * u.deg, lon=site.longitude_deg * u.deg, height=site.height_m * u.m)
        frame = AltAz(obstime=time, location=place)
        pointings = SkyCoord(
            [exposure.ra_deg for exposure in here], [exposure.dec_deg for exposure in here], unit="deg"
        )
        assert np.all(pointings.transform_to(frame).alt.deg > 25 - LOW_PRECISION_DEG)
        assert np.all(get_sun(time).transform_to(frame).alt.deg < -12)


def test_no_instrument_takes_two_exposures_at_once():
    exposures = sorted(
        {frame.exposure for frame in plan_nights(LAST_NIGHT, SEED)},
        key=lambda exposure: (exposure.stem, exposure.start),
    )
    for before, after in pairwise(exposures):
        if before.instrument == after.instrument:
            assert before.start + dt.timedelta(seconds=before.exposure_time_s) < after.start


@pytest.mark.parametrize("hour", [0, 11, 12, 23])
def test_the_last_night_is_over_and_fresh(hour):
    now = dt.datetime(2024, 11, 21, hour, tzinfo=dt.UTC)
    newest = max(frame.exposure.start for frame in plan_nights(find_last_night(now), SEED))
    assert now - dt.timedelta(hours=48) < newest < now - dt.timedelta(minutes=10)
