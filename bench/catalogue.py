"""A made-up catalogue of any size, with the shapes that make searches of a real one hard.

Half of the frames are raw, half reduced; ids follow the time of arrival. Targets and proposals follow Zipf's law: a few
have much, most have little. A request is five exposures of one target. Science is public after a year, calibrations at
once, and some proposals never are, so that the newest public science hides behind a year of proprietary frames. It is
the same for the same size, seed and end.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints, Floats, Flags = NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]
Row = tuple[Any, ...]

DAY_S, YEAR_S = 86_400, 365 * 86_400
YEARS = 8
CENTURY_S = 100 * YEAR_S
SITE_LONGITUDES = {"coj": 149.1, "cpt": 20.8, "elp": -104.0, "lsc": -70.8, "ogg": -156.3, "tfn": -16.5, "tlv": 34.8}
TELESCOPES, INSTRUMENTS, TARGETS, PROPOSALS = 25, 50, 20_000, 2_000
CALIBRATION = "calibrate"  # the proposal of all calibrations; its number is 0
FILTERS = [
    "rp",
    "ip",
    "gp",
    "V",
    "B",
    "up",
    "zs",
    "w",
    "R",
    "I",
    "U",
    "air",
    "Y",
    "H-Alpha",
    "H-Beta",
    "OIII",
    "SII",
    "Exo",
    "VS",
    "VR",
    "D51",
    "NIR-J",
    "NIR-H",
    "NIR-K",
    "ND",
    "150um",
    "200um",
    "400um",
    "D08",
    "UV",
]
EXPOSURE_TIMES_S = (1, 5, 10, 30, 60, 120, 180, 300, 600, 900)
EXPOSURE_SHARES = (0.04, 0.06, 0.1, 0.2, 0.25, 0.15, 0.08, 0.08, 0.03, 0.01)
HIDDEN_SHARE = 0.15  # of all frames
SECOND_VERSION_SHARE = 0.05
EXTENSION = ".fits.fz"
CHUNK = 100_000  # frames made at a time


class Kind(NamedTuple):
    """A configuration type, and what part of the exposures are of it."""

    name: str
    share: float
    letter: str
    is_science: bool

    @property
    def block(self) -> int:
        """Return how many exposures are taken in a row."""
        return 5 if self.is_science else 10


KINDS = (
    Kind("EXPOSE", 0.55, "e", True),
    Kind("BIAS", 0.15, "b", False),
    Kind("DARK", 0.1, "d", False),
    Kind("SKYFLAT", 0.1, "f", False),
    Kind("GUIDE", 0.03, "g", True),
    Kind("SPECTRUM", 0.025, "p", True),
    Kind("LAMPFLAT", 0.01, "w", False),
    Kind("ARC", 0.01, "a", False),
    Kind("STANDARD", 0.01, "s", True),
    Kind("EXPERIMENTAL", 0.007, "x", True),
    Kind("CATALOG", 0.005, "c", True),
    Kind("TRAILED", 0.003, "t", True),
)
IS_SCIENCE = np.array([kind.is_science for kind in KINDS])
CALIBRATIONS = (("BIAS",), ("DARK",), ("SKYFLAT",), ("LAMPFLAT", "ARC"))  # that a reduced frame is made with

FRAME_COLUMNS = [
    "id",
    "basename",
    "observation_date",
    "observation_day",
    "proposal_id",
    "instrument_id",
    "target_name",
    "target_name_ascii",
    "reduction_level",
    "site_id",
    "telescope_id",
    "exposure_time",
    "primary_optical_element",
    "public_date",
    "configuration_type",
    "observation_id",
    "request_id",
    "area",
    "created",
    "modified",
]
VERSION_COLUMNS = ["id", "frame_id", "key", "md5", "extension", "size", "store_path", "file_fault", "created"]


@dataclass(frozen=True)
class Chunk:
    """Some frames, as rows of the tables; an area is a flat tuple of five (RA, Dec), times are texts."""

    frames: list[Row]
    versions: list[Row]
    headers: list[Row]
    related: list[Row]


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
    """The whole catalogue: small lists of names, arrays of what was taken, and from them rows.

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
        self._make_observatory()
        self._make_programmes()
        self.exposures = self._expose()
        self.public_s = self._release()
        self._arrive()
        self.related_ids = self._relate()

    def make_chunks(self) -> Iterator[Chunk]:
        """Make the rows, the oldest first."""
        for begin in range(0, self.size, CHUNK):
            yield self._make_chunk(begin, min(begin + CHUNK, self.size))

    @cached_property
    def site_of_instrument(self) -> Ints:
        return self._telescope_of_instrument % len(SITE_LONGITUDES)

    def _make_observatory(self) -> None:
        self.sites = list(SITE_LONGITUDES)
        letters = "abcdefghijklmnopqrstuvwxy"
        self.telescopes = [
            f"{('2m0', '1m0', '0m4')[min(n // 2, 2) if n < 6 else 1 + n % 2]}{letters[n]}" for n in range(TELESCOPES)
        ]
        self.instruments = [f"{'fskelxmdcq'[n % 10]}{'aqpbnf'[n % 6]}{n + 1:02}" for n in range(INSTRUMENTS)]
        self._telescope_of_instrument = np.arange(INSTRUMENTS) // 2
        self._side_deg = self._random.uniform(0.1, 0.5, INSTRUMENTS)
        self._rotation = np.radians(self._random.uniform(-3, 3, INSTRUMENTS))

    def _make_programmes(self) -> None:
        self.targets = [_name_target(number) for number in range(TARGETS)]
        self.target_ra_deg = self._random.uniform(0, 360, TARGETS)
        self.target_dec_deg = np.degrees(np.arcsin(self._random.uniform(-1, 1, TARGETS)))
        years = range(2018, 2026)
        self.proposals = [CALIBRATION] + [
            f"{('LCO', 'KEY', 'DDT', 'IAC', 'CON')[n % 5]}{years[n // 5 % 8]}{'AB'[n // 40 % 2]}-{n // 80 + 1:03}"
            for n in range(PROPOSALS - 1)
        ]

    def _expose(self) -> Exposures:
        """Draw blocks, such as a request's five exposures, and take the exposures of each."""
        random, total = self._random, self.size // 2
        blocks = np.repeat(np.arange(len(KINDS)), [int(kind.share * total / kind.block) + 1 for kind in KINDS])
        is_science = IS_SCIENCE[blocks]
        begin_s = random.uniform(self.end_s - YEARS * YEAR_S, self.end_s - DAY_S, len(blocks))
        instrument = random.integers(INSTRUMENTS, size=len(blocks))
        target = np.where(is_science, _draw_by_zipf(random, TARGETS, len(blocks)), -1)
        proposal = np.where(is_science, 1 + _draw_by_zipf(random, PROPOSALS - 1, len(blocks)), 0)
        exposure_s = random.choice(EXPOSURE_TIMES_S, len(blocks), p=EXPOSURE_SHARES).astype(float)
        exposure_s[blocks == _number("BIAS")] = 0
        element = _draw_by_zipf(random, len(FILTERS), len(blocks))
        is_cycle = is_science & (random.random(len(blocks)) < 0.5)

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
        drawn = 3 + self._random.permutation(PROPOSALS - 3)  # never one of the largest
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
            (found,) = np.nonzero(np.isin(taken.kind, [_number(name) for name in names]))
            found = found[np.argsort(when[found])]
            last = np.searchsorted(when[found], when, side="right") - 1
            is_there = (last >= 0) & (taken.instrument[found[last]] == taken.instrument) if len(found) else np.False_
            made_from.append(np.where(is_there, self.reduced_ids[found[last]] if len(found) else 0, 0))
        return np.where(taken.is_science[:, None], np.stack(made_from, axis=1), 0)

    def _make_chunk(self, begin: int, end: int) -> Chunk:
        taken, of = self.exposures, self.exposure_of[begin:end]
        ids = range(begin + 1, end + 1)
        levels = np.where(self.is_reduced[begin:end], 91, 0).tolist()
        kinds = [KINDS[kind] for kind in taken.kind[of]]
        observed, released, arrived = map(_to_text, (taken.begin_s[of], self.public_s[of], self.arrival_s[begin:end]))
        nights = taken.night[of].astype("datetime64[D]").astype(str).tolist()
        instruments = taken.instrument[of]
        telescopes = self._telescope_of_instrument[instruments].tolist()
        sites = [self.sites[site] for site in self.site_of_instrument[instruments]]
        names = [self.instruments[instrument] for instrument in instruments]
        basenames = [
            f"{site}{self.telescopes[telescope][:3]}{telescope + 1:02}-{name}-{night.replace('-', '')}-{number:04}-"
            f"{kind.letter}{level:02}"
            for site, telescope, name, night, number, kind, level in zip(
                sites, telescopes, names, nights, taken.sequence[of].tolist(), kinds, levels, strict=True
            )
        ]
        proposals = [self.proposals[proposal] for proposal in taken.proposal[of]]
        targets = [self.targets[target] if target >= 0 else "" for target in taken.target[of]]
        elements = [FILTERS[element] for element in taken.element[of]]
        exposures_s = taken.exposure_s[of].tolist()
        blocks = taken.block[of].tolist()
        requests = [block + 1_000_000 if kind.is_science else None for block, kind in zip(blocks, kinds, strict=True)]
        areas = self._make_areas(of)
        frames = list(
            zip(
                ids, basenames, observed, nights, proposals, names, targets, map(str.lower, targets), levels, sites,
                (self.telescopes[telescope] for telescope in telescopes), exposures_s, elements, released,
                (kind.name for kind in kinds), (block + 10_000_000 for block in blocks), requests, areas, arrived,
                arrived, strict=True,
            )
        )  # fmt: skip
        headers = [
            (frame_id, _write_header(*cards))
            for frame_id, *cards in zip(
                ids, sites, names, observed, targets, elements, exposures_s, proposals, strict=True
            )
        ]
        return Chunk(frames, self._make_versions(begin, frames), headers, self._list_relations(begin, end))

    def _make_areas(self, of: Ints) -> list[Row | None]:
        """Return a square on the sky for each exposure of a target, near it."""
        taken, random = self.exposures, np.random.default_rng(of[:4])
        target, instrument = taken.target[of], taken.instrument[of]
        offset = np.radians(0.03) * np.sqrt(random.random(len(of))) * np.exp(2j * np.pi * random.random(len(of)))
        half = np.tan(np.radians(self._side_deg[instrument]) / 2) * np.exp(1j * self._rotation[instrument])
        corners = offset[:, None] + half[:, None] * np.array([-1 - 1j, 1 - 1j, 1 + 1j, -1 + 1j, -1 - 1j])
        ra, dec = np.radians(self.target_ra_deg[target])[:, None], np.radians(self.target_dec_deg[target])[:, None]
        x, y = corners.real, corners.imag  # on the tangent plane, to the east and to the north
        along = np.cos(dec) - y * np.sin(dec)
        ra_deg = np.degrees(ra + np.arctan2(x, along)) % 360
        dec_deg = np.degrees(np.arctan2(np.sin(dec) + y * np.cos(dec), np.hypot(x, along)))
        flat = np.stack([ra_deg, dec_deg], axis=2).round(6).reshape(len(of), 10).tolist()
        return [tuple(corner) if number >= 0 else None for corner, number in zip(flat, target.tolist(), strict=True)]

    def _make_versions(self, begin: int, frames: list[Row]) -> list[Row]:
        """Return one version of each frame, and of some a second one; ids leave room for that."""
        random = np.random.default_rng(begin)
        has_second = random.random(len(frames)) < SECOND_VERSION_SHARE
        words = iter(random.bytes(len(frames) * 64).hex(" ", 16).split())
        sizes = random.lognormal(16.3, 0.4, len(frames)).astype(int).tolist()
        rows: list[Row] = []
        for frame, size, is_twice in zip(frames, sizes, has_second.tolist(), strict=True):
            frame_id, arrived = frame[0], frame[-1]
            for number in range(1 + is_twice):
                rows.append(
                    (2 * frame_id + number, frame_id, next(words), next(words), EXTENSION, size, "", "", arrived)
                )
        return rows

    def _list_relations(self, begin: int, end: int) -> list[Row]:
        of, is_reduced = self.exposure_of[begin:end], self.is_reduced[begin:end]
        related = np.where(is_reduced[:, None], self.related_ids[of], 0)
        place, column = np.nonzero(related)
        return list(zip((place + begin + 1).tolist(), related[place, column].tolist(), strict=True))


def _number(name: str) -> int:
    return next(number for number, kind in enumerate(KINDS) if kind.name == name)


def _draw_by_zipf(random: np.random.Generator, values: int, size: int) -> Ints:
    """Draw numbers below a limit, each the less often the larger it is."""
    cumulated = np.cumsum(1 / np.arange(1, values + 1))
    return np.searchsorted(cumulated / cumulated[-1], random.random(size))


def _number_within(group: Ints, times_s: Floats) -> Ints:
    """Number what belongs together in the order of time, from 1."""
    order = np.lexsort((times_s, group))
    is_first = np.r_[True, np.diff(group[order]) != 0]
    places = np.arange(len(order))
    numbers = np.empty(len(order), np.int64)
    numbers[order] = places - np.maximum.accumulate(np.where(is_first, places, 0)) + 1
    return numbers


def _name_target(number: int) -> str:
    """Return a name as astronomers write them, another for each number."""
    letters = "".join(chr(ord("a") + number // power % 26) for power in (676, 26, 1))
    shapes = (
        f"NGC {number}",
        f"HD {number * 31}",
        f"AT20{18 + number % 8}{letters}",
        f"({number * 7}) {letters.title()}",
        f"WASP-{number}{letters[2]}",
        f"SDSS J{number:05}+{number % 60:02}",
        f"20{number % 26:02} {letters.upper()}{number % 300}",
        f"Gaia{18 + number % 8}{letters}",
    )
    return shapes[number % len(shapes)]


def _write_header(
    site: str, instrument: str, observed: str, target: str, element: str, exposure_s: float, proposal: str
) -> str:
    """Return a header as JSON, thinned to ten cards; no text has a sign that JSON would escape."""
    return (
        f'{{"SIMPLE": true, "BITPIX": 16, "NAXIS": 2, "SITEID": "{site}", "INSTRUME": "{instrument}", '
        f'"DATE-OBS": "{observed}", "OBJECT": "{target}", "FILTER": "{element}", "EXPTIME": {exposure_s}, '
        f'"PROPID": "{proposal}"}}'
    )


def _to_text(times_s: Floats) -> list[str]:
    """Write UTC times as both databases read them."""
    microseconds = np.round(times_s * 1000).astype(np.int64) * 1000
    texts: list[str] = np.char.replace(microseconds.astype("datetime64[us]").astype(str), "T", " ").tolist()
    return texts
