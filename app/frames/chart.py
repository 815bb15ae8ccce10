"""The sky chart of footprints: everything that its SVG template draws, in chart units."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from app.columns import Ring
from app.frames.angles import format_dec, format_ra, format_size, format_step
from app.frames.sphere import Floats, to_unit_vectors
from app.frames.tangent_plane import TangentPlane, measure_rectangle

FOOTPRINT_SHARE = 0.62  # of the chart's side; the rest shows where on the sky it lies
SMALLEST_FIELD_RAD = math.radians(1 / 3600)
FOOT_PX = 34  # below the chart, for the scale bar
COMPASS_PX = 64
LINES_ACROSS, MERIDIANS_AT_POLE = 4, 8
LINE_POINTS = 91
# Room that a label needs; generous, since small screens draw the letters larger.
CHARACTER_PX, LABEL_PX = 14, 21

DEC_STEPS_ARCSEC = (
    *(0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 20, 30),
    *(60, 120, 300, 600, 900, 1200, 1800),
    *(3600, 7200, 18000, 36000, 54000, 108000),
)
RA_STEPS_S = (
    *(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 20, 30),
    *(60, 120, 300, 600, 900, 1200, 1800),
    *(3600, 7200, 10800),
)

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class ChartLabel:
    """A text of the grid and where it stands."""

    text: str
    x: float
    y: float
    anchor: Literal["start", "middle", "end"]


@dataclass(frozen=True)
class ScaleBar:
    """A bar that is as long as its text says, at the chart's centre."""

    text: str
    length: float


@dataclass(frozen=True)
class SkyChart:
    """What the template of the sky chart draws; lengths in chart units, paths as SVG writes them.

    North is up and east to the left. The sky is a square of `side`; the scale bar is in a foot below it.

    Attributes
    ----------
    footprints
        By the ids of their frames.
    circle
        The edge of what was searched, or nothing.
    compass
        Where its two arrows, to the north and to the east, meet.
    center_deg
        RA and Dec of the chart's centre.
    center_ra, center_dec
        The same as text.
    width, height
        Of the smallest rectangle around all footprints, as text.
    """

    side: int
    total_height: int
    footprints: Mapping[int, str]
    circle: str
    grid: tuple[str, ...]
    labels: tuple[ChartLabel, ...]
    compass: tuple[int, int]
    scale_bar: ScaleBar
    center_deg: tuple[float, float]
    center_ra: str
    center_dec: str
    width: str
    height: str


def build_chart(ring: Ring, size_px: int = 480) -> SkyChart:
    """Draw a footprint on its piece of sky.

    Parameters
    ----------
    ring
        Closed polygon, shape (n + 1, 2): ICRS RA and Dec in degrees. A line or a point will do too.
    size_px
        Side of the sky.
    """
    return build_chart_of({0: ring}, None, size_px)


def build_chart_of(rings: Mapping[int, Ring], circle: Floats | None, size_px: int = 480) -> SkyChart:
    """Draw footprints that are near to each other.

    Parameters
    ----------
    rings
        As for `build_chart`, by the ids of their frames; at least one.
    circle
        Unit vectors, shape (n, 3), of a line that is drawn with them.
    """
    vectors = {frame_id: to_unit_vectors(ring) for frame_id, ring in rings.items()}
    plane = TangentPlane.about(np.concatenate([ring[:-1] for ring in vectors.values()]))
    corners = {frame_id: plane.project(ring) for frame_id, ring in vectors.items()}
    line = plane.project(circle) if circle is not None else np.empty((0, 2))
    everything = np.concatenate([*corners.values(), line])
    window = _Window.around(everything, size_px)
    lines = list(_grid_lines(plane, window))
    width_rad, height_rad = measure_rectangle(everything)
    ra_deg, dec_deg = plane.center_deg
    return SkyChart(
        side=size_px,
        total_height=size_px + FOOT_PX,
        footprints={frame_id: to_path(window.to_chart(ring[:-1])) + "Z" for frame_id, ring in corners.items()},
        circle=to_path(window.to_chart(line)) if len(line) else "",
        grid=tuple(to_path(line.points) for line in lines),
        labels=tuple(_place_labels(lines, size_px)),
        compass=(size_px - 20, 46),
        scale_bar=_scale_bar(window),
        center_deg=plane.center_deg,
        center_ra=format_ra(ra_deg),
        center_dec=format_dec(dec_deg),
        width=format_size(width_rad),
        height=format_size(height_rad),
    )


@dataclass(frozen=True)
class _Window:
    """The square part of the tangent plane that is shown."""

    middle: Floats
    half: float  # of its side, in radians
    side: int  # in chart units

    @classmethod
    def around(cls, corners: Floats, side: int) -> "_Window":
        low, high = corners.min(axis=0), corners.max(axis=0)
        field = max(float((high - low).max()), SMALLEST_FIELD_RAD)
        return cls((low + high) / 2, field / 2 / FOOTPRINT_SHARE, side)

    def to_chart(self, places: Floats) -> Floats:
        """Turn places of the plane into chart units: x to the right, which is west, and y down."""
        points: Floats = (1 - (places - self.middle) / self.half) * self.side / 2
        return points

    def holds(self, place: Floats) -> bool:
        return bool((abs(place - self.middle) <= self.half).all())

    def mesh(self, count: int = 41) -> Floats:
        """Return places all over the window, its edges included, shape (count², 2)."""
        steps = np.linspace(-self.half, self.half, count)
        return np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2) + self.middle


@dataclass(frozen=True)
class _GridLine:
    text: str
    points: Floats  # the ends may lie a little beyond the window, which cuts them off
    is_meridian: bool


def _grid_lines(plane: TangentPlane, window: _Window) -> Iterator[_GridLine]:
    """Yield the lines of round RA and Dec that cross the window."""
    (ra_low, dec_low), (ra_high, dec_high), at_pole = _visible_range(plane, window)
    lines_across = MERIDIANS_AT_POLE if at_pole else LINES_ACROSS
    ra_step_s = _next_step(RA_STEPS_S, (ra_high - ra_low) * 240 / lines_across)
    dec_step_arcsec = _next_step(DEC_STEPS_ARCSEC, (dec_high - dec_low) * 3600 / LINES_ACROSS)
    ra_deg = np.linspace(ra_low, ra_high, LINE_POINTS)
    dec_deg = np.linspace(dec_low, dec_high, LINE_POINTS)
    for ra in _multiples(ra_step_s / 240, ra_low, ra_high):
        for points in _visible_parts(np.full(LINE_POINTS, ra), dec_deg, plane, window):
            yield _GridLine(format_ra(ra, ra_step_s), points[[0, -1]], is_meridian=True)
    for dec in _multiples(dec_step_arcsec / 3600, max(dec_low, -89.9999), dec_high):  # at a pole: no line
        for points in _visible_parts(ra_deg, np.full(LINE_POINTS, dec), plane, window):
            yield _GridLine(format_dec(dec, dec_step_arcsec), points, is_meridian=False)


def _visible_range(plane: TangentPlane, window: _Window) -> tuple[Floats, Floats, bool]:
    """Return the lowest and the highest (RA, Dec) in the window, and whether a pole is in it."""
    ra_center, dec_center = plane.center_deg
    sky = plane.unproject(window.mesh())
    low, high = sky.min(axis=0), sky.max(axis=0)
    pole_dec = math.copysign(90, dec_center)
    at_pole = window.holds(plane.project(to_unit_vectors([(0, pole_dec)])))
    if at_pole:
        low = np.array([ra_center - 180, min(low[1], pole_dec)])
        high = np.array([ra_center + 180, max(high[1], pole_dec)])
    return low, high, at_pole


def _next_step(steps: tuple[float, ...], smallest: float) -> float:
    return next((step for step in steps if step >= smallest), steps[-1])


def _multiples(step: float, low: float, high: float) -> list[float]:
    """List the multiples of a step in [low, high): in a full circle, no line twice."""
    return [count * step for count in range(math.ceil(low / step), math.ceil(high / step))]


def _visible_parts(ra_deg: Floats, dec_deg: Floats, plane: TangentPlane, window: _Window) -> Iterator[Floats]:
    """Yield the parts of a line, in chart units, in the window, with the next point at either end."""
    points = window.to_chart(plane.project(to_unit_vectors(np.column_stack([ra_deg, dec_deg]))))
    inside = ((points >= 0) & (points <= window.side)).all(axis=1)
    turns = np.flatnonzero(np.diff(inside, prepend=False, append=False))
    for start, stop in turns.reshape(-1, 2).tolist():
        yield points[max(start - 1, 0) : stop + 1]


def _place_labels(lines: list[_GridLine], side: int) -> Iterator[ChartLabel]:
    """Yield one label for each line, but for those that would touch another or the compass."""
    taken: list[Box] = [(side - COMPASS_PX, 0, side, COMPASS_PX)]
    for line in {line.text: line for line in reversed(lines)}.values():
        label = _place_label(line, side)
        box = _label_box(label)
        if not any(_overlap(box, other) for other in taken):
            taken.append(box)
            yield label


def _place_label(line: _GridLine, side: int) -> ChartLabel:
    """Put a meridian's label at the lower end of its line, a parallel's at the left one."""
    ends = np.clip(line.points[[0, -1]], 0, side)
    at_edge = ((ends < 1) | (ends > side - 1)).any(axis=1)
    places = ends[at_edge] if at_edge.any() else line.points  # a circle around the pole does not end at an edge
    x, y = places[places[:, 1].argmax() if line.is_meridian else places[:, 0].argmin()].tolist()
    if x < 1 or x > side - 1:
        y = min(max(y, LABEL_PX), side - LABEL_PX)  # clear of the labels along the lower edge
    y = max(y - 6, LABEL_PX - 4)
    half_width = len(line.text) * CHARACTER_PX / 2
    if x < half_width:
        return ChartLabel(line.text, 5, y, "start")
    if x > side - half_width:
        return ChartLabel(line.text, side - 5, y, "end")
    return ChartLabel(line.text, x, y, "middle")


def _label_box(label: ChartLabel) -> Box:
    width = len(label.text) * CHARACTER_PX
    left = label.x - {"start": 0, "middle": width / 2, "end": width}[label.anchor]
    return left, label.y - LABEL_PX, left + width, label.y


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _scale_bar(window: _Window) -> ScaleBar:
    """Draw the longest round angle that takes less than a third of the chart."""
    longest_arcsec = math.degrees(2 * math.atan(window.half)) * 3600 * 0.3
    arcsec = max(step for step in DEC_STEPS_ARCSEC if step <= longest_arcsec)
    length = math.tan(math.radians(arcsec / 3600) / 2) / window.half * window.side
    return ScaleBar(format_step(arcsec), round(length, 1))


def to_path(points: Floats) -> str:
    """Write a line as SVG does."""
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points.tolist())
