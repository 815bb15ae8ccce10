"""The demo's targets are where the sky has them."""

import math

import pytest
from pyongc import ongc

from app.demo.targets import TARGETS

IN_OPEN_NGC = [target for target in TARGETS if target.name != "Polaris"]
CENTRES_DIFFER_ARCMIN = {"M45": 8.0}  # of so wide a cluster, catalogues give different centres


@pytest.mark.parametrize("target", IN_OPEN_NGC, ids=lambda target: target.name)
def test_a_target_is_where_open_ngc_has_it(target):
    ra, dec = map(math.degrees, ongc.get(target.name.replace(" ", "")).rad_coords)
    east = (target.ra_deg - ra) * math.cos(math.radians(dec)) * 60
    north = (target.dec_deg - dec) * 60
    assert math.hypot(east, north) < CENTRES_DIFFER_ARCMIN.get(target.name, 1.0)
