"""Angles are written as astronomers read them, without a 60 anywhere."""

import math

import pytest

from app.frames.angles import format_dec, format_ra, format_size, format_step


@pytest.mark.parametrize(
    ("ra_deg", "step_s", "text"),
    [
        (83.822083, 0.1, "05h35m17.3s"),
        (83.822083, 1, "05h35m17s"),
        (83.75, 60, "05h35m"),
        (75, 3600, "05h"),
        (0.0004, 0.05, "00h00m00.10s"),
        (359.99999, 0.1, "00h00m00.0s"),
        (-15, 60, "23h00m"),
        (14.99999, 1, "01h00m00s"),
    ],
)
def test_right_ascension(ra_deg, step_s, text):
    assert format_ra(ra_deg, step_s) == text


@pytest.mark.parametrize(
    ("dec_deg", "step_arcsec", "text"),
    [
        (-5.391111, 1, "−05°23′28″"),
        (-0.5, 60, "−00°30′"),
        (89.9999999, 1, "+90°00′00″"),
        (-0.00001, 1, "+00°00′00″"),
        (20, 3600, "+20°"),
        (1.5 / 3600, 0.5, "+00°00′01.5″"),
    ],
)
def test_declination(dec_deg, step_arcsec, text):
    assert format_dec(dec_deg, step_arcsec) == text


@pytest.mark.parametrize(
    ("size_deg", "text"),
    [
        (0, "0.00″"),
        (0.389 / 3600, "0.39″"),
        (12.34 / 3600, "12.3″"),
        (59.999 / 3600, "1.00′"),
        (26.06 / 60, "26.1′"),
        (59.999 / 60, "1.00°"),
        (158, "158°"),
    ],
)
def test_size(size_deg, text):
    assert format_size(math.radians(size_deg)) == text


@pytest.mark.parametrize(("arcsec", "text"), [(0.2, "0.2″"), (30, "30″"), (300, "5′"), (54000, "15°")])
def test_step(arcsec, text):
    assert format_step(arcsec) == text
