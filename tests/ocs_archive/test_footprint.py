"""Footprints, checked against astropy's own sphere."""

import math
import warnings

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ocs_archive.input.footprint import build_circle_footprint, find_circle_footprint, find_wcs_footprint
from tests.fits_factory import make_header

SHAPE = (64, 48)


def get_ring(polygon) -> np.ndarray:
    assert polygon["type"] == "Polygon"
    (ring,) = polygon["coordinates"]
    assert ring[0] == ring[-1]
    corners = np.array(ring)
    assert ((corners[:, 0] >= 0) & (corners[:, 0] < 360)).all()
    assert (abs(corners[:, 1]) <= 90).all()
    return corners


def measure_radii_deg(polygon, ra_deg: float, dec_deg: float) -> np.ndarray:
    corners = SkyCoord(get_ring(polygon), unit="deg")
    return corners.separation(SkyCoord(ra_deg, dec_deg, unit="deg")).deg


@settings(deadline=None)  # the first call loads astropy's tables
@given(ra_deg=st.floats(0, 360), dec_deg=st.floats(-90, 90), radius_deg=st.floats(1e-4, 89.9))
@example(ra_deg=0, dec_deg=82, radius_deg=8)  # touches the pole, and its declination's sine can come out above 1
def test_every_corner_of_a_circle_is_at_the_radius(ra_deg, dec_deg, radius_deg):
    polygon = build_circle_footprint(ra_deg, dec_deg, radius_deg)
    radii = measure_radii_deg(polygon, ra_deg, dec_deg)
    assert len(radii) >= 33
    assert radii == pytest.approx(radius_deg, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("dec_deg", [90, -90, 89.99, 0])
def test_circle_around_a_pole_or_ra_0(dec_deg):
    polygon = build_circle_footprint(0, dec_deg, 0.5)
    assert measure_radii_deg(polygon, 0, dec_deg) == pytest.approx(0.5)
    ring = get_ring(polygon)
    assert np.ptp(ring[:, 0]) > 180  # both sides of RA 0
    assert len(np.unique(ring[:-1], axis=0)) == 64


@pytest.mark.parametrize("ra", [12.5, "12:30:00", "12.5", "12h30m"])
@pytest.mark.parametrize("dec", [-32.5, "-32:30:00", "-32.5"])
def test_units_of_the_header(ra, dec):
    assert measure_radii_deg(find_circle_footprint(ra, dec, 1800), 187.5, -32.5) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("ra", "dec", "radius"),
    [
        (12, 0, 0),
        (12, 0, -1),
        (12, 0, 90 * 3600),
        (12, 91, 60),
        (186.3, 0, 60),  # degrees where hours are due
        ("noon", 0, 60),
        (12, "12:99:00", 60),
        (12, 0, "wide"),
        (math.nan, 0, 60),
        (12, [0], 60),
        (True, 0, 60),
        (12, 0, math.inf),
    ],
)
def test_what_is_no_circle_gives_none(ra, dec, radius):
    assert find_circle_footprint(ra, dec, radius) is None


def make_wcs_headers(shape=SHAPE, **overrides) -> dict:
    return {"NAXIS1": shape[1], "NAXIS2": shape[0]} | dict(make_header(shape, **overrides))


def make_wide_headers(projection: str, pixel_deg: float) -> dict:
    scale = {"CD1_1": -pixel_deg, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": pixel_deg}
    return make_wcs_headers(CTYPE1=f"RA---{projection}", CTYPE2=f"DEC--{projection}", **scale)


@pytest.mark.parametrize(
    "headers",
    [
        make_wcs_headers(),
        make_wcs_headers(CRVAL1=0.0),
        make_wcs_headers(CRVAL2=89.999),
        make_wcs_headers(CRVAL2=-90.0),
        make_wcs_headers(shape=(1, 48)),
        make_wide_headers("ARC", 2.1),  # corners 82.5° from the centre
        make_wide_headers("TAN", 4.0),  # and 70.0°
        make_wcs_headers(CTYPE1="DEC--TAN", CTYPE2="RA---TAN", CRVAL1=12.0, CRVAL2=186.0),
        make_wcs_headers(CUNIT1="arcmin", CUNIT2="arcmin"),
        make_wcs_headers(LONPOLE=170.0),
        make_wcs_headers(CTYPE1="RA---TPV", CTYPE2="DEC--TPV", PV1_1=1.01, PV2_1=1.0),
        make_wcs_headers(PV1_1=1.01, PV1_5=0.5, PV2_1=1.0),  # SCAMP's TPV of old, called TAN
        make_wcs_headers(CTYPE1="RA---TAN-SIP", CTYPE2="DEC--TAN-SIP", A_ORDER=2, B_ORDER=2, A_2_0=1e-3, B_0_2=1e-3),
    ],
)
def test_corners_are_the_centres_of_the_corner_pixels(headers):
    right, top = headers["NAXIS1"], headers["NAXIS2"]
    pixels = [(1, 1), (1, top), (right, top), (right, 1), (1, 1)]
    with warnings.catch_warnings(action="ignore"):
        wcs = WCS(headers)
        expected = SkyCoord(wcs.all_pix2world(pixels, 1)[:, [wcs.wcs.lng, wcs.wcs.lat]], unit="deg")
    found = SkyCoord(get_ring(find_wcs_footprint(headers)), unit="deg")
    assert found.separation(expected).arcsec == pytest.approx(0, abs=1e-6)


def test_other_frames_become_icrs():
    headers = make_wcs_headers(RADESYS="FK4", EQUINOX=1950.0, CRVAL1=0.0, CRVAL2=0.0)
    centre = get_ring(find_wcs_footprint(headers))[:-1].mean(axis=0)
    assert centre == pytest.approx([0.6407, 0.2784], abs=1e-4)  # B1950 0h 0° is J2000 0h 2m 33.8s +0° 16′ 42″


@pytest.mark.parametrize(
    "overrides",
    [
        {"CRVAL1": None},
        {"CTYPE2": None},
        {"CTYPE1": "PIXEL", "CTYPE2": "PIXEL"},
        {"CTYPE1": "RA---XXX", "CTYPE2": "DEC--XXX"},
        {"RADESYS": "MOON"},
        {"CD1_1": 0.0, "CD2_2": 0.0},
        {"CRVAL2": 95.0},
        {"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CRPIX1": 1e9},
        {"CUNIT1": "parsnip"},
        {"CRVAL1": "nan"},
        {"RADESYS": "ICRS" * 20},
        {"CTYPE1": "HPLN-TAN", "CTYPE2": "HPLT-TAN"},
    ],
)
def test_wcs_that_does_not_parse_gives_none(overrides):
    assert find_wcs_footprint(make_wcs_headers(**overrides)) is None


@pytest.mark.parametrize(
    ("projection", "pixel_deg"),
    [("ARC", 2.2), ("ARC", 2.5), ("ARC", 4.0), ("ZEA", 2.5), ("STG", 4.0), ("TAN", 50.0), ("AIT", 4.0)],
)
def test_image_of_a_hemisphere_or_more_gives_none(projection, pixel_deg):
    assert find_wcs_footprint(make_wide_headers(projection, pixel_deg)) is None


@pytest.mark.parametrize(("key", "value"), [("CRVAL1", None), ("CRPIX1", "abc"), ("NAXIS1", "wide"), ("CD1_1", [1])])
def test_values_that_are_no_numbers_give_none(key, value):
    assert find_wcs_footprint(make_wcs_headers() | {key: value}) is None


def test_wcslib_says_nothing(recwarn, capfd):
    find_wcs_footprint(make_wcs_headers(CUNIT1="DEGREE", CUNIT2="DEGREE", RADESYS=None, EQUINOX="2000"))
    find_wcs_footprint(make_wcs_headers(A_ORDER=2, B_ORDER=2, A_2_0=1e-3))
    assert (list(recwarn), *capfd.readouterr()) == ([], "", "")
