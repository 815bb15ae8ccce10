"""A made-up catalogue of any size, with the shapes that make searches of a real one hard.

Half of the frames are raw, half reduced; ids follow the time of arrival. Targets and proposals follow Zipf's law: a few
have much, most have little. A request is five exposures of one target. Science is public after a year, calibrations at
once, and some proposals never are, so that the newest public science hides behind a year of proprietary frames. It is
the same for the same size, seed and end.
"""

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bench.observatory import (
    CALIBRATIONS,
    DARK_S,
    EXPOSURE_SHARES,
    EXPOSURE_TIMES_S,
    FILTERS,
    INSTRUMENTS,
    KINDS,
    PROPOSALS,
    SITE_LONGITUDES,
    TARGETS,
    number_of,
)

Ints, Floats, Flags = NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]

DAY_S, YEAR_S = 86_400, 365 * 86_400
YEARS = 8
CENTURY_S = 100 * YEAR_S
HIDDEN_SHARE = 0.15  # of all frames
FILTER_POWER = 0.8
LARGEST_PROPOSALS = 3  # which are never hidden
IS_SCIENCE = np.array([kind.is_science for kind in KINDS])


@dataclass(frozen=True)
class Exposures:
    """What was taken, an array each: numbers are places in the lists of a `Catalogue`."""

    kind: Ints
    block: Ints
    instrument: Ints
    target: Ints  # -1: none
    proposal: Ints
    element: Ints  # the filter
    exposure_s: Floats
    begin_s: Floats  # Unix time
    night: Ints  # days since 1970
    sequence: Ints  # in its night, of its instrument

    @property
    def is_science(self) -> Flags:
        return IS_SCIENCE[self.kind]


class Catalogue:
    """What was taken, as arrays by exposure and by frame; `bench.catalogue_rows` makes rows of it.

    Parameters
    ----------
    size
        Frames; rounded down to an even number.
    end
        When the last was taken; the first was `YEARS` before.
    seed
        Of the random numbers.
    """

    def __init__(self, size: int, end: dt.datetime, seed: int = 1) -> None:
        self.size = size - size % 2
        self.end_s = end.timestamp()
        self._random = np.random.default_rng(seed)
        self.telescope_of_instrument: Ints = np.arange(INSTRUMENTS) // 2
        self.side_deg: Floats = self._random.uniform(0.1, 0.5, INSTRUMENTS)  # of a footprint
        self.rotation: Floats = np.radians(self._random.uniform(-3, 3, INSTRUMENTS))
        self.target_ra_deg: Floats = self._random.uniform(0, 360, TARGETS)
        self.target_dec_deg: Floats = np.degrees(np.arcsin(self._random.uniform(-1, 1, TARGETS)))
        self.exposures = self._expose()
        self.public_s = self._release()
        self._arrive()
        self.related_ids = self._relate()

    @cached_property
    def site_of_instrument(self) -> Ints:
        return self.telescope_of_instrument % len(SITE_LONGITUDES)

    def _expose(self) -> Exposures:
        """Draw blocks, such as a request's five exposures, and take the exposures of each."""
        random, total = self._random, self.size // 2
        blocks = np.repeat(np.arange(len(KINDS)), [int(kind.share * total / kind.block) + 1 for kind in KINDS])
        is_science = IS_SCIENCE[blocks]
        begin_s = random.uniform(self.end_s - YEARS * YEAR_S, self.end_s - DAY_S, len(blocks))
        busy = random.uniform(0.5, 1.5, INSTRUMENTS)
        instrument = random.choice(INSTRUMENTS, len(blocks), p=busy / busy.sum())
        target = np.where(is_science, _draw_by_zipf(random, TARGETS, len(blocks)), -1)
        proposal = np.where(is_science, 1 + _draw_by_zipf(random, PROPOSALS - 1, len(blocks)), 0)
        exposure_s = random.choice(EXPOSURE_TIMES_S, len(blocks), p=EXPOSURE_SHARES).astype(float)
        exposure_s[blocks == number_of("BIAS")] = 0
        exposure_s[blocks == number_of("DARK")] = DARK_S
        element = _draw_by_zipf(random, len(FILTERS), len(blocks), FILTER_POWER)
        is_cycle = (blocks == number_of("EXPOSE")) & (random.random(len(blocks)) < 0.5)

        of_block = np.repeat(np.arange(len(blocks)), [KINDS[kind].block for kind in blocks])
        of_block = of_block[np.sort(random.permutation(len(of_block))[:total])]
        place = np.arange(total) - np.searchsorted(of_block, of_block)
        times_s = np.round(begin_s[of_block] + place * (exposure_s[of_block] + 30) + random.random(total), 3)
        instruments = instrument[of_block]
        longitudes = np.array(list(SITE_LONGITUDES.values()))[self.site_of_instrument[instruments]]
        night = ((times_s + (longitudes / 15 - 12) * 3600) // DAY_S).astype(np.int64)
        return Exposures(
            kind=blocks[of_block],
            block=of_block,
            instrument=instruments,
            target=target[of_block],
            proposal=proposal[of_block],
            element=np.where(is_cycle[of_block], element[of_block] + place, element[of_block]) % len(FILTERS),
            exposure_s=exposure_s[of_block],
            begin_s=times_s,
            night=night,
            sequence=_number_within(instruments * 100_000 + night, times_s),
        )

    def _release(self) -> Floats:
        """Return the public dates: of some proposals in a century, in such a number that a share of all is hidden."""
        taken = self.exposures
        public_s = taken.begin_s + np.where(taken.is_science, YEAR_S, 0)
        is_recent = public_s > self.end_s
        shares = np.bincount(taken.proposal[~is_recent], minlength=PROPOSALS) / len(public_s)
        drawn = LARGEST_PROPOSALS + self._random.permutation(PROPOSALS - LARGEST_PROPOSALS)
        hidden = drawn[np.cumsum(shares[drawn]) < HIDDEN_SHARE - is_recent.mean()]
        return np.where(np.isin(taken.proposal, hidden), taken.begin_s + CENTURY_S, public_s)

    def _arrive(self) -> None:
        """Put raw and reduced frames in the order in which they arrive, which gives them their ids."""
        taken, total = self.exposures, self.size // 2
        lag_s = np.concatenate([self._random.uniform(300, 900, total), self._random.uniform(4, 8, total) * 3600])
        arrival_s = np.tile(taken.begin_s + taken.exposure_s, 2) + lag_s
        order = np.argsort(arrival_s, kind="stable")
        self.arrival_s, self.exposure_of = arrival_s[order], order % total
        self.is_reduced: Flags = order >= total
        ids = np.empty(self.size, np.int64)
        ids[order] = np.arange(1, self.size + 1)
        self.raw_ids, self.reduced_ids = ids[:total], ids[total:]

    def _relate(self) -> Ints:
        """Return for each exposure what its reduced frame is made from: the raw one, the last calibrations; 0: none."""
        taken = self.exposures
        when = taken.instrument * 1e11 + taken.begin_s
        made_from = [self.raw_ids]
        for names in CALIBRATIONS:
            (found,) = np.nonzero(np.isin(taken.kind, [number_of(name) for name in names]))
            found = found[np.argsort(when[found])]
            last = np.searchsorted(when[found], when, side="right") - 1
            is_there = (last >= 0) & (taken.instrument[found[last]] == taken.instrument) if len(found) else np.False_
            made_from.append(np.where(is_there, self.reduced_ids[found[last]] if len(found) else 0, 0))
        return np.where(taken.is_science[:, None], np.stack(made_from, axis=1), 0)


def _draw_by_zipf(random: np.random.Generator, values: int, size: int, power: float = 1.0) -> Ints:
    """Draw numbers below a limit, each the less often the larger it is."""
    cumulated = np.cumsum(np.arange(1, values + 1) ** -power)
    return np.searchsorted(cumulated / cumulated[-1], random.random(size))


def _number_within(group: Ints, times_s: Floats) -> Ints:
    """Number what belongs together in the order of time, from 1."""
    order = np.lexsort((times_s, group))
    is_first = np.r_[True, np.diff(group[order]) != 0]
    places = np.arange(len(order))
    numbers = np.empty(len(order), np.int64)
    numbers[order] = places - np.maximum.accumulate(np.where(is_first, places, 0)) + 1
    return numbers
