"""Many footprints and cones at once are as one by one."""

import numpy as np
import pytest

from app.frames.cones import meet_cones
from app.frames.sphere import SkyPolygon


@pytest.mark.parametrize("corners", [3, 4, 7])
def test_as_one_by_one(corners: int) -> None:
    random = np.random.default_rng(corners)
    rings, positions, radii = [], [], []
    for number in range(400):
        ra, dec = random.uniform(0, 360), random.uniform(-85, 85)
        size = 10.0 ** random.uniform(-3, 1.3)
        turns = np.sort(random.uniform(0, 2 * np.pi, corners))
        lengths = size * random.uniform(0.3, 1, corners)  # concave ones are among them
        ring = np.column_stack([ra + lengths * np.cos(turns) / np.cos(np.radians(dec)), dec + lengths * np.sin(turns)])
        ring[:, 1] = np.clip(ring[:, 1], -90, 90)
        if number % 50 == 0:
            ring[1] = ring[0]  # two corners in one place
        rings.append(np.concatenate([ring, ring[:1]]))
        positions.append(((ra + random.normal(0, size)) % 360, np.clip(dec + random.normal(0, size), -90, 90)))
        radii.append(0.0 if number % 2 else size * random.uniform(0, 1))
    met = meet_cones(np.array(rings), np.array(positions), np.array(radii))
    wanted = [
        SkyPolygon.from_ring(ring).meets_cone(*position, radius)
        for ring, position, radius in zip(rings, positions, radii, strict=True)
    ]
    assert met.tolist() == wanted
    assert 50 < sum(wanted) < 350


def test_none_and_large_ones() -> None:
    assert meet_cones(np.empty((0, 5, 2)), np.empty((0, 2)), np.empty(0)).tolist() == []
    wide = np.array([[[0, -40], [85, 0], [0, 60], [-85, 0], [0, -40]]], float)
    assert meet_cones(wide, np.array([[10.0, 5.0]]), np.zeros(1)).tolist() == [True]
    assert meet_cones(wide, np.array([[190.0, -5.0]]), np.zeros(1)).tolist() == [False]
