"""What the archive has of the targets of a list, as far as a viewer may see it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.accounts.viewer import Viewer
from app.extensions import get_config
from app.frame_columns.names import Numbers
from app.frame_columns.times import EPOCH, MICROSECOND
from app.frames.matching import find_matching
from app.targets.lists import Line
from app.targets.matching import Found, Place, find_frames
from app.targets.resolving import Target, find_positions
from app.targets.schemas import LARGEST_DEG

MOST_NAMED = 50  # unknown names that are looked for among the targets' names of frames
NOTHING = Found(np.empty(0, np.int64), None, ())


@dataclass(frozen=True)
class FoundTarget:
    """A target, and its frames.

    Attributes
    ----------
    named
        How many frames have its name in their target's name; only where no position is known for it.
    """

    target: Target
    radius_deg: float
    found: Found
    named: int = 0

    @property
    def line(self) -> Line:
        return self.target.line

    @property
    def title(self) -> str:
        return self.line.name or self.line.place or self.line.text

    @property
    def count(self) -> int:
        return len(self.found.ids)

    @property
    def newest(self) -> dt.datetime | None:
        """When the newest of its frames began."""
        return None if self.found.newest is None else EPOCH + self.found.newest * MICROSECOND


@dataclass(frozen=True)
class FoundTargets:
    """All targets of a list, in its order."""

    targets: Sequence[FoundTarget]

    @property
    def ids(self) -> Numbers:
        """The frames of all of them, each once."""
        return np.unique(np.concatenate([NOTHING.ids, *(each.found.ids for each in self.targets)]))

    @property
    def unreadable(self) -> list[FoundTarget]:
        """Those of which it is not known where they are."""
        return [each for each in self.targets if each.target.position is None]

    @property
    def empty(self) -> list[FoundTarget]:
        """Those of which there is no frame."""
        return [each for each in self.targets if each.target.position and not each.count]


def find_targets(viewer: Viewer, lines: Sequence[Line], asked: Mapping[str, Any]) -> FoundTargets:
    """Find the frames of each target of a list.

    Parameters
    ----------
    asked
        As the schemas load it: a radius in degrees for those that have none of their own, and what else the frames
        shall be.
    """
    search = {name: value for name, value in asked.items() if name not in {"targets", "radius"}}
    usual = asked.get("radius", 0.0)
    targets = [_check_radius(target) for target in find_positions(lines, get_config().name_resolver_url)]
    radii = [usual if target.line.radius_deg is None else target.line.radius_deg for target in targets]
    places = {
        number: Place(target.position.ra_deg, target.position.dec_deg, radius)
        for number, (target, radius) in enumerate(zip(targets, radii, strict=True))
        if target.position
    }
    found = dict(zip(places, find_frames(viewer, search, list(places.values())), strict=True))
    named = _count_named(viewer, search, targets)
    return FoundTargets(
        [
            FoundTarget(target, radii[number], found.get(number, NOTHING), named.get(target.line.place, 0))
            for number, target in enumerate(targets)
        ]
    )


def _check_radius(target: Target) -> Target:
    radius = target.line.radius_deg
    if radius is None or 0 <= radius <= LARGEST_DEG:
        return target
    return Target(target.line, fault=f"A radius lies between 0° and {LARGEST_DEG}°, this one is {radius:g}°.")


def _count_named(viewer: Viewer, search: Mapping[str, Any], targets: Sequence[Target]) -> dict[str, int]:
    """Count the frames that have a name, of which no position is known, in their target's name."""
    names = list(dict.fromkeys(target.line.place for target in targets if target.is_unknown_name))
    searches = {name: {**search, "target_name": name} for name in names[:MOST_NAMED]}
    return {name: find_matching(viewer, wanted).count(is_forced=False)[0] for name, wanted in searches.items()}
