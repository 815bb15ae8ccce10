"""How many frames a search would find with each value of a facet: site, filter, night, who may see it."""

import functools
import operator
from collections.abc import Mapping
from typing import Any

from app.accounts.viewer import Viewer
from app.frame_columns.columns import GROUPED
from app.frame_columns.selection import Condition, Selection
from app.frame_columns.times import from_day
from app.frames.lists import select_matching
from app.frames.search import FACETS, split_search

Counts = dict[Any, int]
NAMES: Mapping[str, tuple[str, ...]] = {facet.name: (facet.name, *facet.aliases) for facet in FACETS}


def count_facets(viewer: Viewer, search: Mapping[str, Any]) -> dict[str, Counts]:
    """Count the frames that a search would find with each value, were it the only one that its facet asks for.

    What a facet itself asks for is left out of its counts; what the others ask for is not.

    Returns
    -------
    dict
        By facet, the count of each value that some frame has which the viewer may see: also those that are 0.
    """
    given = {facet: _read(search, names) for facet, names in NAMES.items() if search.keys() & {*names}}
    others = {name: value for name, value in search.items() if name not in sum(NAMES.values(), ())}
    found = select_matching(viewer, others)
    return _count_groups(viewer, found, given) | {
        "dayobs": _count_nights(_narrow(found, given, but="dayobs")),
        "availability": _count_availability(viewer, _narrow(found, given, but="availability")),
    }


def _read(search: Mapping[str, Any], names: tuple[str, ...]) -> Condition:
    condition, _ = split_search({name: search[name] for name in names if name in search})
    return condition


def _narrow(found: Selection, given: Mapping[str, Condition], but: str) -> Selection:
    asked = (condition for facet, condition in given.items() if facet != but)
    return found.narrowed(functools.reduce(operator.and_, asked, Condition()))


def _count_groups(viewer: Viewer, found: Selection, given: Mapping[str, Condition]) -> dict[str, Counts]:
    """Count each group once, by what is asked of no group; a facet then adds up the groups that the others ask for."""
    of_frames = [condition for facet, condition in given.items() if facet not in GROUPED]
    counts = found.narrowed(functools.reduce(operator.and_, of_frames, Condition())).count_groups()
    in_sight = select_matching(viewer, {}).count_values(*GROUPED)
    asked = {facet: found.test_groups(condition) for facet, condition in given.items() if facet in GROUPED}
    counted = {}
    for field in GROUPED:
        others = [flags for facet, flags in asked.items() if facet != field]
        totals = found.groups.add_up(field, functools.reduce(operator.mul, others, counts))
        counted[field] = {value: totals.get(value, 0) for value in in_sight[field]}
    return counted


def _count_nights(found: Selection) -> Counts:
    return {from_day(day): count for day, count in found.count_nights().items()}


def _count_availability(viewer: Viewer, found: Selection) -> Counts:
    if not (viewer.is_admin or viewer.proposals):
        return {}  # all that they see is public
    public, _ = split_search({"availability": "public"})
    is_public = found.narrowed(public).count()
    return {"public": is_public, "proprietary": found.count() - is_public}
