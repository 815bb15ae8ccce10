"""The sky map: east to the left, nothing lost at RA 0 or a pole, and a chart of its own for what is near together."""

import math
import re

import numpy as np
import pytest

from app.frames.sky_map import HEIGHT, WIDTH, Placed, build_sky_map
from tests.frames.test_chart import build_ring, points_of


def place(frame_id: int, ra_deg: float, dec_deg: float) -> Placed:
    return Placed(frame_id, f"frame {frame_id}", build_ring(ra_deg, dec_deg, 0.4, 0.4))


def test_without_a_footprint_and_a_centre_there_is_no_map():
    assert build_sky_map([], None, 0) is None


def test_east_is_left_and_north_is_up():
    west, east, north = build_sky_map([place(1, 170, 0), place(2, 190, 0), place(3, 180, 60)], None, 0).marks
    assert east.x < WIDTH / 2 < west.x
    assert north.y < HEIGHT / 2


@pytest.mark.parametrize(("ra_deg", "dec_deg"), [(0, 0), (359.9, 0), (0, 90), (123, -90), (0, -89.9), (180, 45)])
def test_every_place_is_on_the_map(ra_deg, dec_deg):
    sky_map = build_sky_map([place(1, ra_deg, dec_deg)], (ra_deg, dec_deg), 5)
    (mark,) = sky_map.marks
    assert 0 <= mark.x <= WIDTH
    assert 0 <= mark.y <= HEIGHT
    for part in filter(None, re.split("M", sky_map.circle)):
        points = points_of(part)
        assert abs(np.diff(points[:, 0])).max(initial=0) < WIDTH / 3
    assert sky_map.near is not None


def test_frames_at_one_place_are_one_mark_that_counts_them():
    (mark,) = build_sky_map([place(7, 10, 10), place(8, 10, 10), place(9, 10, 10)], None, 0).marks
    assert (mark.frame_id, mark.title) == (7, "frame 7 and 2 more here")


def test_what_is_far_apart_has_no_chart_of_its_own():
    assert build_sky_map([place(1, 0, 0), place(2, 120, 0)], None, 0).near is None
    assert build_sky_map([place(1, 359.9, 0), place(2, 0.3, 0)], None, 0).near.footprints.keys() == {1, 2}


def test_a_search_that_found_nothing_shows_where_it_looked():
    sky_map = build_sky_map([], (83.8, -5.4), 2)
    assert sky_map.circle
    assert sky_map.near is None


def test_the_circle_has_its_radius_on_the_near_chart():
    near = build_sky_map([place(1, 83.8, -5.4)], (83.8, -5.4), 0.2).near
    circle, footprint = points_of(near.circle), points_of(near.footprints[1])
    assert np.ptp(circle, axis=0) == pytest.approx(np.ptp(footprint, axis=0), rel=0.01)


def test_the_shapes_are_what_the_map_shows() -> None:
    shapes = build_sky_map([place(1, 359.9, 0), place(2, 0.3, 0)], (0, 0), 0.5).shapes
    assert shapes["circle"] == (0, 0, 0.5)
    assert [len(ring) for ring in shapes["footprints"]] == [5, 5]
    assert abs(math.remainder(shapes["centre"][0], 360)) < 0.1
    assert 1 < shapes["field"] < 2
    assert build_sky_map([place(1, 0, 0), place(2, 180, 0)], None, 0).shapes["field"] > 180
