"""A list of targets as people have it, pasted or as a file: each line becomes a place, a name and a radius, in words.

Without a line that names the columns, a line is a name, a position, `name, ra, dec`, or one of these and a radius.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from app.frames.box import PARTS_OF_A_DEGREE, list_ways, read_radius
from app.frames.positions import NUMERIC, PositionError, clean, find_position

MOST_TARGETS = 1000
MOST_COLUMNS = 4  # of a list that does not name them
LONGEST_LINE = 1000  # characters
DELIMITERS = "\t;|,"
HOW = "write a name, a position, or name, ra, dec, and a radius if it shall have its own"
#: What columns are called, without all but letters.
COLUMNS: Mapping[str, str] = {
    **dict.fromkeys(("name", "target", "targetname", "object", "objectname", "id", "source", "mainid", "star"), "name"),
    **dict.fromkeys(("ra", "raj", "radeg", "rajdeg", "raicrs", "rightascension", "alpha"), "ra"),
    **dict.fromkeys(("dec", "de", "dej", "decj", "decdeg", "dejdeg", "deicrs", "decicrs", "declination"), "dec"),
    **dict.fromkeys(("delta", "decl"), "dec"),
    **dict.fromkeys(("position", "coordinates", "coords", "coord"), "position"),
    **dict.fromkeys(("radius", "radiusdeg", "radiusarcmin", "radiusarcsec"), "radius"),
}
DECIMAL_COMMA = re.compile(r"([-+]?[0-9]+),([0-9]+)")
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class ListError(ValueError):
    """A list of which nothing can be used: the message says why, and the mend."""


@dataclass(frozen=True)
class Line:
    """A target as it stands in a list.

    Attributes
    ----------
    number
        Of its line, from 1.
    name
        What the list calls it, if that is not what says where it is.
    place
        A position, or the name of an object.
    radius
        Its own, in degrees; None: it has none.
    fault
        Why the line can't be read.
    """

    number: int
    text: str
    name: str = ""
    place: str = ""
    radius_deg: float | None = None
    fault: str = ""


def decode(content: bytes) -> str:
    """Return the text of a file: UTF-8 or UTF-16 if it says so, else Latin-1.

    Raises
    ------
    ListError
        If it is no text.
    """
    try:
        if content.startswith(UTF_16_MARKS):
            return content.decode("utf-16")
        if b"\x00" in content:
            raise ListError("This file is no text. Save the table as CSV, and send that.")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def read_list(text: str) -> list[Line]:
    """Read a list; lines that are empty, or begin with #, are passed over.

    Raises
    ------
    ListError
        If there is no target in it, or too many, or if its columns say no position.
    """
    lines = [(number, line.strip()) for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    header = _find_header(lines[0][1]) if lines else None
    lines = lines[1:] if header else lines
    if not lines:
        raise ListError(f"The list is empty: {HOW}, one target a line.")
    if len(lines) > MOST_TARGETS:
        raise ListError(f"A list has at most {MOST_TARGETS:,} targets, this one has {len(lines):,}: send it in parts.")
    return [_read_line(number, line, header) for number, line in lines]


@dataclass(frozen=True)
class _Header:
    """The line that names the columns: what each holds ('': nothing of ours), and how they are parted."""

    names: Sequence[str]
    delimiter: str
    parts_of_a_degree: float  # in which radii are given


def _find_header(line: str) -> _Header | None:
    delimiter = _find_delimiter(line)
    cells = [cell.lower() for cell in _split(line, delimiter)]
    names = [COLUMNS.get(re.sub("[^a-z]", "", re.sub(r"\(.*\)|\[.*\]|j?2000", "", cell)), "") for cell in cells]
    if not any(names) or any(cell[:1].isdigit() for cell in cells):
        return None
    if ("ra" in names) != ("dec" in names):
        missing = "dec" if "ra" in names else "ra"
        raise ListError(f"The list has the columns {', '.join(filter(None, cells))}: there is no {missing} among them.")
    if not {"ra", "position", "name"} & {*names}:
        return None
    (radius,) = [cell for cell, name in zip(cells, names, strict=True) if name == "radius"][:1] or [""]
    unit = next((unit for unit in ("arcmin", "arcsec") if unit in radius), "")
    return _Header(names, delimiter, PARTS_OF_A_DEGREE.get(unit, 1))


def _find_delimiter(line: str) -> str:
    return next((delimiter for delimiter in DELIMITERS if delimiter in line), ",")


def _split(line: str, delimiter: str) -> list[str]:
    """Split a line; a cell may stand between quotation marks. Where commas part nothing, they may be decimal."""
    (cells,) = csv.reader([line], delimiter=delimiter, skipinitialspace=True)
    stripped = [cell.strip() for cell in cells]
    return stripped if delimiter == "," else [DECIMAL_COMMA.sub(r"\1.\2", cell) for cell in stripped]


def _read_line(number: int, text: str, header: _Header | None) -> Line:
    """Read one line; what is wrong with it is said in it."""
    line = Line(number, text[:LONGEST_LINE])
    try:
        if len(text) > LONGEST_LINE:
            raise ValueError(f"A line has at most {LONGEST_LINE:,} characters, this one has {len(text):,}.")
        delimiter = header.delimiter if header else _find_delimiter(text)
        cells = [clean(cell) if cell else "" for cell in _split(text, delimiter)]
        return _read_named(line, cells, header) if header else _read_cells(line, cells)
    except ValueError as error:
        return replace(line, fault=str(error))


def _read_named(line: Line, cells: Sequence[str], header: _Header) -> Line:
    """Read cells by the names of their columns."""
    found: dict[str, str] = {}
    for name, cell in zip(header.names, cells, strict=False):
        found.setdefault(name, cell)
    place = found.get("position") or f"{found.get('ra', '')} {found.get('dec', '')}".strip()
    if not place:
        place = found.get("name", "")
    if not place:
        raise ValueError("This line has neither a name nor a position.")
    line = replace(line, place=place, name=found.get("name", "") if place != found.get("name") else "")
    if not found.get("radius"):
        return line
    return replace(line, radius_deg=read_radius(found["radius"]) / header.parts_of_a_degree)


def _read_cells(line: Line, cells: Sequence[str]) -> Line:
    """Read cells by how many they are, and what they look like."""
    while cells and not cells[-1]:
        cells = cells[:-1]
    match cells:
        case [one]:
            return _read_one(line, one)
        case [first, second] if _is_position(f"{first} {second}"):
            return replace(line, place=f"{first} {second}")
        case [name, second] if _is_position(second):
            return replace(line, name=name, place=second)
        case [place, radius]:
            return replace(line, place=place, radius_deg=read_radius(radius))
        case [name, ra, dec] if _is_position(f"{ra} {dec}"):
            return replace(line, name=name, place=f"{ra} {dec}")
        case [first, second, radius] if _is_position(f"{first} {second}"):
            return replace(line, place=f"{first} {second}", radius_deg=read_radius(radius))
        case [name, ra, dec, radius]:
            return replace(line, name=name, place=f"{ra} {dec}", radius_deg=read_radius(radius))
    if len(cells) > MOST_COLUMNS:
        raise ValueError(f"This line has {len(cells)} columns: {HOW}, or begin the list with a line that names them.")
    raise ValueError(f"This line can't be read: {HOW}.")


def _read_one(line: Line, text: str) -> Line:
    """Read a line that no delimiter parts: a place, with its radius behind it or its name before it."""
    for place, radius in list_ways(text):
        if radius and (not NUMERIC.fullmatch(place) or _is_position(place)):
            return replace(line, place=place, radius_deg=float(radius))
    for name, place in _part_name(text.split()):
        if _is_position(place):
            return replace(line, name=name, place=place)
    return replace(line, place=text)


def _part_name(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the ways to part a name from the position behind it."""
    if not NUMERIC.fullmatch(" ".join(words)):
        for length in (6, 2):
            if len(words) > length:
                yield " ".join(words[:-length]), " ".join(words[-length:])


def _is_position(text: str) -> bool:
    """Say whether a text is a position in numbers."""
    if not NUMERIC.fullmatch(text):
        return False
    try:
        find_position(text)
    except PositionError:
        return False
    return True
