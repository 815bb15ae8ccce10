"""A spatial search that tests every footprint, by spherical trigonometry on RA and Dec and with nothing of ours.

Where the archive's searches must find the right frames, this says which those are. A ring is an array of shape
(n + 1, 2) in ICRS degrees, closed, of any shape whose corners all lie within 90° of their mean direction.
"""

from collections.abc import Mapping

import numpy as np

TOUCHING_RAD = 1e-11
ALONG_RAD = 1e-9


def covering(rings: Mapping[int, np.ndarray], ra: float, dec: float) -> set[int]:
    """Return the keys of the rings that cover a position, given in degrees."""
    return cone_hits(rings, ra, dec, 0)


def cone_hits(rings: Mapping[int, np.ndarray], ra: float, dec: float, radius_deg: float) -> set[int]:
    """Return the keys of the rings that have a point within `radius_deg` of a position."""
    position = np.radians((ra, dec))
    reach = np.radians(radius_deg) + TOUCHING_RAD
    return {key for key, ring in rings.items() if _distance(np.radians(ring), position) <= reach}


def polygon_hits(rings: Mapping[int, np.ndarray], ring: np.ndarray) -> set[int]:
    """Return the keys of the rings that have a point in common with another."""
    return {key for key, other in rings.items() if _meet(np.radians(other), np.radians(ring))}


def _meet(a: np.ndarray, b: np.ndarray) -> bool:
    return (
        min(_distance(a, corner) for corner in b) <= TOUCHING_RAD
        or min(_distance(b, corner) for corner in a) <= TOUCHING_RAD
        or _edges_cross(a, b)
    )


def _distance(ring: np.ndarray, position: np.ndarray) -> float:
    """Return the distance in radians of a position from a ring: 0 inside, else from the nearest edge."""
    return 0 if _is_inside(ring, position) else _distance_from_edges(ring, position)


def _is_inside(ring: np.ndarray, position: np.ndarray) -> bool:
    """Look around from the position: the corners of a ring that is about it, or its antipode, turn full circle."""
    turns = np.diff(_bearing(position, ring))
    turn = np.sum((turns + np.pi) % (2 * np.pi) - np.pi)
    middle = _to_lon_lat(np.mean(_to_vector(ring[1:]), axis=0))
    return abs(turn) > np.pi and _separation(position, middle) < np.pi / 2


def _distance_from_edges(ring: np.ndarray, position: np.ndarray) -> float:
    """Solve the triangle of the position and each edge: if both angles at the edge are acute, drop the altitude."""
    starts, ends = ring[:-1], ring[1:]
    angles_at_start = _bearing(starts, position) - _bearing(starts, ends)
    angles_at_end = _bearing(ends, position) - _bearing(ends, starts)
    altitudes = np.arcsin(abs(np.sin(_separation(starts, position)) * np.sin(angles_at_start)))
    is_beside = (np.cos(angles_at_start) > 0) & (np.cos(angles_at_end) > 0) & (_separation(starts, ends) > 0)
    return np.min(np.where(is_beside, altitudes, _separation(starts, position)))


def _edges_cross(a: np.ndarray, b: np.ndarray) -> bool:
    """Find where the great circles of each two edges cross, and see whether both edges pass there."""
    poles_a, poles_b = (np.cross(_to_vector(ring[:-1]), _to_vector(ring[1:])) for ring in (a, b))
    crossings = np.cross(poles_a[:, None], poles_b)
    return any(
        np.any(_passes(a[:-1, None], a[1:, None], place) & _passes(b[:-1], b[1:], place))
        for place in (_to_lon_lat(crossings), _to_lon_lat(-crossings))
    )


def _passes(starts: np.ndarray, ends: np.ndarray, place: np.ndarray) -> np.ndarray:
    detour = _separation(starts, place) + _separation(place, ends) - _separation(starts, ends)
    return detour < ALONG_RAD


def _separation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the angle between positions in radians, by the haversine formula (Sinnott 1984)."""
    (lon_a, lat_a), (lon_b, lat_b) = np.moveaxis(a, -1, 0), np.moveaxis(b, -1, 0)
    haversine = np.sin((lat_b - lat_a) / 2) ** 2 + np.cos(lat_a) * np.cos(lat_b) * np.sin((lon_b - lon_a) / 2) ** 2
    return 2 * np.arcsin(np.sqrt(np.minimum(haversine, 1)))


def _bearing(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the angle at `a` from north through east to `b`."""
    (lon_a, lat_a), (lon_b, lat_b) = np.moveaxis(a, -1, 0), np.moveaxis(b, -1, 0)
    east = np.sin(lon_b - lon_a) * np.cos(lat_b)
    north = np.cos(lat_a) * np.sin(lat_b) - np.sin(lat_a) * np.cos(lat_b) * np.cos(lon_b - lon_a)
    return np.arctan2(east, north)


def _to_vector(lon_lat: np.ndarray) -> np.ndarray:
    lon, lat = np.moveaxis(lon_lat, -1, 0)
    return np.stack([np.cos(lon) * np.cos(lat), np.sin(lon) * np.cos(lat), np.sin(lat)], axis=-1)


def _to_lon_lat(vector: np.ndarray) -> np.ndarray:
    x, y, z = np.moveaxis(vector, -1, 0)
    return np.stack([np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))], axis=-1)
