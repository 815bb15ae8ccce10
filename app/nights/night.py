"""A night as its page shows it: telescope by telescope what was taken, along time, with its gaps and its lag."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from app.frames.visibility import is_public
from app.nights.queries import NightFrame

HOUR = dt.timedelta(hours=1)
SHORTEST_GAP = dt.timedelta(minutes=15)
#: A bar of the chart is no narrower than this, in percent of its width: a bias is seen, too.
NARROWEST = 0.12
RAW = 0


@dataclass(frozen=True)
class Gap:
    """A time in which a telescope took nothing."""

    begin: dt.datetime
    end: dt.datetime

    @property
    def length(self) -> dt.timedelta:
        return self.end - self.begin


@dataclass(frozen=True)
class TelescopeNight:
    """What a telescope took.

    Attributes
    ----------
    frames
        How many, whatever their level; `types` counts the raw ones by their type.
    first, last
        When the first exposure began, and the last ended.
    exposed
        The time for which the shutter was open.
    bars
        SVG paths, by type: lengths are percent of the chart's width and of the telescope's line.
    median_lag_s, p95_lag_s
        From the end of a raw frame's exposure until it came in.
    """

    site: str
    telescope: str
    frames: int
    types: Mapping[str, int]
    first: dt.datetime
    last: dt.datetime
    exposed: dt.timedelta
    gaps: Sequence[Gap]
    bars: Mapping[str, str]
    median_lag_s: float | None
    p95_lag_s: float | None


@dataclass(frozen=True)
class Proprietary:
    """The frames of a night that are not public yet.

    Attributes
    ----------
    first, last
        The days on which the first and the last become public; None if none has such a day.
    undated
        How many have none.
    """

    frames: int
    first: dt.date | None
    last: dt.date | None
    undated: int


@dataclass(frozen=True)
class Night:
    """A whole night.

    Attributes
    ----------
    ticks
        Full hours, and where they stand: percent of the chart's width.
    proprietary
        None if all of it is public.
    """

    telescopes: Sequence[TelescopeNight]
    ticks: Sequence[tuple[dt.datetime, float]]
    proprietary: Proprietary | None = None

    @property
    def frames(self) -> int:
        return sum(telescope.frames for telescope in self.telescopes)


class Axis:
    """Time along a chart, from one full hour to another."""

    def __init__(self, first: dt.datetime, last: dt.datetime) -> None:
        self.begin = first.replace(minute=0, second=0, microsecond=0)
        hours = max(-((self.begin - last) // HOUR), 1)
        self._length = hours * HOUR

    def find_place(self, time: dt.datetime) -> float:
        return 100 * ((time - self.begin) / self._length)

    def list_ticks(self) -> Iterator[tuple[dt.datetime, float]]:
        """Yield the hours that have a line: not more than about a dozen."""
        hours = self._length // HOUR
        for hour in range(0, hours + 1, max(1, -(-hours // 12))):
            time = self.begin + hour * HOUR
            yield time, self.find_place(time)


def build_night(frames: Sequence[NightFrame]) -> Night:
    """Return the night of some frames, in the order in which they were taken.

    What was made of raw frames is counted, but is neither drawn nor timed: it has the times of its raw frames.
    """
    if not frames:
        return Night((), ())
    axis = Axis(frames[0].observation_date, max(map(_find_end, frames)))
    by_telescope = defaultdict(list)
    for frame in frames:
        by_telescope[frame.site_id, frame.telescope_id].append(frame)
    telescopes = [_build_telescope(*names, taken, axis) for names, taken in sorted(by_telescope.items())]
    return Night(telescopes, tuple(axis.list_ticks()), _find_proprietary(frames))


def _build_telescope(site: str, telescope: str, frames: Sequence[NightFrame], axis: Axis) -> TelescopeNight:
    raw = [frame for frame in frames if frame.reduction_level == RAW] or frames
    lags_s = [(frame.created - _find_end(frame)).total_seconds() for frame in raw]
    return TelescopeNight(
        site=site,
        telescope=telescope,
        frames=len(frames),
        types=Counter(frame.configuration_type for frame in raw),
        first=raw[0].observation_date,
        last=max(map(_find_end, raw)),
        exposed=sum((_find_end(frame) - frame.observation_date for frame in raw), dt.timedelta()),
        gaps=tuple(_find_gaps(raw)),
        bars=_draw_bars(raw, axis),
        median_lag_s=median(lags_s),
        p95_lag_s=quantiles(lags_s, n=20)[-1] if len(lags_s) > 1 else lags_s[0],
    )


def _find_proprietary(frames: Iterable[NightFrame]) -> Proprietary | None:
    dates = [frame.public_date for frame in frames if not is_public(frame.public_date)]
    days = sorted(date.date() for date in dates if date)
    first, last = (days[0], days[-1]) if days else (None, None)
    return Proprietary(len(dates), first, last, len(dates) - len(days)) if dates else None


def _find_end(frame: NightFrame) -> dt.datetime:
    return frame.observation_date + dt.timedelta(seconds=max(frame.exposure_time or 0.0, 0.0))


def _find_gaps(frames: Iterable[NightFrame]) -> Iterator[Gap]:
    """Yield the times between two exposures that are long enough to be asked about."""
    end = None
    for frame in frames:
        if end and frame.observation_date - end >= SHORTEST_GAP:
            yield Gap(end, frame.observation_date)
        end = max(filter(None, (end, _find_end(frame))))


def _draw_bars(frames: Iterable[NightFrame], axis: Axis) -> dict[str, str]:
    """Draw the exposures; those that touch each other are one bar."""
    spans: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for frame in frames:
        begin = axis.find_place(frame.observation_date)
        end = max(axis.find_place(_find_end(frame)), begin + NARROWEST)
        drawn = spans[frame.configuration_type]
        if drawn and begin <= drawn[-1][1]:
            drawn[-1] = drawn[-1][0], max(end, drawn[-1][1])
        else:
            drawn.append((begin, end))
    return {
        name: "".join(f"M{begin:.2f} 0H{end:.2f}V100H{begin:.2f}Z" for begin, end in drawn)
        for name, drawn in spans.items()
    }
