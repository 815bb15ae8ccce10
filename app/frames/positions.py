"""The position box: what a person types, degrees or hours or a name, becomes one place on the sky."""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, lru_cache
from typing import Literal, NoReturn
from urllib.parse import quote

import numpy as np
import requests
from pyongc import ongc

LONGEST_TEXT = 200
RESOLVER_TIMEOUT_S = 3.0
FORMS = "RA Dec in degrees (83.82 -5.39) or in hours and degrees (5:35:17.3 -5:23:28)"

# What people write, beside what OpenNGC calls it.
ABBREVIATIONS = {
    "lmc": "Large Magellanic Cloud",
    "smc": "Small Magellanic Cloud",
    "omegacen": "Omega Centauri",
}
CATALOGUES = {
    **{name.lower(): name for name in ("NGC", "IC", "M", "UGC", "PGC", "ESO", "MCG", "LBN", "MWSC")},
    **{"barnard": "B", "caldwell": "C", "collinder": "Cl", "harvard": "H", "hickson": "HCG"},
    **{"melotte": "Mel", "messier": "M"},
}
# "Crab" is enough for the Crab Nebula, as long as nothing else is a Crab.
GENERIC_WORDS = {"nebula", "galaxy", "galaxies", "cluster"}

SIGNS = str.maketrans(
    {
        **dict.fromkeys("−‐‑–—", "-"),
        **dict.fromkeys("º˚", "°"),
        **dict.fromkeys("′’‘", "'"),
        "″": '"',
        "”": '"',
        "_": " ",
    }
)
NUMBER = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
NUMERIC = re.compile(r"[-+]?\.?[0-9](?:[-+0-9.,;:°'\" hmsd]|deg)*", re.IGNORECASE)
# A comma or the sign of Dec parts it from RA; without either, the numbers are counted.
DIVIDER = re.compile(r"[,;]|(?<=[0-9.hmsdg°'\" ])(?=[-+])", re.IGNORECASE)
ANGLE = re.compile(
    rf"(?P<sign>[-+]?) ?(?P<whole>{NUMBER})(?: ?(?P<unit>h|deg|d|°))?"
    rf"(?:(?: ?: ?| |(?<=[hdg°]))(?P<minutes>{NUMBER}) ?[m']?"
    rf"(?:(?: ?: ?| |(?<=[m']))(?P<seconds>{NUMBER}) ?(?:s|\"|'')?)?)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class SkyPosition:
    """A place on the sky: ICRS degrees, and in words what was understood."""

    ra_deg: float
    dec_deg: float
    label: str
    source: Literal["decimal", "sexagesimal", "OpenNGC", "Sesame"]


class PositionError(ValueError):
    """A text that is no position: the message names it and what to write; `suggestions` holds close names."""

    def __init__(self, message: str, suggestions: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.suggestions = suggestions


def find_position(text: str, resolver_url: str = "") -> SkyPosition:
    """Understand a position as people write it.

    Parameters
    ----------
    text
        RA and Dec in decimal degrees; RA in hours and Dec in degrees when sexagesimal; or an object's name.
    resolver_url
        A Sesame service with plain-text answers, asked for names that OpenNGC does not know. The name takes
        the place of ``{name}`` in it, or is appended. Empty: nothing leaves this machine.

    Raises
    ------
    PositionError
        The text is neither; the message names the text and what would do.
    """
    written = clean(text)
    if NUMERIC.fullmatch(written):
        return _parse_coordinates(written)
    return _find_object(written, resolver_url)


def clean(text: str) -> str:
    """Return a text with the signs that we know in place of those that look like them, and single spaces.

    Raises
    ------
    PositionError
        It is empty, or too long.
    """
    if len(text) > LONGEST_TEXT:
        raise PositionError(f"A position has at most {LONGEST_TEXT} characters, this one has {len(text)}.")
    printable = "".join(char if char.isprintable() else " " for char in text)
    written = " ".join(printable.translate(SIGNS).split())
    if not written:
        raise PositionError(f"The position is empty; write {FORMS}, or an object's name.")
    return written


def _parse_coordinates(written: str) -> SkyPosition:
    ra, dec = (_parse_angle(half, written) for half in _split(written))
    in_hours = ra["unit"] == "h" or (not ra["unit"] and bool(ra["minutes"]))
    ra_deg = _to_number(ra) * (15 if in_hours else 1)
    dec_deg = _to_number(dec)
    if not 0 <= ra_deg <= 360:
        raise PositionError(f'"{written}": RA must lie between {"0h and 24h" if in_hours else "0° and 360°"}.')
    if not -90 <= dec_deg <= 90 or dec["unit"] == "h":
        raise PositionError(f'"{written}": Dec must lie between -90° and +90°.')
    is_sexagesimal = in_hours or ra["minutes"] or dec["minutes"]
    label = _format_degrees(ra_deg % 360, dec_deg)
    return SkyPosition(ra_deg % 360, dec_deg, label, "sexagesimal" if is_sexagesimal else "decimal")


def _split(written: str) -> tuple[str, str]:
    halves = [half.strip() for half in DIVIDER.split(written) if half.strip()]
    words = written.split()
    if len(halves) == 1 and len(words) % 2:
        raise PositionError(f'"{written}" is half a position; write {FORMS}.')
    if re.fullmatch(r"(?:[01]?[0-9]|2[0-3]) [0-5]?[0-9]", written):
        raise PositionError(
            f'"{written}" may be the hours and minutes of half a position. '
            f'For whole degrees write "{words[0]} +{words[1]}", else {FORMS}.'
        )
    if len(halves) == 1:
        halves = [" ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :])]
    if len(halves) != 2:
        raise _unreadable(written)
    return halves[0], halves[1]


def _parse_angle(angle: str, written: str) -> dict[str, str]:
    """Take one angle apart; a part that is not written is ''."""
    match = ANGLE.fullmatch(angle.lower())
    if match is None:
        raise _unreadable(written)
    parts = match.groupdict(default="")
    if any(float(parts[name] or 0) >= 60 for name in ("minutes", "seconds")):
        raise PositionError(f'"{written}": minutes and seconds must be less than 60.')
    if (parts["minutes"] and "." in parts["whole"]) or (parts["seconds"] and "." in parts["minutes"]):
        raise PositionError(f'"{written}": only the last part of an angle can have decimals.')
    return parts


def _to_number(parts: dict[str, str]) -> float:
    value = float(parts["whole"]) + float(parts["minutes"] or 0) / 60 + float(parts["seconds"] or 0) / 3600
    return -value if parts["sign"] == "-" else value


def _unreadable(written: str) -> PositionError:
    return PositionError(f'"{written}" is no position that can be read; write {FORMS}.')


def _format_degrees(ra_deg: float, dec_deg: float) -> str:
    ra = f"{ra_deg:.5f}".rstrip("0").rstrip(".")
    dec = f"{dec_deg:+.5f}".rstrip("0").rstrip(".").replace("-", "−")
    return f"{ra}° {dec}°"


@lru_cache(maxsize=1024)  # every page and sort of one search asks for the same name; errors are not kept
def _find_object(name: str, resolver_url: str) -> SkyPosition:
    found = _find_designation(name) or _find_common_name(name)
    if found is None and resolver_url:
        found = _resolve(name, resolver_url)
    if found is None:
        _raise_unknown(name)
    return found


def _find_designation(name: str) -> SkyPosition | None:
    """Look up what a catalogue calls an object: "ngc 1976", "M42", "Barnard 33"."""
    match = re.fullmatch(r"([a-z]+) ?([-+0-9].*)", name.lower())
    if match is None:
        return None
    prefix, number = match.groups()
    found = ongc.get(CATALOGUES.get(prefix, prefix) + number.replace(" ", ""))
    return _to_position(found) if found else None


def _find_common_name(name: str) -> SkyPosition | None:
    full_name = ABBREVIATIONS.get(_to_key(name), name)
    common_name, found = _read_common_names().get(_to_key(full_name), ("", None))
    return _to_position(found, common_name) if found else None


def _to_position(found: ongc.Dso, common_name: str = "") -> SkyPosition:
    designations = [_space(name) for name in (found.identifiers[0], found.name) if name]
    label = " · ".join(dict.fromkeys([common_name] * bool(common_name) + designations))
    if found.rad_coords is None:
        raise PositionError(f"OpenNGC has no position for {label}; write {FORMS}.")
    ra_deg, dec_deg = np.degrees(found.rad_coords)
    return SkyPosition(float(ra_deg), float(dec_deg), label, "OpenNGC")


def _space(name: str) -> str:
    """Write OpenNGC's "NGC0224" as people do, "NGC 224"; the field numbers of ESO keep their zeros."""
    return re.sub(r"^([A-Za-z]+)(?:0+(?=[0-9]+(?:[ A-Z]|$)))?(?=[0-9])", r"\1 ", name)


@cache
def _read_common_names() -> dict[str, tuple[str, ongc.Dso]]:
    """Map the key of each common name, some 200, to the name and its object."""
    names: dict[str, tuple[str, ongc.Dso]] = {}
    keys_by_short_name: dict[str, set[str]] = {}
    for found in ongc.listObjects(withname=True):
        for text in found.identifiers[3]:
            names.setdefault(_to_key(text), (text.removeprefix("the "), found))
            start, _, last_word = text.rpartition(" ")
            if last_word.lower() in GENERIC_WORDS:
                keys_by_short_name.setdefault(_to_key(start), set()).add(_to_key(text))
    unique = {short: names[keys.pop()] for short, keys in keys_by_short_name.items() if len(keys) == 1}
    return unique | names


def _to_key(name: str) -> str:
    """Drop case, blanks, apostrophes and a leading "the", which nobody types alike."""
    return "".join(char for char in name.lower().removeprefix("the ") if char.isalnum())


def _raise_unknown(name: str) -> NoReturn:
    suggestions = _find_close_names(name)
    did_you_mean = f" Did you mean {' or '.join(suggestions)}?" if suggestions else ""
    raise PositionError(f'No object is known as "{name}".{did_you_mean} You can also write {FORMS}.', suggestions)


def _find_close_names(name: str) -> tuple[str, ...]:
    names, key = _read_common_names(), _to_key(name)
    starting = [other for other in names if len(key) > 2 and other.startswith(key)]
    close = starting + get_close_matches(key, names, n=3, cutoff=0.7)
    texts = _find_close_designations(name) + [names[other][0] for other in close]
    return tuple(dict.fromkeys(texts))[:3]


def _find_close_designations(name: str) -> list[str]:
    """List what "NCG 1976" may mean: catalogues of a similar name that have this number."""
    match = re.fullmatch(r"([a-z]{2,}) ?([0-9]+)", name.lower())
    if match is None:
        return []
    prefix, number = match.groups()
    catalogues = [CATALOGUES[close] for close in get_close_matches(prefix, CATALOGUES, n=2)]
    return [f"{catalogue} {number}" for catalogue in catalogues if ongc.get(catalogue + number)]


def _resolve(name: str, resolver_url: str) -> SkyPosition | None:
    """Ask a Sesame service (the CDS's, or one like it): its ``%J`` line has RA and Dec in degrees."""
    encoded = quote(name, safe="")
    url = resolver_url.replace("{name}", encoded) if "{name}" in resolver_url else resolver_url + encoded
    try:
        response = requests.get(url, timeout=RESOLVER_TIMEOUT_S)
        response.raise_for_status()
    except requests.RequestException as error:
        raise PositionError(
            f'OpenNGC has no "{name}" and the name resolver does not answer; try later, or write {FORMS}.'
        ) from error
    match = re.search(rf"^%J\s+({NUMBER})\s+([-+]?{NUMBER})", response.text, re.MULTILINE)
    return SkyPosition(float(match[1]), float(match[2]), name, "Sesame") if match else None
