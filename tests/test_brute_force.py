"""The judge judged: a few answers of `tests.brute_force` that anyone can see."""

import numpy as np
import pytest

from tests.brute_force import cone_hits, covering, polygon_hits


def box(ra, dec, half_width_deg):
    w = half_width_deg
    return np.array([(ra - w, dec - w), (ra + w, dec - w), (ra + w, dec + w), (ra - w, dec + w), (ra - w, dec - w)])


RINGS = {
    1: box(0, 0, 1),
    2: box(180, 0, 1),
    3: np.array([(0, 89), (90, 89), (180, 89), (270, 89), (0, 89)]),
    4: np.array([(30, -90), (30, -89), (60, -89), (30, -90)]),
    5: np.array([(0, 2), (3, 2), (3, 2), (0, 2)]),  # a line
}


@pytest.mark.parametrize(
    ("ra", "dec", "keys"),
    [
        (0.5, 0.5, {1}),
        (359.5, -0.5, {1}),
        (180, 0, {2}),
        (77, 90, {3}),
        (45, -89.5, {4}),
        (0, -90, {4}),
        (10, 10, set()),
    ],
)
def test_covering(ra, dec, keys):
    assert covering(RINGS, ra, dec) == keys


@pytest.mark.parametrize(
    ("ra", "dec", "radius_deg", "keys"),
    [
        (358.5, 0, 0.49, set()),
        (358.5, 0, 0.51, {1}),
        (2, 2.5, 0.499, set()),
        (2, 2.5, 0.501, {5}),
        (0, 0, 88.9, {1, 5}),
        (0, 0, 89.2, {1, 3, 4, 5}),
        (0, 0, 180, {1, 2, 3, 4, 5}),
    ],
)
def test_cone_hits(ra, dec, radius_deg, keys):
    assert cone_hits(RINGS, ra, dec, radius_deg) == keys


@pytest.mark.parametrize(
    ("ring", "keys"),
    [
        (box(0, 0, 0.1), {1}),
        (box(0, 0, 10), {1, 5}),
        (box(1.5, 0, 0.499), set()),
        (box(1.5, 0, 0.501), {1}),
        (np.array([(0.4, -5), (0.6, -5), (0.6, 5), (0.4, 5), (0.4, -5)]), {1, 5}),
        (np.array([(0, 80), (120, 80), (240, 80), (0, 80)]), {3}),
    ],
)
def test_polygon_hits(ring, keys):
    assert polygon_hits(RINGS, ring) == keys
