"""Polygons, positions and cones on the unit sphere: the exact tests behind the spatial search on SQLite.

A ring is a closed great-circle polygon: an array of shape (n + 1, 2) of ICRS (RA, Dec) in degrees whose last
corner is its first. It fits in an open hemisphere, and its inside is what it bounds there; the order of the
corners does not matter, and neither RA 0 nor a pole is a seam. A ring may be concave. It may have no area (a
line or a point); then it covers its edges.

Nothing here subtracts nearly equal angles, so footprints of an arcsecond and of a hemisphere are tested with
the same error, some 1e-15 rad. What is closer than `TOLERANCE_RAD` touches.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: 0.2 microarcseconds: far more than a position is rounded by in double precision, far less than a footprint.
TOLERANCE_RAD = 1e-12
#: 0.02 arcseconds, by which caps are larger than what they hold, and boxes than their caps.
MARGIN = 1e-7
#: The check for crossing edges looks at each two of them.
MOST_CORNERS = 500
#: Enough to find a hemisphere for any ring within 89° of some point: 1 / sin(1°)², see `_find_pole`.
MOST_STEPS = 3300

AXES = np.eye(3)
YZX = np.array([1, 2, 0])
ZXY = np.array([2, 0, 1])


def to_unit_vectors(lon_lat_deg: ArrayLike) -> Floats:
    """Return the unit vectors, shape (n, 3), of longitudes and latitudes in degrees, shape (n, 2)."""
    radians = np.radians(lon_lat_deg)
    cosines, sines = np.cos(radians), np.sin(radians)
    vectors = np.empty((len(radians), 3))
    vectors[:, 0] = cosines[:, 0] * cosines[:, 1]
    vectors[:, 1] = sines[:, 0] * cosines[:, 1]
    vectors[:, 2] = sines[:, 1]
    return vectors


def check_ring(ring: Floats) -> None:
    """Raise ValueError, with a message for a person, unless the tests hold for the ring."""
    check_positions(ring)
    polygon = SkyPolygon.from_ring(ring)
    if polygon.crosses(polygon):
        raise ValueError("A polygon's edges must not cross each other: give its corners in order around it.")


def check_positions(ring: Floats) -> None:
    """Raise ValueError, with a message for a person, unless the ring is closed and each of its corners on the sky."""
    if ring.ndim != 2 or ring.shape[1] != 2 or len(ring) < 4:
        raise ValueError("A polygon needs at least 4 positions (RA, Dec), the last of them the first again.")
    if len(ring) > MOST_CORNERS:
        raise ValueError(f"A polygon may have at most {MOST_CORNERS} positions, this one has {len(ring)}.")
    if not np.isfinite(ring).all():
        raise ValueError("A polygon's positions must be finite numbers.")
    if (abs(ring[:, 1]) > 90).any():
        raise ValueError("A polygon's declinations must lie between -90° and +90°.")
    if (ring[0, 0] - ring[-1, 0]) % 360 or ring[0, 1] != ring[-1, 1]:
        raise ValueError("A polygon must be closed: its last position must be its first again.")


def normalize_ring(ring: Floats) -> Floats:
    """Return the same polygon as PostGIS needs it to agree with these tests.

    Its corners go around it counter-clockwise as seen from outside the sphere, which is GeoJSON's order too
    (RFC 7946), no two neighbours are in one place, and RA is in [0°, 360°). Clockwise, PostGIS may take the
    inside of a polygon of more than 35° in radius for its outside. A ring without area keeps its corners.
    """
    lon_lat = np.column_stack((ring[:, 0] % 360, ring[:, 1]))
    corners = lon_lat[:-1][_is_apart(to_unit_vectors(ring)[:-1])]
    if len(corners) < 3:
        return lon_lat
    closed = np.concatenate((corners, corners[:1]))
    return closed[::-1] if SkyPolygon.from_ring(closed).is_clockwise() else closed


def bounding_box(centre: Floats, radius_rad: float) -> tuple[float, float, float, float, float, float]:
    """Return (xmin, xmax, ymin, ymax, zmin, zmax) of a cap, in unit-vector coordinates and a hair outward.

    Parameters
    ----------
    centre
        Unit vector, shape (3,).
    radius_rad
        Not negative.
    """
    from_axes = np.arccos(np.clip(centre, -1, 1))
    lows = np.cos(np.minimum(from_axes + radius_rad, np.pi)) - MARGIN
    highs = np.cos(np.maximum(from_axes - radius_rad, 0)) + MARGIN
    (xmin, ymin, zmin), (xmax, ymax, zmax) = lows.tolist(), highs.tolist()
    return xmin, xmax, ymin, ymax, zmin, zmax


@dataclass(frozen=True, eq=False)
class SkyPolygon:
    """A ring in the form that the tests need, computed once.

    Attributes
    ----------
    corners, tangents, normals
        Unit vectors, shape (n, 3): where each edge starts, its direction there, and the normal of its plane.
        They are the axes of a frame in which the edge lies on the equator, from longitude 0 to its length. A
        corner that touches the next one is left out, so that every edge has a direction.
    lengths
        Of the edges, in radians, shape (n,).
    pole
        A direction less than 90° from every corner, shape (3,), of any length.
    """

    corners: Floats
    tangents: Floats
    normals: Floats
    lengths: Floats
    pole: Floats

    @classmethod
    def from_ring(cls, ring: Floats) -> Self:
        """Prepare a ring, an array of shape (n + 1, 2) in degrees; ValueError if no hemisphere holds it."""
        corners = to_unit_vectors(ring)[:-1]
        is_apart = _is_apart(corners)
        if not is_apart.all():
            corners = corners[is_apart] if is_apart.any() else corners[:1]
        chords = _roll(corners) - corners
        # For a corner a and the next one b, a × (b - a) is a × b, and precise even where they are close.
        normals = _normalize(_cross(corners, chords)) if len(corners) > 1 else _perpendicular(corners)
        return cls(
            corners=corners,
            tangents=_cross(normals, corners),
            normals=normals,
            lengths=2 * np.arcsin(np.sqrt(np.vecdot(chords, chords)) / 2),
            pole=_find_pole(corners),
        )

    def bounding_cap(self) -> tuple[Floats, float]:
        """Return the centre (a unit vector) and the radius (radians) of a cap that holds the polygon."""
        centre = _normalize(self.pole)
        chords = self.corners - centre
        return centre, float(2 * np.arcsin(np.sqrt(np.vecdot(chords, chords).max()) / 2)) + MARGIN

    def is_clockwise(self) -> bool:
        """Tell whether the inside is on the right of the edges, as seen from outside the sphere."""
        # Seen along the pole from the sphere's centre, great circles are straight: the plane's shoelace formula.
        projected = self.corners / (self.corners @ self.pole)[:, None]
        offsets = projected - projected[0]
        return bool(_cross(offsets, _roll(offsets)).sum(axis=0) @ self.pole < 0)

    def covers_point(self, ra_deg: float, dec_deg: float) -> bool:
        """Tell whether a position is inside, or within `TOLERANCE_RAD` of an edge."""
        return self.meets_cone(ra_deg, dec_deg, 0)

    def meets_cone(self, ra_deg: float, dec_deg: float, radius_deg: float) -> bool:
        """Tell whether any point of the polygon is within 0° ≤ `radius_deg` ≤ 180° of a position."""
        centre, *axes = _prepare_position(ra_deg, dec_deg)
        if self._contains(centre, *axes)[0]:
            return True
        return bool(self._boundary_distance(centre)[0] <= np.radians(radius_deg) + TOLERANCE_RAD)

    def meets(self, other: Self) -> bool:
        """Tell whether two polygons have a point in common; to touch is enough."""
        return self._covers_corner(other) or other._covers_corner(self) or self.crosses(other)

    def crosses(self, other: Self) -> bool:
        """Tell whether an edge crosses an edge of the other, where neither of them ends."""
        # Two arcs cross if each has its ends on both sides of the other, and if one crosses to the left as the
        # other crosses to the right: where both cross to the same side, one meets the other's antipode.
        other_side = _sign(self.normals @ other.corners.T)
        self_side = _sign(other.normals @ self.corners.T)
        other_step = _roll(other_side.T) - other_side.T
        self_step = _roll(self_side.T) - self_side.T
        return bool((other_step * self_step.T == -4).any())

    def _covers_corner(self, other: Self) -> bool:
        """Tell whether a corner of the other is inside, or within `TOLERANCE_RAD` of an edge."""
        is_inside = self._contains(other.corners, other.tangents, other.normals)
        return bool(is_inside.any()) or self._touches(other.corners)

    def _contains(self, points: Floats, x_axes: Floats, y_axes: Floats) -> Flags:
        """Tell for each of k points whether it is inside; within rounding of an edge, either.

        Each point and its rows of `x_axes` and `y_axes` make an orthonormal frame; all have shape (k, 3). Seen
        along the point's own axis, a ring winds about it if its edges do not cross the positive x axis upwards
        as often as downwards. A corner on that axis counts as above it for both of its edges, so no crossing is
        lost or counted twice. Such a ring holds the point or its antipode, and `pole` tells which.
        """
        x, y = self.corners @ x_axes.T, self.corners @ y_axes.T
        x_end, y_end = _roll(x), _roll(y)
        step = (y_end >= 0).astype(np.float64) - (y >= 0)
        winding = (step * (step * (x * y_end - x_end * y) > 0)).sum(axis=0)
        is_inside: Flags = (winding != 0) & (points @ self.pole > 0)
        return is_inside

    def _touches(self, points: Floats) -> bool:
        is_in_plane = abs(self.normals @ points.T) <= TOLERANCE_RAD  # seldom true, and quickly known
        return bool(is_in_plane.any() and self._boundary_distance(points).min() <= TOLERANCE_RAD)

    def _boundary_distance(self, points: Floats) -> Floats:
        """Return the distance, in radians, of each of k points from the nearest edge."""
        x, y, z = self.corners @ points.T, self.tangents @ points.T, self.normals @ points.T
        longitude = np.arctan2(y, x)
        is_beside = (longitude > 0) & (longitude < self.lengths[:, None])
        from_edge = np.arctan2(abs(z), np.hypot(x, y))
        from_corner = np.arctan2(np.hypot(y, z), x)
        distance: Floats = np.where(is_beside, from_edge, from_corner).min(axis=0)
        return distance


@lru_cache(maxsize=64)  # a search tests one position against many footprints
def _prepare_position(ra_deg: float, dec_deg: float) -> tuple[Floats, Floats, Floats]:
    """Return an orthonormal frame whose first axis is the position; each axis has shape (1, 3)."""
    vector = to_unit_vectors([(ra_deg, dec_deg)])
    perpendicular = _perpendicular(vector)
    return vector, perpendicular, _cross(vector, perpendicular)


def _is_apart(corners: Floats) -> Flags:
    """Tell for each corner whether the next one is in another place."""
    chords = _roll(corners) - corners
    is_apart: Flags = np.vecdot(chords, chords) > TOLERANCE_RAD**2
    return is_apart


def _find_pole(corners: Floats) -> Floats:
    """Find a direction less than 90° from every corner.

    The mean is one, but for odd shapes. If not, the farthest corner is added to it, again and again: this is
    the perceptron, which ends after at most 1 / sin(margin)² steps (Novikoff 1962) where there is a direction
    less than 90° - margin from every corner.
    """
    pole: Floats = corners.sum(axis=0) / len(corners)
    for _ in range(MOST_STEPS):
        cosines = corners @ pole
        farthest = cosines.argmin()
        if cosines[farthest] > TOLERANCE_RAD:
            return pole
        pole += corners[farthest]
    raise ValueError("A polygon must be smaller than half the sky: all of it within 89° of some point.")


def _sign(sines: Floats) -> Floats:
    """Return +1 left of an edge's plane, -1 right of it, and 0 where it touches."""
    return (sines > TOLERANCE_RAD).astype(np.float64) - (sines < -TOLERANCE_RAD)


# For the few rows of a footprint, numpy's own roll and cross take several times as long as these.


def _roll(rows: Floats) -> Floats:
    return np.concatenate((rows[1:], rows[:1]))


def _cross(a: Floats, b: Floats) -> Floats:
    cross: Floats = a.take(YZX, -1) * b.take(ZXY, -1) - a.take(ZXY, -1) * b.take(YZX, -1)
    return cross


def _perpendicular(vector: Floats) -> Floats:
    """Return some unit vector normal to one of shape (1, 3)."""
    return _normalize(_cross(vector, AXES[abs(vector).argmin()]))


def _normalize(vectors: Floats) -> Floats:
    unit: Floats = vectors / np.sqrt(np.vecdot(vectors, vectors))[..., None]
    return unit
