"""The gnomonic projection: the sky about a point as a plane on which great circles are straight lines.

Formulas: the TAN projection of Calabretta & Greisen 2002, A&A 395, 1077. Neither RA 0 nor a pole is a seam.
"""

import math

import numpy as np

from app.frames.sphere import Floats

FARTHEST_RAD = math.radians(80)  # what lies beyond is drawn here: the plane has no place for 90° and more


class TangentPlane:
    """The plane that touches the unit sphere at one point; x grows to the east and y to the north.

    Attributes
    ----------
    center_deg
        RA and Dec of the point. At a pole its RA is 0, which makes north mean "away from RA 0".
    """

    def __init__(self, center: Floats) -> None:
        x, y, z = center.tolist()
        ra = math.atan2(y, x) if math.hypot(x, y) > 1e-9 else 0.0
        dec = math.atan2(z, math.hypot(x, y))
        self.center_deg = math.degrees(ra) % 360, math.degrees(dec)
        self._axes = np.array(
            [
                [-math.sin(ra), math.cos(ra), 0],
                [-math.sin(dec) * math.cos(ra), -math.sin(dec) * math.sin(ra), math.cos(dec)],
                [math.cos(dec) * math.cos(ra), math.cos(dec) * math.sin(ra), math.sin(dec)],
            ]
        )

    @classmethod
    def about(cls, vectors: Floats) -> "TangentPlane":
        """Return the plane at the mean of unit vectors, shape (n, 3)."""
        mean = vectors.mean(axis=0)
        has_middle = np.linalg.norm(mean) > 1e-9  # corners all around the sky have none
        return cls(mean if has_middle else vectors[0])

    def project(self, vectors: Floats) -> Floats:
        """Return the places on the plane, shape (n, 2), of unit vectors, shape (n, 3)."""
        aside = vectors @ self._axes[:2].T
        sines = np.hypot(aside[:, 0], aside[:, 1])
        angles = np.minimum(np.arctan2(sines, vectors @ self._axes[2]), FARTHEST_RAD)
        places: Floats = aside * (np.tan(angles) / np.maximum(sines, 1e-300))[:, None]
        return places

    def unproject(self, places: Floats) -> Floats:
        """Return RA and Dec in degrees, shape (n, 2), of places.

        The RA are within 180° of the centre's, and thus below 0° or above 360° across RA 0.
        """
        x, y, z = (np.column_stack([places, np.ones(len(places))]) @ self._axes).T
        ra_center, _ = self.center_deg
        ra = ra_center + (np.degrees(np.arctan2(y, x)) - ra_center + 180) % 360 - 180
        return np.column_stack([ra, np.degrees(np.arctan2(z, np.hypot(x, y)))])


def measure_rectangle(places: Floats) -> tuple[float, float]:
    """Measure the smallest rectangle around a polygon, one side along one of its edges.

    Parameters
    ----------
    places
        The closed polygon on a tangent plane, shape (n + 1, 2).

    Returns
    -------
    tuple of float
        Width (the side that is nearer to east-west) and height, in radians on the sky.
    """
    edges = np.diff(places, axis=0)
    quarter = math.pi / 2
    turns = np.unique((np.arctan2(edges[:, 1], edges[:, 0]) + quarter / 2) % quarter - quarter / 2)
    axes = np.stack([(np.cos(turns), np.sin(turns)), (-np.sin(turns), np.cos(turns))])
    along = np.arctan(np.einsum("nc,act->ant", places, axes))
    sides = np.ptp(along, axis=1)
    width, height = sides[:, sides.prod(axis=0).argmin()].tolist()
    return width, height
