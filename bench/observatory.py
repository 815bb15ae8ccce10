"""The made-up observatory of the benches: its sites, its instruments, what they take, and for whom."""

from typing import NamedTuple

SITE_LONGITUDES = {"coj": 149.1, "cpt": 20.8, "elp": -104.0, "lsc": -70.8, "ogg": -156.3, "tfn": -16.5, "tlv": 34.8}
TELESCOPES, INSTRUMENTS, TARGETS, PROPOSALS = 25, 50, 20_000, 2_000
CALIBRATION = "calibrate"  # the proposal of all calibrations; its number is 0
FILTERS = (
    *("rp", "ip", "gp", "V", "B", "up", "zs", "w", "R", "I", "U", "air", "Y", "H-Alpha", "H-Beta", "OIII", "SII"),
    *("Exo", "VS", "VR", "D51", "NIR-J", "NIR-H", "NIR-K", "ND", "150um", "200um", "400um", "D08", "UV"),
)
EXPOSURE_TIMES_S = (1, 5, 10, 30, 60, 120, 180, 300, 600, 900)
EXPOSURE_SHARES = (0.04, 0.06, 0.1, 0.2, 0.25, 0.15, 0.08, 0.08, 0.03, 0.01)
DARK_S = 300.0


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
CALIBRATIONS = (("BIAS",), ("DARK",), ("SKYFLAT",), ("LAMPFLAT", "ARC"))  # that a reduced frame is made with

SITES = tuple(SITE_LONGITUDES)
TELESCOPE_NAMES = tuple(
    ("2m0", "1m0", "0m4")[0 if n < 2 else 1 + (n >= 15)] + "abcdefghijklmnopqrstuvwxy"[n] for n in range(TELESCOPES)
)
INSTRUMENT_NAMES = tuple(f"{'fskelxmdcq'[n % 10]}{'aqpbnf'[n % 6]}{n + 1:02}" for n in range(INSTRUMENTS))


def number_of(kind: str) -> int:
    """Return a kind's place in `KINDS`."""
    return next(number for number, each in enumerate(KINDS) if each.name == kind)


def name_proposals() -> list[str]:
    """Return the names of all proposals; the first is that of the calibrations."""
    callers, years = ("LCO", "KEY", "DDT", "IAC", "CON"), range(2018, 2026)
    return [CALIBRATION] + [
        f"{callers[n % 5]}{years[n // 5 % 8]}{'AB'[n // 40 % 2]}-{n // 80 + 1:03}" for n in range(PROPOSALS - 1)
    ]


def name_target(number: int) -> str:
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
