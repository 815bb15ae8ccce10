"""The kinds of calibrations, and which of them a frame wants."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A kind of calibration.

    Attributes
    ----------
    types
        The configuration types of its frames.
    same_element
        Whether it must be of the frame's own filter.
    same_exposure
        Whether it should have taken as long as the frame.
    """

    name: str
    plural: str
    types: tuple[str, ...]
    same_element: bool = False
    same_exposure: bool = False


BIAS = Kind("bias", "biases", ("BIAS",))
DARK = Kind("dark", "darks", ("DARK",), same_exposure=True)
FLAT = Kind("flat", "flats", ("SKYFLAT", "FLAT", "DOMEFLAT", "LAMPFLAT"), same_element=True)
ARC = Kind("arc", "arcs", ("ARC", "DOUBLE"), same_element=True)
MASK = Kind("bad pixel mask", "bad pixel masks", ("BPM",))
FRINGE = Kind("fringe frame", "fringe frames", ("FRINGE",))
KINDS = (BIAS, DARK, FLAT, ARC, MASK, FRINGE)
#: Only those that a frame's header names are of use to it.
NEVER_SEARCHED = (MASK, FRINGE)
KIND_OF_TYPE: Mapping[str, Kind] = {name: kind for kind in KINDS for name in kind.types}

SAME_SHARE, SAME_S = 0.01, 0.1  # by which exposures differ that count as the same

_SCIENCE = (BIAS, DARK, FLAT)
#: What frames want that are no images of the sky.
_WANTED: Mapping[str, tuple[Kind, ...]] = {
    **dict.fromkeys((*BIAS.types, *MASK.types, *FRINGE.types, "CATALOG"), ()),
    **dict.fromkeys(DARK.types, (BIAS,)),
    **dict.fromkeys((*FLAT.types, *ARC.types), (BIAS, DARK)),
    "SPECTRUM": (*_SCIENCE, ARC),
}


def list_wanted(configuration_type: str) -> tuple[Kind, ...]:
    """Return the kinds that a frame of some type is calibrated with."""
    return _WANTED.get(configuration_type, _SCIENCE)
