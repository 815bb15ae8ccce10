"""Sixty searches and more, each on both databases: the ids that they find are those that plain Python finds."""

import datetime as dt
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, update

from app.columns import Ring
from app.extensions import db
from app.frames.actions import save_frame
from app.frames.models import Frame
from app.frames.schemas import NewFrameSchema
from app.frames.search import SEARCH_PARAMETERS
from tests.brute_force import cone_hits, covering, polygon_hits
from tests.frames_factory import A_FRAME, add_frame, build_version

SITES = ["cpt", "lsc", "ogg"]
INSTRUMENTS = ["fa01", "fa02", "kb70", "en06"]
FILTERS = ["rp", "gp", "H-Alpha"]
TYPES = ["EXPOSE", "BIAS", "SKYFLAT", "SPECTRUM"]
TARGETS = ["M 42", "NGC 4993", "Éta Carinæ", "50%_done\\", ""]
START = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
CENTRES = [(ra, dec) for dec in (-90, -89.5, -60, -5, 0, 30, 89, 90) for ra in (0, 0.2, 45, 90, 180, 270, 359.9)]
RADII = [0.05, 0.4, 3.0, 20.0]


def turned_square(ra_deg: float, dec_deg: float, radius_deg: float) -> Ring:
    """Return a square of great circles about any position, from its centre's own frame."""
    ra, dec, radius = np.radians([ra_deg, dec_deg, radius_deg])
    corners = [
        (np.cos(radius), np.sin(radius) * np.cos(t), np.sin(radius) * np.sin(t)) for t in np.arange(5) * np.pi / 2
    ]
    to_dec = np.array([[np.cos(dec), 0, -np.sin(dec)], [0, 1, 0], [np.sin(dec), 0, np.cos(dec)]])
    to_ra = np.array([[np.cos(ra), -np.sin(ra), 0], [np.sin(ra), np.cos(ra), 0], [0, 0, 1]])
    x, y, z = to_ra @ to_dec @ np.array(corners).T
    ring = np.column_stack([np.degrees(np.arctan2(y, x)) % 360, np.degrees(np.arcsin(np.clip(z, -1, 1)))])
    ring[-1] = ring[0]
    return ring


def build_frames() -> dict[str, dict[str, Any]]:
    """Return the frames by their basenames: every fourth has no footprint, the others lie at all seams of the sky."""
    frames = {}
    for n in range(120):
        date = START + dt.timedelta(hours=7 * n)
        area = turned_square(*CENTRES[n % len(CENTRES)], RADII[n % 4]) if n % 4 or n < 60 else None
        frames[f"cpt1m0-fa{n:02d}-x{n * n}"] = {
            "observation_date": date,
            "observation_day": date.date() - dt.timedelta(days=1),
            "site_id": SITES[n % 3],
            "telescope_id": f"1m{n % 5}",
            "instrument_id": INSTRUMENTS[n % 4],
            "primary_optical_element": FILTERS[n % 3],
            "configuration_type": TYPES[n % 7 % 4],
            "target_name": TARGETS[n % 5],
            "proposal_id": f"PROP-{n % 6}",
            "reduction_level": 91 * (n % 2),
            "exposure_time": None if n % 10 == 0 else n * 1.5,
            "observation_id": 10**12 + n // 10,
            "request_id": n // 20,
            "headers": {"USERID": f"user{n % 3}"},
            "area": area,
        }
    return frames


FRAMES = build_frames()
RINGS = {basename: frame["area"] for basename, frame in FRAMES.items() if frame["area"] is not None}


@pytest.fixture
def archive(app: Flask) -> FlaskClient:
    """The frames above in the archive."""
    with app.app_context():
        for basename, frame in FRAMES.items():
            area = frame["area"]
            text = {key: value.isoformat() for key, value in frame.items() if isinstance(value, dt.date)}
            polygon = None if area is None else {"type": "Polygon", "coordinates": [area.tolist()]}
            body = {**A_FRAME, **frame, **text, "area": polygon, "basename": basename}
            save_frame(NewFrameSchema().load(body | {"version_set": [build_version(basename)]}))
        db.session.commit()
    return app.test_client()


def find(client: FlaskClient, **parameters: Any) -> list[str]:
    answer = client.get("/frames/", query_string={"limit": 1000, "include_related_frames": "false"} | parameters)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    basenames = [record["basename"] for record in answer.json["results"]]
    assert answer.json["count"] == len(basenames)
    return basenames


def where(test: Callable[[dict[str, Any]], bool]) -> set[str]:
    return {basename for basename, frame in FRAMES.items() if test(frame)}


NOON = START + dt.timedelta(days=10, hours=12)
A_DATE = START + dt.timedelta(hours=7 * 30)

FILTER_SEARCHES: list[tuple[dict[str, Any], Callable[[dict[str, Any]], bool]]] = [
    ({"start": "2026-10-11 12:00"}, lambda f: f["observation_date"] >= NOON),
    ({"start": "2026-10-11T14:00:00+02:00"}, lambda f: f["observation_date"] >= NOON),
    ({"end": "2026-10-11T12:00:00Z"}, lambda f: f["observation_date"] <= NOON),
    ({"end": "2026-10-11"}, lambda f: f["observation_date"] <= NOON - dt.timedelta(hours=12)),
    ({"DATE_OBS": A_DATE.isoformat()}, lambda f: f["observation_date"] == A_DATE),
    ({"dayobs": "2026-10-05"}, lambda f: f["observation_day"] == dt.date(2026, 10, 5)),
    ({"DAY_OBS": "20261005"}, lambda f: f["observation_day"] == dt.date(2026, 10, 5)),
    ({"target_name": "eta car"}, lambda f: f["target_name"] == "Éta Carinæ"),
    ({"target_name": "CARINÆ"}, lambda f: f["target_name"] == "Éta Carinæ"),
    ({"OBJECT": "0%_d"}, lambda f: f["target_name"] == "50%_done\\"),
    ({"target_name": "\\"}, lambda f: f["target_name"] == "50%_done\\"),
    ({"target_name_exact": "M 42"}, lambda f: f["target_name"] == "M 42"),
    ({"target_name_exact": "m 42"}, lambda f: False),
    ({"empty_target_name": "true"}, lambda f: not f["target_name"]),
    ({"empty_target_name": "false"}, lambda f: bool(f["target_name"])),
    ({"proposal_id": "PROP-3"}, lambda f: f["proposal_id"] == "PROP-3"),
    ({"PROPID": "PROP-3"}, lambda f: f["proposal_id"] == "PROP-3"),
    ({"configuration_type": "BIAS"}, lambda f: f["configuration_type"] == "BIAS"),
    ({"OBSTYPE": "BIAS"}, lambda f: f["configuration_type"] == "BIAS"),
    ({"instrument_id": "kb70"}, lambda f: f["instrument_id"] == "kb70"),
    ({"INSTRUME": "kb70"}, lambda f: f["instrument_id"] == "kb70"),
    ({"reduction_level": "91"}, lambda f: f["reduction_level"] == 91),
    ({"RLEVEL": "0"}, lambda f: f["reduction_level"] == 0),
    ({"site_id": "ogg"}, lambda f: f["site_id"] == "ogg"),
    ({"SITEID": "ogg"}, lambda f: f["site_id"] == "ogg"),
    ({"telescope_id": "1m2"}, lambda f: f["telescope_id"] == "1m2"),
    ({"TELID": "1m2"}, lambda f: f["telescope_id"] == "1m2"),
    ({"primary_optical_element": "H-Alpha"}, lambda f: f["primary_optical_element"] == "H-Alpha"),
    ({"FILTER": "rp"}, lambda f: f["primary_optical_element"] == "rp"),
    ({"observation_id": 10**12 + 3}, lambda f: f["observation_id"] == 10**12 + 3),
    ({"BLKUID": 10**12 + 3}, lambda f: f["observation_id"] == 10**12 + 3),
    ({"request_id": 2}, lambda f: f["request_id"] == 2),
    ({"REQNUM": 2}, lambda f: f["request_id"] == 2),
    ({"exposure_time": "90.5"}, lambda f: (f["exposure_time"] or 0) >= 90.5),
    ({"EXPTIME": "90.5"}, lambda f: (f["exposure_time"] or 0) >= 90.5),
    ({"exclude_configuration_type": ["BIAS", "SKYFLAT"]}, lambda f: f["configuration_type"] in {"EXPOSE", "SPECTRUM"}),
    ({"exclude_OBSTYPE": "BIAS"}, lambda f: f["configuration_type"] != "BIAS"),
    ({"include_configuration_type": ["BIAS", "EXPOSE"]}, lambda f: f["configuration_type"] in {"EXPOSE", "BIAS"}),
    ({"exclude_calibrations": "true"}, lambda f: f["configuration_type"] in {"EXPOSE", "SPECTRUM"}),
    ({"exclude_calibrations": "false"}, lambda f: True),
    ({"submitter": "user1"}, lambda f: f["headers"]["USERID"] == "user1"),
    ({"public": "true"}, lambda f: True),
    ({"public": "false"}, lambda f: False),
    ({"availability": "public"}, lambda f: True),
    ({"availability": "proprietary"}, lambda f: False),
    ({"site_id": ["ogg", "lsc"], "dayobs": ["2026-10-05", "20261007"]},
     lambda f: f["site_id"] != "cpt" and f["observation_day"] in {dt.date(2026, 10, 5), dt.date(2026, 10, 7)}),
    ({"site_id": "", "target_name": " "}, lambda f: True),
    ({"site_id": "cpt", "FILTER": "rp", "start": "2026-10-11 12:00"},
     lambda f: f["site_id"] == "cpt" and f["primary_optical_element"] == "rp" and f["observation_date"] >= NOON),
]  # fmt: skip

CONES = [
    (0.0, 0.0, 0.0),
    (0.0, 0.0, 1.0),
    (359.999, -5.0, 0.5),
    (0.1, 30.0, 2.5),
    (-0.1, 30.0, 2.5),
    (123.0, 90.0, 0.0),
    (10.0, 90.0, 1.2),
    (300.0, -90.0, 0.13),
    (200.0, -89.0, 5.0),
    (225.0, 0.0, 10.0),
    (45.0, -5.0, 0.0),
    (225.0, 5.0, 40.0),
    (180.0, 0.0, 90.0),
    (0.0, 0.0, 150.0),
    (37.0, 12.0, 180.0),
    (90.05, -60.0, 0.01),
]
POLYGONS = {
    "RA 0": [(358, -2), (2, -2), (2, 2), (358, 2)],
    "north pole": [(0, 85), (90, 85), (180, 85), (270, 85)],
    "south pole": [(10, -80), (130, -80), (250, -80)],
    "antipodal": [(178, -3), (184, -3), (184, 3), (178, 3)],
    "concave": [(30, -20), (60, -20), (60, 20), (45, 0), (30, 20)],
    "large": [(300, -60), (60, -60), (60, 60), (300, 60)],
    "tiny": [(89.99, -60.01), (90.01, -60.01), (90.01, -59.99), (89.99, -59.99)],
    "clockwise": [(358, 2), (2, 2), (2, -2), (358, -2)],
}


def test_filters(archive: FlaskClient) -> None:
    for parameters, expected in FILTER_SEARCHES:
        found = find(archive, **parameters)
        assert set(found) == where(expected), parameters


def test_basename_contains_and_exact(archive: FlaskClient) -> None:
    wanted = "cpt1m0-fa07-x49"
    assert wanted in FRAMES
    assert find(archive, basename="FA07-X") == [wanted]
    assert find(archive, basename_exact=wanted) == [wanted]
    assert find(archive, basename_exact="fa07") == []


PARTS = ["1m0", "M0-FA", "fa", "0-fa07-x4", "fa0_", "m%x", 'x"1', "'", "*", "x1 OR x2", "\\", "é", "İx1", "x" * 200]


def test_any_part_of_a_basename_is_taken_literally(archive: FlaskClient) -> None:
    for part in PARTS:
        assert set(find(archive, basename=part)) == {name for name in FRAMES if part.lower() in name.lower()}, part


def test_a_basename_that_changes_or_goes_is_found_no_more(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        for name in ("kept-1", "renamed-1", "removed-1"):
            add_frame(name)
        db.session.execute(update(Frame).where(Frame.basename == "renamed-1").values(basename="other-2"))
        db.session.execute(delete(Frame).where(Frame.basename == "removed-1"))
        db.session.commit()
    found = {
        part: client.get(f"/frames/?basename={part}").json["count"] for part in ("kept", "renamed", "removed", "her-2")
    }
    assert found == {"kept": 1, "renamed": 0, "removed": 0, "her-2": 1}


def test_every_search_parameter_is_tried_here() -> None:
    tried = {name for parameters, _ in FILTER_SEARCHES for name in parameters}
    tried |= {"basename", "basename_exact", "ra", "dec", "radius", "position", "covers", "intersects"}
    assert tried == {name for parameter in SEARCH_PARAMETERS for name in (parameter.name, *parameter.aliases)}


def test_cones(archive: FlaskClient) -> None:
    for ra, dec, radius in CONES:
        expected = cone_hits(RINGS, ra, dec, radius)
        assert set(find(archive, ra=ra, dec=dec, radius=radius)) == expected, (ra, dec, radius)
        assert set(find(archive, position=f"{ra % 360} {dec}", radius=radius)) == expected, (ra, dec, radius)
    assert len(cone_hits(RINGS, *CONES[7])) > 1, "the pole is covered"


def test_covered_points(archive: FlaskClient) -> None:
    for ra, dec, _ in CONES:
        assert set(find(archive, covers=f"POINT({ra} {dec})")) == covering(RINGS, ra, dec), (ra, dec)


def test_boxes(archive: FlaskClient) -> None:
    """Of boxes on the equator, across RA 0, and about a pole one can write the corners down."""
    height = math.degrees(math.atan(math.tan(math.radians(20)) * math.cos(math.radians(30))))
    on_equator = [(330, -height), (30, -height), (30, height), (330, height), (330, -height)]
    dec = 90 - math.degrees(math.atan(math.tan(math.radians(15)) * math.sqrt(2)))
    about_pole = [(ra, dec) for ra in (45, 135, 225, 315, 45)]
    for box, ring in (("BOX(0 0, 60 40)", on_equator), ("box (123 90, 30 30)", about_pole)):
        hits = set(find(archive, intersects=box))
        assert hits == polygon_hits(RINGS, np.array(ring, dtype=float)), box
        assert hits, box


def test_polygons(archive: FlaskClient) -> None:
    for name, corners in POLYGONS.items():
        ring = [*corners, corners[0]]
        text = ", ".join(f"{ra} {dec}" for ra, dec in ring)
        expected = polygon_hits(RINGS, np.array(ring, dtype=float))
        assert set(find(archive, intersects=f"POLYGON(({text}))")) == expected, name
        assert expected, name
