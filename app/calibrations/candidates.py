"""The calibrations of one instrument, as arrays, and which of them suits a frame best."""

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import exists, select

from app.accounts.viewer import Viewer
from app.calibrations.kinds import KIND_OF_TYPE, SAME_S, SAME_SHARE, Kind
from app.frame_columns.conditions import Condition, in_groups
from app.frame_columns.names import Numbers
from app.frame_columns.queries import select_frames
from app.frame_columns.times import EPOCH, MICROSECOND, to_microseconds
from app.frames.models import Frame, Version
from app.frames.visibility import visible_to
from app.reading import read

FARTHEST = dt.timedelta(days=365)
#: Within these days a reduced calibration comes before a raw one, and a dark as long as the frame before another.
NEAR = dt.timedelta(days=7)
MOST_BESIDE = 500  # that are looked at before a frame, and after it
ARRAYS = ("observed", "exposure_time", "configuration_type", "primary_optical_element", "reduction_level")


class Instrument(NamedTuple):
    """An instrument where it is: the same at another telescope has other flats."""

    site_id: str
    telescope_id: str
    instrument_id: str


@dataclass(frozen=True)
class Candidates:
    """Calibrations: by columns, an array each; times are microseconds since 1970."""

    ids: Numbers
    observed: Numbers
    exposure_s: Numbers  # negative: unknown
    types: Numbers
    elements: Numbers
    levels: Numbers

    @cached_property
    def _chosen(self) -> dict[tuple[Kind, str], Numbers]:
        return {}

    def rank(self, kind: Kind, frame: Any, number: int) -> list[int]:
        """Return the ids of those of a kind that suit a frame's row best, the best first.

        What is near in time comes before what is far, and is in this order: of the same exposure time, then of the
        next longer one, then of a shorter one (where that matters); reduced before raw; then by time.
        """
        time = to_microseconds(frame.observation_date)
        places = self._find_near(kind, frame.primary_optical_element if kind.same_element else "", time)
        places = places[self.ids[places] != frame.id]
        apart = abs(self.observed[places] - time)
        is_far = apart > NEAR // MICROSECOND
        classes, lengths = np.zeros(len(places)), np.zeros(len(places))
        if kind.same_exposure and frame.exposure_time is not None:
            classes, lengths = _compare(self.exposure_s[places], frame.exposure_time)
        is_raw = (self.levels[places] <= 0) & ~is_far
        first = np.lexsort((self.ids[places], apart, is_raw, lengths, classes, is_far))[:number]
        ranked: list[int] = self.ids[places][first].tolist()
        return ranked

    def _find_near(self, kind: Kind, element: str, time: int) -> Numbers:
        """Return the places of those nearest in time, of a kind and a filter."""
        if (kind, element) not in self._chosen:
            is_one = np.isin(self.types, kind.types)
            is_one &= (self.elements == element) if kind.same_element else True
            of_kind = np.flatnonzero(is_one)
            self._chosen[kind, element] = of_kind[np.argsort(self.observed[of_kind], kind="stable")]
        chosen = self._chosen[kind, element]
        reach = FARTHEST // MICROSECOND
        first, middle, last = np.searchsorted(self.observed[chosen], (time - reach, time, time + reach + 1))
        return chosen[max(first, middle - MOST_BESIDE) : min(last, middle + MOST_BESIDE)]


def _compare(exposures_s: Numbers, wanted_s: float) -> tuple[Numbers, Numbers]:
    """Return classes of exposures (0: the same; 1: longer; 2: shorter), and what orders those of a class."""
    is_same = abs(exposures_s - wanted_s) <= max(SAME_SHARE * wanted_s, SAME_S)
    classes = np.where(is_same, 0, np.where(exposures_s > wanted_s, 1, 2))
    return classes, np.where(is_same, 0.0, np.where(exposures_s > wanted_s, exposures_s, -exposures_s))


def find_candidates(viewer: Viewer, instrument: Instrument, first: dt.datetime, last: dt.datetime) -> Candidates:
    """Return the calibrations of an instrument that a viewer may see and that may suit frames of some time."""
    begin, end = to_microseconds(first - FARTHEST), to_microseconds(last + FARTHEST)
    condition = Condition(first=begin, last=end) & in_groups("configuration_type", KIND_OF_TYPE)
    for field, value in instrument._asdict().items():
        condition &= in_groups(field, [value])
    selection = select_frames(viewer, condition)
    if selection is None:
        return _find_by_sql(viewer, instrument, begin, end)
    ids, values = selection.read(ARRAYS)
    return Candidates(ids, *(values[name] for name in ARRAYS))


def _find_by_sql(viewer: Viewer, instrument: Instrument, begin: int, end: int) -> Candidates:
    """Find them without the columns, while these are being made."""
    statement = select(Frame.id, *(getattr(Frame, name) for name in ("observation_date", *ARRAYS[1:]))).where(
        Frame.observation_date.between(EPOCH + begin * MICROSECOND, EPOCH + end * MICROSECOND),
        *(getattr(Frame, field) == value for field, value in instrument._asdict().items()),
        Frame.configuration_type.in_(KIND_OF_TYPE),
        visible_to(viewer),
        exists().where(Version.frame_id == Frame.id),
    )
    rows = list(read(statement))
    return Candidates(
        np.array([row.id for row in rows], np.int64),
        np.array([to_microseconds(row.observation_date) for row in rows], np.int64),
        np.array([-1.0 if row.exposure_time is None else row.exposure_time for row in rows]),
        np.array([row.configuration_type for row in rows], object),
        np.array([row.primary_optical_element for row in rows], object),
        np.array([row.reduction_level for row in rows], np.int64),
    )
