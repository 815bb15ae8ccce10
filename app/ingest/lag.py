"""How long files took from their arrival to the archive, site by site: the numbers, and what the chart draws."""

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Where the chart has a line: seconds, and how they are written. What is beyond the first or the last is drawn there.
LAG_TICKS = ((0.1, "0.1 s"), (1, "1 s"), (10, "10 s"), (60, "1 min"), (600, "10 min"), (3600, "1 h"), (36000, "10 h"))
SMALLEST_RANGE_S = 60
BIN_S = 900  # 96 in a day: however many files came, a site's chart has no more marks
HOUR_S = 3600
HOURS_BETWEEN_TICKS = 6

Floats = NDArray[np.float64]


class Arrival(NamedTuple):
    """One file that was archived."""

    site: str
    finished_s: float  # since 1970, UTC
    lag_s: float
    size: int | None  # bytes


@dataclass(frozen=True)
class HourOfLag:
    """The files of a site that were archived within an hour."""

    begin: dt.datetime
    frames: int
    median_s: float
    longest_s: float


@dataclass(frozen=True)
class SiteLag:
    """What a site sent, how long that took, and the marks of its chart.

    Attributes
    ----------
    ranges
        SVG path: for each quarter of an hour a line from the shortest lag to the longest.
    medians
        SVG path: for each quarter of an hour a point.
    """

    site: str
    frames: int
    last: dt.datetime
    median_s: float
    p95_s: float
    longest_s: float
    hours: tuple[HourOfLag, ...]
    ranges: str
    medians: str


@dataclass(frozen=True)
class Tick:
    """A line of the chart: its text, and where it is, in percent from the left or from the top."""

    text: str
    place: float


@dataclass(frozen=True)
class LagChart:
    """The charts of all sites, which have the same axes: time to the right, the logarithm of the lag upwards.

    Lengths of the paths are percent of the plot's width and height.
    """

    lag_ticks: tuple[Tick, ...]
    time_ticks: tuple[Tick, ...]
    sites: tuple[SiteLag, ...]


def build_lag_chart(arrivals: Iterable[Arrival], begin: dt.datetime, end: dt.datetime) -> LagChart:
    """Draw what was archived between two times, both aware UTC."""
    by_site: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for arrival in arrivals:
        by_site[arrival.site].append((arrival.finished_s, arrival.lag_s))
    sites = {site: np.array(sorted(by_site[site])) for site in sorted(by_site)}
    longest_s = max((found[:, 1].max() for found in sites.values()), default=0.0)
    axes = _Axes(begin.timestamp(), end.timestamp(), _find_top(longest_s))
    return LagChart(
        tuple(Tick(text, axes.up(lag_s)) for lag_s, text in LAG_TICKS if lag_s <= axes.top_s),
        tuple(Tick(f"{hour:%H:%M}", axes.along(hour.timestamp())) for hour in _list_hours(begin, end)),
        tuple(_sum_up(site, found[:, 0], found[:, 1], axes) for site, found in sites.items()),
    )


@dataclass(frozen=True)
class _Axes:
    begin_s: float
    end_s: float
    top_s: float

    def along(self, time_s: float) -> float:
        return round(100 * (time_s - self.begin_s) / (self.end_s - self.begin_s), 2)

    def up(self, lag_s: float) -> float:
        bottom_s = LAG_TICKS[0][0]
        clipped_s = min(max(lag_s, bottom_s), self.top_s)
        return round(100 - 100 * math.log(clipped_s / bottom_s) / math.log(self.top_s / bottom_s), 2)


def _find_top(longest_s: float) -> float:
    return next((tick for tick, _ in LAG_TICKS if tick >= max(longest_s, SMALLEST_RANGE_S)), LAG_TICKS[-1][0])


def _list_hours(begin: dt.datetime, end: dt.datetime) -> Iterator[dt.datetime]:
    """Yield 0, 6, 12 and 18 h of each day in [begin, end)."""
    hour = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    while hour < end:
        if hour >= begin:
            yield hour
        hour += dt.timedelta(hours=HOURS_BETWEEN_TICKS)


def _sum_up(site: str, finished_s: Floats, lags_s: Floats, axes: _Axes) -> SiteLag:
    median_s, p95_s = np.percentile(lags_s, (50, 95)).tolist()
    hours = _part(finished_s, lags_s, axes.begin_s // HOUR_S * HOUR_S, HOUR_S)
    bins = [(axes.along(begin_s + BIN_S / 2), lags) for begin_s, lags in _part(finished_s, lags_s, axes.begin_s, BIN_S)]
    return SiteLag(
        site,
        len(lags_s),
        _to_time(finished_s[-1]),
        median_s,
        p95_s,
        float(lags_s.max()),
        tuple(_sum_up_hour(*hour) for hour in hours),
        "".join(f"M{x} {axes.up(lags.min())}V{axes.up(lags.max())}" for x, lags in bins),
        "".join(f"M{x} {axes.up(np.median(lags))}h0" for x, lags in bins),
    )


def _sum_up_hour(begin_s: float, lags_s: Floats) -> HourOfLag:
    return HourOfLag(_to_time(begin_s), len(lags_s), float(np.median(lags_s)), float(lags_s.max()))


def _part(finished_s: Floats, lags_s: Floats, begin_s: float, step_s: float) -> Iterator[tuple[float, Floats]]:
    """Yield the beginning of each step in which something was archived, and the lags of that; times are sorted."""
    numbers, firsts = np.unique((finished_s - begin_s) // step_s, return_index=True)
    for number, lags in zip(numbers.tolist(), np.split(lags_s, firsts[1:]), strict=True):
        yield begin_s + number * step_s, lags


def _to_time(time_s: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(time_s, dt.UTC)
