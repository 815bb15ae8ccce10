"""The smart box: one line that may be an object, a position, a file, a proposal, a request or a night.

Each reading is a search. They are tried in an order, and the first that finds a frame wins, or that is certain: a name
that the archive has, coordinates, an object of the catalogue, a date that is written as one. The others are offered.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import marshmallow as ma

from app.fields import Night, Word
from app.frames.positions import NUMERIC, PositionError, SkyPosition, clean, find_position

Texts = Mapping[str, str]
ANGLE = r"(?P<number>[0-9]+\.?[0-9]*|\.[0-9]+) ?"
UNIT = r"(?P<unit>d|deg|degrees?|°|'|arcmin|\"|''|arcsec)"
#: A text that ends in an angle with its unit: "M42 10'", "83.82 -5.39 r=0.2d".
WITH_RADIUS = re.compile(rf"(?P<place>.*[^ ,;=])[ ,;]+(?:r ?= ?)?{ANGLE}{UNIT}", re.IGNORECASE)
RADIUS = re.compile(f"{ANGLE}{UNIT}?", re.IGNORECASE)
PARTS_OF_A_DEGREE = {"'": 60, "arcmin": 60, '"': 3600, "''": 3600, "arcsec": 3600}
EXTENSION = re.compile(r"(\.(fits|tar))?(\.(fz|gz))?", re.IGNORECASE)
ISO_NIGHT, PLAIN_NIGHT = re.compile(r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}"), re.compile(r"[12][0-9]{7}")
LONGEST_NUMBER = 18  # digits
SHORTEST_PART = 3  # characters of a basename


@dataclass(frozen=True)
class Reading:
    """One way to read the box.

    Attributes
    ----------
    kind, value
        What the input is taken for, and what it then says, in words.
    search
        The parameters of an address that make this search.
    is_certain
        Whether it wins even if it should find nothing.
    """

    kind: str
    value: str
    search: Texts
    is_certain: bool = False
    position: SkyPosition | None = None
    radius: str = ""


@dataclass(frozen=True)
class Box:
    """What was made of an input: the reading that is searched by, the others, and names that it may be a slip of."""

    reading: Reading
    others: tuple[Reading, ...] = ()
    suggestions: tuple[str, ...] = ()


class Archive:
    """What the box asks the archive; both as far as the viewer may see."""

    def __init__(
        self, finds: Callable[[Texts], bool], list_proposals: Callable[[], list[str]], resolver_url: str = ""
    ) -> None:
        self.finds, self.list_proposals, self.resolver_url = finds, list_proposals, resolver_url


def read_box(text: str, archive: Archive) -> Box:
    """Decide what an input asks for.

    Raises
    ------
    marshmallow.ValidationError
        If it is no search; it says what would be one.
    """
    name = " ".join(Word().deserialize(text).split())
    try:
        places, error = list(_read_places(name)), None
    except PositionError as problem:
        places, error = [], problem
    numbers = list(_read_numbers(name))
    readings = [*_read_names(name, archive), *numbers, *places, *_read_parts(name)]
    chosen = next((reading for reading in readings if reading.is_certain or archive.finds(reading.search)), None)
    if chosen is None and NUMERIC.fullmatch(clean(name)) and not numbers:
        raise ma.ValidationError(str(error))
    if chosen is None and archive.resolver_url and not numbers:
        chosen = _resolve(name, archive.resolver_url)
    chosen = chosen or readings[0]
    others = tuple(reading for reading in readings if reading.search != chosen.search)
    return Box(chosen, others, error.suggestions if error and not chosen.is_certain else ())


def _read_names(name: str, archive: Archive) -> Iterator[Reading]:
    """Yield what is the whole name of something in the archive."""
    basename, dot, extension = name.partition(".")
    for whole in dict.fromkeys((name, basename if EXTENSION.fullmatch(dot + extension) else name)):
        search = {"basename_exact": whole}
        if " " not in whole and archive.finds(search):
            yield Reading("frame", whole, search, is_certain=True)
    for proposal in archive.list_proposals():
        if proposal and proposal.lower() == name.lower():
            yield Reading("proposal", proposal, {"proposal_id": proposal}, is_certain=True)


def _read_numbers(name: str) -> Iterator[Reading]:
    """Yield what is written as a date or a number."""
    is_iso = bool(ISO_NIGHT.fullmatch(name))
    if is_iso or PLAIN_NIGHT.fullmatch(name):
        try:
            night = Night().deserialize(name).isoformat()
            yield Reading("night", night, {"dayobs": night}, is_certain=is_iso)
        except ma.ValidationError:  # such as 20261350: a number
            pass
    if re.fullmatch(rf"[0-9]{{1,{LONGEST_NUMBER}}}", name):
        yield Reading("request", name, {"request_id": name})
        yield Reading("observation", name, {"observation_id": name})


def _read_places(name: str, resolver_url: str = "") -> Iterator[Reading]:
    """Yield a place with a radius, or without one, or both where the end may be a part of a declination."""
    ways, errors = list_ways(clean(name)), []
    for place, radius in ways:
        try:
            position = find_position(place, resolver_url)
        except PositionError as error:
            errors.append(error)
            continue
        kind = "position" if position.source in {"decimal", "sexagesimal"} else "object"
        search = {"position": place} | ({"radius": radius} if radius else {})
        yield Reading(kind, position.label, search, True, position, radius)
    if len(errors) == len(ways):
        raise errors[0]


def list_ways(written: str) -> list[tuple[str, str]]:
    """List the ways to read a text, a cleaned one, as a place and a radius in degrees, or '': the likelier first."""
    ways = [(written, "")]
    if matched := WITH_RADIUS.fullmatch(written):
        place = matched["place"]
        is_odd = NUMERIC.fullmatch(place) and len(re.findall(r"[0-9.]+", place)) % 2  # half a declination's parts
        ways.insert(1 if is_odd else 0, (place, f"{_to_degrees(matched):.6g}"))
    return ways


def read_radius(written: str) -> float:
    """Read an angle, in degrees where it has no unit.

    Raises
    ------
    ValueError
        If it is none.
    """
    matched = RADIUS.fullmatch(written)
    if not matched:
        raise ValueError(f"“{written}” is no radius: write degrees, or a unit behind it (10', 30\").")
    return _to_degrees(matched)


def _to_degrees(matched: re.Match[str]) -> float:
    return float(matched["number"]) / PARTS_OF_A_DEGREE.get((matched["unit"] or "").lower(), 1)


def _read_parts(name: str) -> Iterator[Reading]:
    yield Reading("target", name, {"target_name": name})
    if " " not in name and len(name) >= SHORTEST_PART:
        yield Reading("part of a file's name", name, {"basename": name})


def _resolve(name: str, resolver_url: str) -> Reading | None:
    """Ask the resolver, which is not asked for what the archive itself knows."""
    try:
        return next(_read_places(name, resolver_url))
    except PositionError:
        return None
