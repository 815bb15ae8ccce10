"""Which footprints meet which cones, pair by pair, many at once: what `SkyPolygon.meets_cone` says of one."""

import numpy as np

from app.frames.sphere import TOLERANCE_RAD, Flags, Floats, SkyPolygon, to_unit_vectors


def meet_cones(rings: Floats, positions: Floats, radii_deg: Floats) -> Flags:
    """Say of each footprint whether some point of it is within a radius of a position, both its own.

    Parameters
    ----------
    rings
        Of as many corners each: shape (k, n + 1, 2), degrees.
    positions
        (RA, Dec) in degrees, shape (k, 2).
    radii_deg
        Shape (k,).
    """
    corners = to_unit_vectors(rings.reshape(-1, 2)).reshape(*rings.shape[:2], 3)[:, :-1]
    chords = np.roll(corners, -1, axis=1) - corners
    lengths = np.linalg.norm(chords, axis=2)
    poles = corners.sum(axis=1)
    # Corners in one place, or far from each other, are left to the one that does with any ring.
    is_plain = (lengths > TOLERANCE_RAD).all(axis=1) & (_dot(corners, poles[:, None]) > 0.1).all(axis=1)
    met = np.zeros(len(rings), bool)
    for place in np.flatnonzero(~is_plain):
        ra_deg, dec_deg = positions[place]
        met[place] = SkyPolygon.from_ring(rings[place]).meets_cone(ra_deg, dec_deg, radii_deg[place])
    met[is_plain] = _meet(corners[is_plain], to_unit_vectors(positions[is_plain]), np.radians(radii_deg[is_plain]))
    return met


def _meet(corners: Floats, centres: Floats, radii: Floats) -> Flags:
    chords, poles = np.roll(corners, -1, axis=1) - corners, corners.sum(axis=1)
    lengths = np.linalg.norm(chords, axis=2)
    x_axes = _normalize(np.cross(centres, np.eye(3)[abs(centres).argmin(axis=1)]))
    is_inside = _winds_about(corners, x_axes, np.cross(centres, x_axes)) & (_dot(centres, poles) > 0)
    normals = _normalize(np.cross(corners, chords))
    near = _find_distances(corners, normals, 2 * np.arcsin(lengths / 2), centres) <= radii + TOLERANCE_RAD
    either: Flags = is_inside | near
    return either


def _winds_about(corners: Floats, x_axes: Floats, y_axes: Floats) -> Flags:
    """Say whether rings wind about points, or their antipodes, as `SkyPolygon` does of one."""
    x, y = _dot(corners, x_axes[:, None]), _dot(corners, y_axes[:, None])
    x_end, y_end = np.roll(x, -1, axis=1), np.roll(y, -1, axis=1)
    step = (y_end >= 0).astype(np.float64) - (y >= 0)
    winds: Flags = (step * (step * (x * y_end - x_end * y) > 0)).sum(axis=1) != 0
    return winds


def _find_distances(corners: Floats, normals: Floats, lengths: Floats, centres: Floats) -> Floats:
    """Return how far points, shape (k, 3), are from the nearest edge of their rings, in radians."""
    points = centres[:, None]
    x, y, z = _dot(corners, points), _dot(np.cross(normals, corners), points), _dot(normals, points)
    longitude = np.arctan2(y, x)
    is_beside = (longitude > 0) & (longitude < lengths)
    distances: Floats = np.where(is_beside, np.arctan2(abs(z), np.hypot(x, y)), np.arctan2(np.hypot(y, z), x))
    nearest: Floats = distances.min(axis=1)
    return nearest


def _dot(a: Floats, b: Floats) -> Floats:
    product: Floats = np.vecdot(a, b)
    return product


def _normalize(vectors: Floats) -> Floats:
    unit: Floats = vectors / np.linalg.norm(vectors, axis=-1)[..., None]
    return unit
