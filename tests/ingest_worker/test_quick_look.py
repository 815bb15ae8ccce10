"""Quick looks: the values of a file's pixels, where each is in the file and on the sky, and what has none."""

import io
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS

from ingest_worker.previews.quick_look import LONGEST_SIDE_PX, NoQuickLookError, build_quick_look, decode
from tests.fits_factory import make_header

SCALE_DEG = 0.4 / 3600
SIP = {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "A_ORDER": 2, "B_ORDER": 2, "A_2_0": 2e-6, "B_1_1": -3e-6}
TPV = {"CTYPE1": "RA---TPV", "CTYPE2": "DEC--TPV", "PV1_1": 1.0, "PV1_7": 1e-2, "PV2_1": 1.0, "PV2_5": -1e-2}


def make_file(*hdus: Any) -> io.BytesIO:
    written = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(written)
    return io.BytesIO(written.getvalue())


def make_sky(shape: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(seed=1).normal(1000, 20, shape).round().astype(np.int16)


def look_at(*hdus: Any) -> tuple[dict[str, Any], np.ndarray]:
    return decode(build_quick_look(make_file(*hdus)))


def find_sky(piece: dict[str, Any], u_place: float, v_place: float) -> SkyCoord:
    """Interpolate between unit vectors as the page's script does."""
    side, (left, bottom, right, top) = piece["sky"]["side"], piece["box"]
    nodes = np.array(piece["sky"]["nodes"]).reshape(side, side, 3)
    across, up = ((u_place - left) / (right - left) * (side - 1), (v_place - bottom) / (top - bottom) * (side - 1))
    column, row = min(int(across), side - 2), min(int(up), side - 2)
    s, t = across - column, up - row
    low, high = ((1 - s) * nodes[line, column] + s * nodes[line, column + 1] for line in (row, row + 1))
    return SkyCoord(*((1 - t) * low + t * high), representation_type="cartesian")


def test_a_small_image_has_the_values_of_the_file() -> None:
    pixels = make_sky((50, 40)).astype(np.float32) / 7
    pixels[3, 5] = np.nan
    facts, values = look_at(fits.ImageHDU(pixels, fits.Header({"BUNIT": "electron"})))
    assert np.array_equal(values, pixels, equal_nan=True)
    assert (facts["factor"], facts["unit"], facts["pieces"][0]["x"]) == (1, "electron", [0.5, 1.0])


def test_a_large_one_has_means_that_are_rounded_far_below_their_noise() -> None:
    pixels = make_sky((1100, 1600))
    facts, values = look_at(fits.CompImageHDU(pixels, make_header(pixels.shape)))
    assert (facts["factor"], facts["width"], facts["height"]) == (4, 400, 275)
    means = pixels.reshape(275, 4, 400, 4).mean(axis=(1, 3))
    assert abs(values - means).max() <= 20 / 4 / 8
    assert facts["pieces"][0]["x"] == [0.5, 4.0]
    assert max(values.shape) <= LONGEST_SIDE_PX


@pytest.mark.parametrize("shape", [(60, 80), (1500, 1100)])
@pytest.mark.parametrize(
    "cards",
    [
        pytest.param({}, id="TAN"),
        pytest.param({"CRVAL1": 0.001, "CRVAL2": 89.99}, id="pole"),
        pytest.param(SIP, id="SIP"),
        pytest.param(TPV, id="TPV"),
        pytest.param({"RADESYS": "FK5", "EQUINOX": 1975.0}, id="FK5"),
        pytest.param({"CTYPE1": "GLON-TAN", "CTYPE2": "GLAT-TAN"}, id="galactic"),
    ],
)
def test_each_place_is_where_astropy_says(shape: tuple[int, int], cards: dict[str, Any]) -> None:
    header = make_header(shape, **{"CD1_1": -SCALE_DEG, "CD2_2": SCALE_DEG, "DATE-OBS": None} | cards)
    facts, _ = look_at(fits.ImageHDU(make_sky(shape), header))
    (piece,) = facts["pieces"]
    wcs, height, width = WCS(header), facts["height"], facts["width"]
    for u_place, v_place in np.random.default_rng(seed=2).uniform(0, (width, height), (50, 2)):
        x, y = (first + step * place for (first, step), place in ((piece["x"], u_place), (piece["y"], v_place)))
        told, wanted = find_sky(piece, u_place, v_place), wcs.pixel_to_world(x - 1, y - 1).icrs
        assert told.separation(wanted) < 0.01 * u.arcsec, (x, y)


@pytest.mark.parametrize("angle_deg", [0, 40, 90, 180, 270])
@pytest.mark.parametrize("is_mirrored", [False, True])
def test_upright_has_north_nearest_to_up_and_east_nearest_to_left(angle_deg: float, is_mirrored: bool) -> None:
    angle = np.radians(angle_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    cd = np.diag([1 if is_mirrored else -1, 1]) @ turn * SCALE_DEG
    cards = {f"CD{row + 1}_{column + 1}": cd[row, column] for row in (0, 1) for column in (0, 1)}
    facts, _ = look_at(fits.ImageHDU(make_sky((60, 80)), make_header((60, 80), **cards)))
    east, north = np.array(facts["compass"]) @ np.transpose(facts["upright"])
    assert north[1] > 0.7 * np.linalg.norm(north)
    assert east[0] < -0.7 * np.linalg.norm(east)


def test_without_a_wcs_there_are_values_only() -> None:
    facts, _ = look_at(fits.ImageHDU(make_sky((60, 80))))
    assert (facts["pieces"][0]["sky"], facts["upright"], facts["compass"]) == (None, None, None)


def test_of_several_images_each_place_says_in_which_it_is() -> None:
    """Two halves of a detector: the right one is read out backwards, and at another bias."""
    left, right = make_sky((30, 44)), make_sky((30, 44)) + 500
    halves = [
        fits.ImageHDU(left, fits.Header({"DETSEC": "[1:40,1:30]", "DATASEC": "[5:44,1:30]"}), name="A"),
        fits.ImageHDU(right, fits.Header({"DETSEC": "[80:41,1:30]", "DATASEC": "[5:44,1:30]"}), name="B"),
    ]
    facts, values = look_at(*halves)
    assert [piece["name"] for piece in facts["pieces"]] == ["A", "B"]
    for piece, pixels in zip(facts["pieces"], (left, right), strict=True):
        begin, _, end, _ = piece["box"]
        for column in (begin, end - 1):
            x = round(piece["x"][0] + piece["x"][1] * (column + 0.5 - begin))
            assert np.array_equal(values[:, column], pixels[:, x - 1]), (piece["name"], x)
    assert facts["pieces"][1]["offset"] == pytest.approx(np.median(left[:, 4:]) - np.median(right[:, 4:]))


def test_the_cuts_hold_what_they_say() -> None:
    facts, values = look_at(fits.ImageHDU(make_sky((60, 80))))
    cuts = facts["cuts"]
    assert cuts["all"] == [values.min(), values.max()]
    shown = ((values >= cuts["90"][0]) & (values <= cuts["90"][1])).mean()
    assert shown == pytest.approx(0.9, abs=0.02)
    assert cuts["preview"][0] == cuts["zscale"][0] < cuts["zscale"][1] <= cuts["preview"][1]


def test_an_image_of_one_value_can_be_shown() -> None:
    facts, _ = look_at(fits.ImageHDU(np.full((20, 30), 7, np.int16)))
    assert facts["cuts"]["preview"] == [7, 8]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no FITS at all", "it is no FITS file"),
        (make_file(fits.BinTableHDU(np.zeros(3, [("x", ">f4")]))).getvalue(), "it holds no picture"),
        (make_file(fits.ImageHDU(np.full((9, 9), np.nan))).getvalue(), "no pixel of it has a value"),
        (make_file(fits.ImageHDU(np.arange(99.0))).getvalue(), "it holds a line of pixels"),
        (make_file(fits.ImageHDU(make_sky((99, 99)))).getvalue()[:9000], "cut short"),
    ],
    ids=["junk", "table", "NaN", "line", "truncated"],
)
def test_what_has_none_says_why(content: bytes, reason: str) -> None:
    with pytest.raises(NoQuickLookError, match=reason):
        build_quick_look(io.BytesIO(content))
