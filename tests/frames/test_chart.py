"""The sky chart: north up, east left, a readable grid at every scale and place, any footprint visible."""

import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import jinja2
import numpy as np
import pytest

import app
from app.frames.chart import SkyChart, build_chart
from app.frames.sphere import to_unit_vectors
from app.frames.tangent_plane import TangentPlane

SIDE = 480
TEMPLATES = jinja2.Environment(loader=jinja2.FileSystemLoader(Path(app.__path__[0]) / "templates"), autoescape=True)


def build_ring(ra_deg: float, dec_deg: float, width_deg: float, height_deg: float) -> np.ndarray:
    """Return a rectangle around a position."""
    plane = TangentPlane(to_unit_vectors([(ra_deg, dec_deg)])[0])
    signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)])
    ring = plane.unproject(np.tan(np.radians(signs * (width_deg, height_deg) / 2)))
    ring[:, 0] %= 360
    return ring


def points_of(path: str) -> np.ndarray:
    numbers = [float(number) for number in re.findall(r"-?[0-9.]+", path)]
    return np.array(numbers).reshape(-1, 2)


def texts_of(chart: SkyChart) -> set[str]:
    return {label.text for label in chart.labels}


def test_north_is_up_and_east_is_left():
    west_south, east_south, east_north, west_north = points_of(build_chart(build_ring(120, 20, 0.4, 0.4)).footprints[0])
    assert east_south[0] < west_south[0]
    assert east_north[0] < west_north[0]
    assert east_north[1] < east_south[1]


@pytest.mark.parametrize(
    ("ring", "center", "size"),
    [
        (build_ring(83.82208, -5.39111, 0.43333, 0.3), ("05h35m17.3s", "−05°23′28″"), ("26.0′", "18.0′")),
        (build_ring(0, 90, 1, 1), ("00h00m00.0s", "+90°00′00″"), ("1.00°", "1.00°")),
        (build_ring(10, 41, 0.2, 0.0001), ("00h40m00.0s", "+41°00′00″"), ("12.0′", "0.36″")),
        (np.array([(5.0, 5.0)] * 4), ("00h20m00.0s", "+05°00′00″"), ("0.00″", "0.00″")),
    ],
)
def test_center_and_size_as_text(ring, center, size):
    chart = build_chart(ring)
    assert (chart.center_ra, chart.center_dec) == center
    assert (chart.width, chart.height) == size


@pytest.mark.parametrize("ring", [build_ring(0.01, -10, 0.4, 0.4), build_ring(359.99, 89.9, 0.5, 0.5)])
def test_ra_0_is_no_seam(ring):
    chart = build_chart(ring)
    assert np.ptp(points_of(chart.footprints[0]), axis=0) == pytest.approx(SIDE * 0.62, rel=0.01)


def test_labels_count_through_ra_0():
    assert texts_of(build_chart(build_ring(0, -10.25, 0.4, 0.4))) == {
        *("00h01m", "00h00m", "23h59m"),
        *("−10°00′", "−10°10′", "−10°20′", "−10°30′"),
    }


def test_meridians_fan_out_from_a_pole():
    chart = build_chart(build_ring(40, 89.9, 0.5, 0.5))
    meridians = [points for points in map(points_of, chart.grid) if len(points) == 2]
    assert len(meridians) == 8
    assert {"03h", "06h", "09h", "12h", "15h", "21h"} <= texts_of(chart)
    for one, other in pairwise(meridians):
        assert min(np.hypot(*(a - b)) for a in one for b in other) < 0.1


@pytest.mark.parametrize("dec_deg", [-90, -45, 0, 70, 89])
@pytest.mark.parametrize("size_deg", [1 / 3600, 0.01, 0.43, 1.7, 20, 80])
def test_grid_is_readable_at_every_scale(size_deg, dec_deg):
    chart = build_chart(build_ring(123.456, dec_deg, size_deg, size_deg))
    assert 3 <= len(chart.grid) <= 25
    assert len(chart.labels) >= 3
    assert len(texts_of(chart)) == len(chart.labels)
    for label in chart.labels:
        assert 0 <= label.x <= SIDE
        assert 0 <= label.y <= SIDE
    assert all(np.isfinite(points_of(path)).all() for path in chart.grid)


@pytest.mark.parametrize(("height_deg", "bar_text"), [(26 / 60, "10′"), (10, "2°"), (30 / 3600, "10″")])
def test_scale_bar_is_as_long_as_it_says(height_deg, bar_text):
    chart = build_chart(build_ring(40, 10, height_deg, height_deg))
    degrees = float(bar_text[:-1]) / {"°": 1, "′": 60, "″": 3600}[bar_text[-1]]
    assert chart.scale_bar.text == bar_text
    assert chart.scale_bar.length == pytest.approx(SIDE * 0.62 * degrees / height_deg, rel=0.01)


def test_thin_footprint_spans_the_chart():
    width, height = np.ptp(points_of(build_chart(build_ring(10, 41, 0.2, 0.0001)).footprints[0]), axis=0)
    assert width == pytest.approx(SIDE * 0.62, rel=0.01)
    assert height < 1


def test_field_wider_than_a_hemisphere_is_drawn():
    ring = np.array([(ra, -5.0) for ra in range(0, 361, 10)])
    assert np.isfinite(points_of(build_chart(ring).footprints[0])).all()


def test_template_is_an_accessible_image_that_a_strict_policy_allows():
    chart = build_chart(build_ring(0, 90, 0.4, 0.4))
    markup = TEMPLATES.get_template("frames/_chart.svg.html").render(chart=chart)
    svg = ElementTree.fromstring(markup[markup.index("<svg") :])
    assert svg.get("role") == "img"
    assert svg.get("aria-labelledby").split() == [svg[0].get("id"), svg[1].get("id")]
    assert chart.center_dec in svg[1].text
    assert "style" not in markup
    assert len(svg.findall(".//*[@class='chart-grid']")) == len(chart.grid)
