"""How a detector was read out, as headers say it: a calibration must have been read out as its frame was."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ocs_archive.settings import settings

#: Keywords of both axes in one, and of either, in the order in which they are looked for.
BINNINGS = (("CCDSUM",), ("XBINNING", "YBINNING"), ("CCDXBIN", "CCDYBIN"))
MODES = ("CONFMODE", "READMODE", "READOUTM")


class Readout(NamedTuple):
    """Empty is what a header does not say."""

    binning: str = ""
    mode: str = ""

    def agrees_with(self, other: "Readout") -> bool:
        """Say whether both may be the same: what either does not say stands in no way."""
        return all(not own or not theirs or own == theirs for own, theirs in zip(self, other, strict=True))


def read_readout(header: Mapping[str, Any]) -> Readout:
    """Return what a header says."""
    binnings = (_read_binning(" ".join(_read(header, key) for key in keys)) for keys in BINNINGS)
    return Readout(next(filter(None, binnings), ""), next(filter(None, (_read(header, key) for key in MODES)), ""))


def _read_binning(text: str) -> str:
    """Write "2 2", "2x2" or "2,2" in one way; one number is of both axes."""
    numbers = re.findall(r"[0-9]+", text)
    return f"{numbers[0]}×{numbers[-1]}" if numbers else ""


def _read(header: Mapping[str, Any], key: str) -> str:
    text = str(header.get(key) or "").strip()
    return "" if text in settings.NULL_HEADER_VALUES else text
