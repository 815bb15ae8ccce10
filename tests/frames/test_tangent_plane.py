"""The gnomonic projection agrees with astropy's, also where RA wraps and at the poles."""

import numpy as np
import pytest
from astropy.wcs import WCS

from app.frames.sphere import to_unit_vectors
from app.frames.tangent_plane import FARTHEST_RAD, TangentPlane, measure_rectangle

CENTERS = [(83.82, -5.39), (359.99, 12), (0, 90), (40, 89.95), (200, -89.9)]


def plane_at(ra_deg: float, dec_deg: float) -> TangentPlane:
    return TangentPlane(to_unit_vectors([(ra_deg, dec_deg)])[0])


def places_around(count: int = 50) -> np.ndarray:
    return np.random.default_rng(2).uniform(-0.5, 0.5, (count, 2))


@pytest.mark.parametrize("center", CENTERS)
def test_agrees_with_astropy(center):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = center
    wcs.wcs.crpix = [0, 0]
    wcs.wcs.cdelt = [1, 1]
    wcs.wcs.lonpole = 180  # at a pole too; FITS would turn the plane by 180° there
    sky_deg = wcs.all_pix2world(np.degrees(places_around()), 1)
    np.testing.assert_allclose(plane_at(*center).project(to_unit_vectors(sky_deg)), places_around(), atol=1e-9)


@pytest.mark.parametrize("center", CENTERS)
def test_unproject_undoes_project(center):
    plane = plane_at(*center)
    sky_deg = plane.unproject(places_around())
    np.testing.assert_allclose(plane.project(to_unit_vectors(sky_deg)), places_around(), atol=1e-9)


def test_what_is_far_is_drawn_at_the_rim():
    places = plane_at(0, 0).project(to_unit_vectors([(85, 0), (170, 0), (0, -120)]))
    np.testing.assert_allclose(np.hypot(*places.T), np.tan(FARTHEST_RAD))


def test_corners_around_the_whole_sky_have_a_plane():
    plane = TangentPlane.about(to_unit_vectors([(0, 0), (90, 0), (180, 0), (270, 0)]))
    assert plane.center_deg == (0, 0)


@pytest.mark.parametrize("turn_deg", [0, 33, 44, -20])
def test_rectangle_is_measured_along_its_sides(turn_deg):
    corners = np.tan(np.radians([(-2, -1), (2, -1), (2, 1), (-2, 1), (-2, -1)]))
    turn = np.radians(turn_deg)
    turned = corners @ [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]
    assert np.degrees(measure_rectangle(turned)) == pytest.approx((4, 2), rel=1e-3)
