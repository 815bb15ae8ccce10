"""What a search asks, as far as the columns can tell."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.frame_columns.columns import NEVER, UNLISTED, Columns, Places
from app.frame_columns.footprints import Cone, Place, Polygon
from app.frame_columns.names import Flags, Numbers
from app.frames.sphere import to_unit_vectors

Test = Callable[[Columns], Flags]
FrameTest = Callable[[Columns, Places], Flags]


@dataclass(frozen=True)
class Condition:
    """What a search asks, as far as the columns can tell: every part of it must hold.

    Attributes
    ----------
    groups, targets, proposals, nights
        Tests that are made once for each group, target's name, proposal or night, not for each frame.
    first, last
        Microseconds since 1970, between which the observation began.
    places
        Parts of the sky that the footprint must meet.
    names
        Texts that the basename must have in it.
    frames
        Tests that are made for each frame.
    """

    groups: tuple[Test, ...] = ()
    targets: tuple[Test, ...] = ()
    proposals: tuple[Test, ...] = ()
    nights: tuple[Test, ...] = ()
    first: int = UNLISTED + 1
    last: int = NEVER
    places: tuple[Place, ...] = ()
    names: tuple[str, ...] = ()
    frames: tuple[FrameTest, ...] = ()

    @property
    def is_of_any_time(self) -> bool:
        return self.first == UNLISTED + 1 and self.last == NEVER

    def __and__(self, other: "Condition") -> "Condition":
        return Condition(
            self.groups + other.groups,
            self.targets + other.targets,
            self.proposals + other.proposals,
            self.nights + other.nights,
            max(self.first, other.first),
            min(self.last, other.last),
            self.places + other.places,
            self.names + other.names,
            self.frames + other.frames,
        )


def in_groups(field: str, values: Collection[Any], *, is_not: bool = False) -> Condition:
    """Return the condition that a field of `GROUPED` has one of some values, or that it has none of them."""
    return Condition(groups=(lambda columns: columns.groups.having(field, values) ^ is_not,))


def of_proposals(proposals: Collection[str]) -> Condition:
    """Return the condition that a frame is of one of some proposals."""
    return Condition(proposals=(lambda columns: columns.proposals.among(proposals),))


def in_nights(nights: Collection[int]) -> Condition:
    """Return the condition that the observing night is one of some, in days since 1970."""
    return Condition(nights=(lambda columns: columns.nights.among(nights),))


def is_target(name: str, *, is_not: bool = False) -> Condition:
    """Return the condition that the target's name is a text, or that it is not."""
    return Condition(targets=(lambda columns: np.array([it == name for it in columns.targets.values]) ^ is_not,))


def has_in_target(text: str) -> Condition:
    """Return the condition that the target's name, transliterated, has a text in it."""
    if not text:
        return Condition(targets=(lambda columns: np.zeros(len(columns.targets), bool),))
    return Condition(targets=(lambda columns: columns.find_in_targets(text),))


def in_cone(centre: tuple[float, float], radius_deg: float = 0.0) -> Condition:
    """Return the condition that a footprint comes so near to an (RA, Dec), all in degrees, as far as columns tell."""
    return Condition(places=(Cone(to_unit_vectors([centre])[0], np.radians(radius_deg)),))


def meets_polygon(ring: Numbers) -> Condition:
    """Return the condition that a footprint meets a polygon, a normalized ring, as far as columns can tell."""
    return Condition(places=(Polygon.from_ring(ring),))


def has_in_basename(text: str) -> Condition:
    """Return the condition that the basename has a text in it, in upper or lower case."""
    return Condition(names=(text,))


def is_exposed(seconds: float) -> Condition:
    """Return the condition that the exposure took so long at least."""
    return Condition(frames=(lambda columns, places: columns["exposure_time"][places] >= seconds,))


def is_released(now: int, *, is_not: bool = False) -> Condition:
    """Return the condition that everybody may see a frame by a moment, or that not everybody may."""
    return Condition(frames=(lambda columns, places: (columns["released"][places] <= now) ^ is_not,))
