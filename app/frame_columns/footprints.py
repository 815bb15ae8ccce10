"""About where footprints are: a cap that holds each, and one that each holds.

So most frames are known to meet a cone or a polygon, or not to; SQL, which has the footprints themselves, is asked for
the few between. Nothing is decided that is nearer than `MARGIN_RAD`: single precision is enough.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np

from app.frame_columns.names import Flags, Numbers
from app.frames.sphere import SkyPolygon, to_unit_vectors

MARGIN_RAD = 2e-6  # 0.4 arcseconds: ten times what single precision rounds by
UNKNOWN_RAD = 4.0  # a reach: more than half the sky
BANDS = 180  # of declination, one degree each
CELLS_OF_BAND = np.ceil(2 * BANDS * np.cos(np.radians(np.arange(BANDS) - BANDS / 2 + 0.5))).astype(int)
FIRST_OF_BAND = 1 + np.concatenate([[0], np.cumsum(CELLS_OF_BAND)])
CELLS = int(FIRST_OF_BAND[-1])  # 0: no footprint
CELL_RADIUS_RAD = np.radians(1.0)  # no corner of a cell is as far from its middle
LARGEST_RAD = 2.5  # of a cone; chords tell angles badly near to half a turn


def find_caps(areas: Sequence[bytes | None]) -> dict[str, Numbers]:
    """Return the cell, the centre, and the radii of both caps of some footprints.

    Parameters
    ----------
    areas
        Each a ring of (RA, Dec) in degrees, doubles one after the other; before them there may be a header of WKB.

    Returns
    -------
    dict
        `cell` (0: there is no footprint), `x`, `y` and `z` of the centre, `reach`: the radius of a cap that holds the
        footprint, and `inner`: of one that it holds; negative: none is known.
    """
    caps = {name: np.zeros(len(areas), np.float32) for name in ("x", "y", "z", "reach", "inner")}
    caps["cell"] = np.zeros(len(areas), np.uint16)
    by_length = defaultdict(list)
    for place, area in enumerate(areas):
        if area is not None:
            by_length[len(area)].append(place)
    for length, places in by_length.items():
        packed = np.frombuffer(b"".join(areas[place] for place in places), np.uint8)  # type: ignore[misc]  # none is None
        values = packed.reshape(len(places), length)[:, length % 16 :]
        rings = np.ascontiguousarray(values).view("<f8").reshape(len(places), -1, 2)
        for name, found in _find_caps_of(rings).items():
            caps[name][places] = found
    return caps


def _find_caps_of(rings: Numbers) -> dict[str, Numbers]:
    """Return the caps of rings of as many corners each: an array of shape (k, n + 1, 2)."""
    corners = to_unit_vectors(rings.reshape(-1, 2)).reshape(*rings.shape[:2], 3)[:, :-1]
    sums = corners.sum(axis=1)
    lengths = np.linalg.norm(sums, axis=1)
    centres = np.where(lengths[:, None] > 0.01, sums / np.maximum(lengths, 0.01)[:, None], corners[:, 0])
    reach = 2 * np.arcsin(np.clip(np.linalg.norm(corners - centres[:, None], axis=2).max(axis=1) / 2, 0, 1))
    # Where more than a quarter of the sky lies between, a polygon may reach farther than its corners.
    reach = np.where((lengths > 0.01) & (reach < np.pi / 2 - 0.01), reach, UNKNOWN_RAD)
    return {
        "cell": find_cells(centres),
        "x": centres[:, 0],
        "y": centres[:, 1],
        "z": centres[:, 2],
        "reach": reach + MARGIN_RAD,
        "inner": np.where(reach < 1, _find_inner(corners, centres), -1.0) - MARGIN_RAD,
    }


def _find_inner(corners: Numbers, centres: Numbers) -> Numbers:
    """Return how far the nearest edge's great circle is, where the centre is on the same side of all; else -1."""
    chords = np.roll(corners, -1, axis=1) - corners
    normals = np.cross(corners, chords)
    lengths = np.linalg.norm(normals, axis=2)
    sines = np.einsum("knc,kc->kn", normals, centres) / np.maximum(lengths, 1e-12)
    is_around = ((sines > 0).all(axis=1) | (sines < 0).all(axis=1)) & (lengths > 1e-9).all(axis=1)
    return np.where(is_around, np.arcsin(np.clip(abs(sines).min(axis=1), 0, 1)), -1.0)


def find_cells(vectors: Numbers) -> Numbers:
    """Return the numbers of the cells in which unit vectors, shape (k, 3), are."""
    band = np.clip(np.degrees(np.arcsin(np.clip(vectors[:, 2], -1, 1))) + BANDS / 2, 0, BANDS - 1).astype(int)
    turn = np.arctan2(vectors[:, 1], vectors[:, 0]) / (2 * np.pi) % 1
    cells: Numbers = FIRST_OF_BAND[band] + np.minimum((turn * CELLS_OF_BAND[band]).astype(int), CELLS_OF_BAND[band] - 1)
    return cells


@cache
def find_centres() -> Numbers:
    """Return the middle of each cell, shape (CELLS, 3); that of 0 is nowhere."""
    bands = np.repeat(np.arange(BANDS), CELLS_OF_BAND)
    ra_deg = (np.arange(1, CELLS) - FIRST_OF_BAND[bands] + 0.5) * 360 / CELLS_OF_BAND[bands]
    middles = to_unit_vectors(np.column_stack([ra_deg, bands - BANDS / 2 + 0.5]))
    return np.concatenate([np.zeros((1, 3)), middles])


class Place(Protocol):
    """A part of the sky that footprints may meet."""

    def find_cells(self, reach: Numbers) -> Flags:
        """Say of each cell whether a footprint whose centre is in it may meet this, if none reaches farther."""

    def classify(self, caps: Mapping[str, Numbers]) -> tuple[Flags, Flags]:
        """Say of some footprints whether they may meet this, and whether they do."""


@dataclass(frozen=True, eq=False)
class Cone:
    """All that is within a radius of a centre, a unit vector."""

    centre: Numbers
    radius_rad: float

    def find_cells(self, reach: Numbers) -> Flags:
        return _may_be_within(find_centres() - self.centre, self.radius_rad + CELL_RADIUS_RAD + reach) & (reach > 0)

    def classify(self, caps: Mapping[str, Numbers]) -> tuple[Flags, Flags]:
        offsets = np.column_stack([caps[axis] - np.float32(self.centre[n]) for n, axis in enumerate("xyz")])
        may = _may_be_within(offsets, self.radius_rad + caps["reach"])
        return may, (caps["inner"] >= 0) & _is_within(offsets, self.radius_rad + caps["inner"])


@dataclass(frozen=True, eq=False)
class Polygon:
    """A polygon on the sky."""

    around: Cone  # that holds it
    normals: Numbers | None  # of its edges, to the inside, shape (n, 3), if it is convex

    @classmethod
    def from_ring(cls, ring: Numbers) -> "Polygon":
        polygon = SkyPolygon.from_ring(ring)
        centre, radius_rad = polygon.bounding_cap()
        normals = polygon.normals * (-1 if polygon.is_clockwise() else 1)
        is_convex = len(polygon.corners) > 2 and bool((normals @ polygon.corners.T > -1e-12).all())
        return cls(Cone(centre, radius_rad), normals if is_convex else None)

    def find_cells(self, reach: Numbers) -> Flags:
        return self.around.find_cells(reach)

    def classify(self, caps: Mapping[str, Numbers]) -> tuple[Flags, Flags]:
        may, _ = self.around.classify(caps)
        if self.normals is None:
            return may, np.zeros(len(may), bool)
        centres = np.column_stack([caps[axis] for axis in "xyz"])
        nearest = np.arcsin(np.clip((centres @ self.normals.T.astype(np.float32)).min(axis=1), -1, 1))
        return may & (nearest >= -caps["reach"]), (nearest > MARGIN_RAD) & (caps["inner"] >= 0)


def _is_within(offsets: Numbers, radius_rad: Numbers) -> Flags:
    """Say whether chords are of arcs up to some lengths, of which none counts as more than `LARGEST_RAD`."""
    longest = 2 * np.sin(np.minimum(radius_rad, LARGEST_RAD) / 2)
    is_near: Flags = np.einsum("kc,kc->k", offsets, offsets) <= longest**2
    return is_near


def _may_be_within(offsets: Numbers, radius_rad: Numbers) -> Flags:
    return _is_within(offsets, radius_rad) | (radius_rad >= LARGEST_RAD)
