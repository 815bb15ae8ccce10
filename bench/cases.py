"""What the bench of searches asks, each case with its mark and what the OCS archive took for it.

Each request is drawn from frames of the archive that is measured, so that it finds something, and from a seed, so that
every run asks for the same.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np

from app.columns import Ring
from app.frames.cursors import Cursor
from app.frames.search import DEFAULT_ORDERING
from bench.draws import BenchViewer, Draw, Sample
from bench.http_client import Request

YEAR_DAYS, EVERYTHING_DAYS = 365, 36_500
ZIPPED = 100  # frames
FURTHEST_OFFSET = 500_000

Drawn = tuple[str, dict[str, Any]]
"""An address of the archive, and the same as the floor is asked."""


@dataclass(frozen=True)
class Asked:
    """One request to the archive, and the same to the floor."""

    archive: Request
    floor: Request


@dataclass(frozen=True)
class Case:
    """A row of the table.

    Attributes
    ----------
    draw
        Makes a request, from a `Draw`.
    mark_ms, most_times
        What p95 with one client may be at most, and what the median may be of the floor's.
    ocs
        Median and, where it was noted, p95 of the OCS archive at one million frames, in ms.
    """

    name: str
    draw: Callable[[Draw], Drawn]
    mark_ms: int
    ocs: str
    most_times: int = 2


def draw_frame(draw: Draw) -> Drawn:
    frame_id = draw.any().id
    return f"/frames/{frame_id}/", {"kind": "frame", "id": frame_id}


def draw_header(draw: Draw) -> Drawn:
    frame_id = draw.any().id
    return f"/frames/{frame_id}/headers/", {"kind": "header", "id": frame_id}


def draw_many(_draw: Draw) -> Drawn:
    return _get_list({"limit": 1000, "include_related_frames": "false"}, {})


def draw_instrument(days: float) -> Callable[[Draw], Drawn]:
    def draw_request(draw: Draw) -> Drawn:
        row = draw.any()
        window = draw.window(days, row)
        question = {"site": row.site_id, "instrument": row.instrument_id} | window
        return _get_list({"site_id": row.site_id, "instrument_id": row.instrument_id} | window, question)

    return draw_request


def draw_element(draw: Draw) -> Drawn:
    element = draw.any().primary_optical_element
    return _get_list({"primary_optical_element": element}, {"element": element})


def draw_proposal(draw: Draw) -> Drawn:
    proposal = draw.science().proposal_id
    return _get_list({"proposal_id": proposal}, {"proposal": proposal})


def draw_part_of_target(draw: Draw) -> Drawn:
    name = draw.rare().target_name
    part = name[: max(4, len(name) - 2)].lower()
    return _get_list({"target_name": part}, {"part": f"%{part}%"})


def draw_target(draw: Draw) -> Drawn:
    name = draw.science().target_name
    return _get_list({"target_name_exact": name}, {"target": name})


def draw_part_of_basename(draw: Draw) -> Drawn:
    """Draw an instrument's night, a number in a night, or a month."""
    basename = draw.any().basename
    _, instrument, night, number, *_ = basename.split("-") if basename.count("-") >= 4 else ["", basename, "", "", ""]
    part = draw.random.choice([f"{instrument}-{night}", f"{night}-{number}", f"-{night[:6]}"])
    return _get_list({"basename": part}, {"basename": f"%{part}%"})


def draw_point(row: Any, **asked: Any) -> Drawn:
    ra_deg, dec_deg = _find_centre(row.area)
    point = {"point": f"POINT({(ra_deg + 180) % 360 - 180:.5f} {dec_deg:.5f})"}
    return _get_list({"covers": f"POINT({ra_deg:.5f} {dec_deg:.5f})"} | asked, point | asked)


def draw_rare_point(draw: Draw) -> Drawn:
    return draw_point(draw.rare())


def draw_popular_point(draw: Draw) -> Drawn:
    return draw_point(draw.science())


def draw_popular_year(draw: Draw) -> Drawn:
    row = draw.science()
    return draw_point(row, **draw.window(YEAR_DAYS, row))


def draw_polygon(draw: Draw) -> Drawn:
    """Draw a square of a degree, away from the poles and from RA 0."""
    ra_deg, dec_deg = _find_centre(draw.rare().area)
    dec_deg = max(-80.0, min(dec_deg, 80.0))
    half_deg = 0.5 / np.cos(np.radians(dec_deg))
    ra_deg = max(half_deg, min(ra_deg, 360 - half_deg))
    steps = ((-1, -0.5), (1, -0.5), (1, 0.5), (-1, 0.5), (-1, -0.5))
    corners = [(ra_deg + x * half_deg, dec_deg + y) for x, y in steps]
    polygon = ", ".join(f"{ra:.5f} {dec:.5f}" for ra, dec in corners)
    wrapped = ", ".join(f"{(round(ra, 5) + 180) % 360 - 180:.5f} {dec:.5f}" for ra, dec in corners)
    return _get_list({"intersects": f"POLYGON(({polygon}))"}, {"polygon": f"POLYGON(({wrapped}))"})


def draw_offset(draw: Draw) -> Drawn:
    offset = min(FURTHEST_OFFSET, draw.sample.size // 20) + draw.random.randrange(50) * 100
    return _get_list({"offset": offset}, {})


def draw_cursor(draw: Draw) -> Drawn:
    row = draw.any()
    token = Cursor(DEFAULT_ORDERING, row.observation_date, row.id).to_token()
    return _get_list({"cursor": token}, {"after": [row.observation_date.isoformat(), row.id]})


def draw_facets(days: float) -> Callable[[Draw], Drawn]:
    def draw_request(draw: Draw) -> Drawn:
        window = draw.window(days, draw.any()) if days < EVERYTHING_DAYS else {}
        return f"/frames/aggregate/?{urlencode(window)}", {"kind": "facets", "days": days} | window

    return draw_request


def draw_count(_draw: Draw) -> Drawn:
    return "/frames/?limit=1&force_count=true", {"kind": "count"}


#: The lines of the issue's table, in its order.
CASES = (
    Case("frame by id", draw_frame, 3, "42 / 58", 3),
    Case("100 newest, with related ids", lambda _draw: _get_list({}, {}), 20, "217 / 372"),
    Case("1,000 newest, without", draw_many, 120, "1137 / 1324"),
    Case("site, instrument, a week", draw_instrument(7), 25, "149"),
    Case("site, instrument, 2 months", draw_instrument(61), 25, "266"),
    Case("site, instrument, 5 years", draw_instrument(1826), 25, "277"),
    Case("filter", draw_element, 25, "257"),
    Case("proposal", draw_proposal, 25, "399"),
    Case("target contains", draw_part_of_target, 40, "415"),
    Case("target exactly", draw_target, 40, "359"),
    Case("basename contains", draw_part_of_basename, 40, "452"),
    Case("covers a point", draw_rare_point, 25, "82"),
    Case("covers, a popular field", draw_popular_point, 25, "346"),
    Case("covers, popular, a year", draw_popular_year, 25, "87"),
    Case("polygon of 1°", draw_polygon, 25, "113"),
    Case("offset", draw_offset, 60, "1216"),
    Case("cursor, any page", draw_cursor, 20, "355"),
    Case("facets of 30 days", draw_facets(30), 150, "52"),
    Case("facets of a year", draw_facets(YEAR_DAYS), 150, "165"),
    Case("facets of everything", draw_facets(EVERYTHING_DAYS), 150, "not offered"),
    Case("count of everything", draw_count, 30, "624"),
    Case("header", draw_header, 3, "34", 3),
)
EMPTY_ROUTE = "empty Flask route"
#: Until the first byte of a zip of 100 frames, by the milliseconds that the store takes for an answer.
ZIP_CASES = {0: "362", 20: "2717"}
ZIP_MARK_MS = 60


def draw_requests(case: Case, sample: Sample, viewer: BenchViewer, number: int, seed: int) -> list[Asked]:
    """Draw different requests of a case. Needs the application's context."""
    draw = Draw(sample, viewer, f"{seed} {case.name}")
    drawn = (case.draw(draw) for _ in range(number))
    return [
        Asked(Request(path, viewer.headers), Request(f"/?{quote(json.dumps(asked | {'viewer': viewer.proposals}))}"))
        for path, asked in drawn
    ]


def draw_zips(sample: Sample, viewer: BenchViewer, number: int, seed: int) -> list[Request]:
    """Draw requests for zips, of which the first byte is what counts."""
    draw = Draw(sample, viewer, f"{seed} zip")
    bodies = (json.dumps({"frame_ids": draw.ids(ZIPPED)}).encode() for _ in range(number))
    return [Request("/frames/zip/", viewer.headers, body, first_byte=True) for body in bodies]


def _get_list(asked: dict[str, Any], question: dict[str, Any]) -> Drawn:
    asked = {"limit": 100} | asked
    shown = {
        "limit": asked["limit"],
        "offset": asked.get("offset", 0),
        "related": asked.get("include_related_frames") != "false",
    }
    return f"/frames/?{urlencode(asked, quote_via=quote)}", {"kind": "list"} | shown | question


def _find_centre(ring: Ring) -> tuple[float, float]:
    """Return the middle of a footprint's corners, (RA, Dec) in degrees."""
    lon, lat = np.radians(ring[:-1]).T
    x, y, z = (np.cos(lat) * np.cos(lon)).sum(), (np.cos(lat) * np.sin(lon)).sum(), np.sin(lat).sum()
    return float(np.degrees(np.arctan2(y, x)) % 360), float(np.degrees(np.arctan2(z, np.hypot(x, y))))
