"""The sky map of a page of results: all of the sky, and near to what was found, with the circle that was searched."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypedDict

import numpy as np

from app.columns import Ring
from app.frames.chart import SkyChart, build_chart_of, to_path
from app.frames.sphere import Floats, to_unit_vectors
from app.frames.tangent_plane import TangentPlane

WIDTH, HEIGHT = 720, 360
#: What lies farther apart is on no chart of its own: it would be no larger there than on the whole sky.
WIDEST_RAD = math.radians(40)
CIRCLE_POINTS = 73
MARGIN, SMALLEST_FIELD_DEG = 1.3, 0.02
LINE_POINTS = 61
MERIDIANS_DEG, PARALLELS_DEG = range(0, 360, 30), range(-60, 90, 30)


@dataclass(frozen=True)
class Placed:
    """A frame with a footprint, and what the map says of it."""

    frame_id: int
    title: str
    ring: Ring


@dataclass(frozen=True)
class Mark:
    """A frame, or several at one place, on the whole sky."""

    frame_id: int
    title: str
    x: float
    y: float


class Shapes(TypedDict):
    """What the map shows, in degrees, for a viewer that draws it by itself.

    Attributes
    ----------
    footprints
        Closed rings of (RA, Dec).
    circle
        RA, Dec and radius of what was searched.
    centre
        (RA, Dec) in the middle of all.
    field
        Across which everything is seen, with a margin.
    """

    footprints: list[list[list[float]]]
    circle: tuple[float, float, float] | None
    centre: tuple[float, float]
    field: float


@dataclass(frozen=True)
class SkyMap:
    """What the template draws; lengths are the SVG's units, paths as it writes them. East is to the left.

    Attributes
    ----------
    grid
        Meridians every two hours, parallels every 30°.
    circle
        The edge of what was searched, or nothing.
    near
        The chart of the footprints, if they are near to each other.
    placed
        The frames themselves.
    searched
        RA, Dec and radius of the circle, in degrees, if there is one.
    """

    width: int
    height: int
    outline: str
    grid: tuple[str, ...]
    marks: tuple[Mark, ...]
    circle: str
    near: SkyChart | None
    placed: Sequence[Placed]
    searched: tuple[float, float, float] | None

    @property
    def shapes(self) -> Shapes:
        edge = None if self.searched is None else _find_circle(self.searched[:2], self.searched[2])
        vectors, plane = _find_middle(self.placed, edge)
        reach_rad = math.acos(np.clip((vectors @ to_unit_vectors([plane.center_deg])[0]).min(), -1, 1))
        return Shapes(
            footprints=[np.round(frame.ring, 6).tolist() for frame in self.placed],
            circle=self.searched,
            centre=plane.center_deg,
            field=min(max(MARGIN * 2 * math.degrees(reach_rad), SMALLEST_FIELD_DEG), 360),
        )


def build_sky_map(placed: Sequence[Placed], centre_deg: tuple[float, float] | None, radius_deg: float) -> SkyMap | None:
    """Draw some frames on the sky.

    Parameters
    ----------
    centre_deg
        (RA, Dec) around which the search looked, if it did.

    Returns
    -------
    SkyMap or None
        None if no frame has a footprint and nothing was searched around.
    """
    if not placed and centre_deg is None:
        return None
    circle = None if centre_deg is None else _find_circle(centre_deg, radius_deg)
    return SkyMap(
        width=WIDTH,
        height=HEIGHT,
        outline=_draw_outline(),
        grid=_draw_grid(),
        marks=tuple(_place_marks(placed)),
        circle="" if circle is None else _draw(_project(circle)),
        near=_build_near(placed, circle),
        placed=placed,
        searched=None if centre_deg is None else (*centre_deg, radius_deg),
    )


def _build_near(placed: Sequence[Placed], circle: Floats | None) -> SkyChart | None:
    vectors, plane = _find_middle(placed, circle)
    middle = to_unit_vectors([plane.center_deg])[0]
    if not placed or (vectors @ middle).min() < math.cos(WIDEST_RAD):
        return None
    return build_chart_of({frame.frame_id: frame.ring for frame in placed}, circle)


def _find_middle(placed: Sequence[Placed], circle: Floats | None) -> tuple[Floats, TangentPlane]:
    """Return all corners as unit vectors, shape (n, 3), and a plane that touches the sky in their middle."""
    corners = [to_unit_vectors(frame.ring) for frame in placed] + ([] if circle is None else [circle])
    vectors = np.concatenate(corners)
    return vectors, TangentPlane.about(vectors)


def _find_circle(centre_deg: tuple[float, float], radius_deg: float) -> Floats:
    """Return unit vectors around a circle on the sky, shape (CIRCLE_POINTS, 3)."""
    centre = to_unit_vectors([centre_deg])[0]
    aside = np.cross(centre, (0, 0, 1) if abs(centre[2]) < 0.9 else (1, 0, 0))
    aside /= np.linalg.norm(aside)
    turns = np.linspace(0, 2 * np.pi, CIRCLE_POINTS)[:, None]
    radius = math.radians(radius_deg)
    around = aside * np.cos(turns) + np.cross(centre, aside) * np.sin(turns)
    points: Floats = centre * math.cos(radius) + around * math.sin(radius)
    return points


def _place_marks(placed: Iterable[Placed]) -> list[Mark]:
    """Return a mark for each place; frames at the same are one, that leads to the first of them."""
    frames: dict[tuple[float, float], list[Placed]] = {}
    for frame in placed:
        centre = TangentPlane.about(to_unit_vectors(frame.ring)[:-1]).center_deg
        ((x, y),) = _project(to_unit_vectors([centre])).round(1).tolist()
        frames.setdefault((x, y), []).append(frame)
    return [Mark(found[0].frame_id, _entitle(found), *place) for place, found in frames.items()]


def _entitle(frames: Sequence[Placed]) -> str:
    return frames[0].title + (f" and {len(frames) - 1} more here" if len(frames) > 1 else "")


def _project(vectors: Floats) -> Floats:
    """Return places on the map, shape (n, 2), by the Hammer projection, which keeps areas.

    Formulas: HAMMER-AITOFF of Calabretta & Greisen 2002, A&A 395, 1077; RA 12 h is in the middle.
    """
    lon = (np.arctan2(vectors[:, 1], vectors[:, 0]) % (2 * np.pi)) - np.pi
    return _project_from_middle(lon, np.arcsin(np.clip(vectors[:, 2], -1, 1)))


def _project_from_middle(lon: Floats, lat: Floats) -> Floats:
    scale = np.sqrt(1 + np.cos(lat) * np.cos(lon / 2))
    x, y = np.cos(lat) * np.sin(lon / 2) / scale, np.sin(lat) / scale
    points: Floats = np.column_stack([(1 - x) * WIDTH / 2, (1 - y) * HEIGHT / 2])
    return points


def _draw(points: Floats) -> str:
    """Draw a line, which is broken where it leaves the map on one side and comes back on the other."""
    jumps = np.flatnonzero(abs(np.diff(points[:, 0])) > WIDTH / 3) + 1
    return "".join(to_path(part) for part in np.split(points, jumps) if len(part) > 1)


@cache
def _draw_outline() -> str:
    lat = np.linspace(-np.pi / 2, np.pi / 2, LINE_POINTS)
    sides = [_project_from_middle(np.full(LINE_POINTS, sign * np.pi), sign * lat) for sign in (-1, 1)]
    return to_path(np.concatenate(sides)) + "Z"


@cache
def _draw_grid() -> tuple[str, ...]:
    lat, lon = np.linspace(-np.pi / 2, np.pi / 2, LINE_POINTS), np.linspace(-np.pi, np.pi, LINE_POINTS)
    meridians = (_project_from_middle(np.full(LINE_POINTS, math.radians(ra - 180)), lat) for ra in MERIDIANS_DEG)
    parallels = (_project_from_middle(lon, np.full(LINE_POINTS, math.radians(dec))) for dec in PARALLELS_DEG)
    return tuple(to_path(line) for line in (*meridians, *parallels))
