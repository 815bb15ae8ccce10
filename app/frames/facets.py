"""How many frames a search would find with each value of a facet: site, filter, night, who may see it."""

import functools
import operator
from collections.abc import Collection, Mapping
from typing import Any

from app.accounts.viewer import Viewer
from app.frame_columns.names import COUNTED, GROUPED
from app.frame_columns.tally import Tally
from app.frame_columns.times import from_day
from app.frames.matching import find_matching
from app.frames.search import FACETS, split_search

Counts = dict[Any, int]
NAMES: Mapping[str, tuple[str, ...]] = {facet.name: (facet.name, *facet.aliases) for facet in FACETS}
DAY = "observation_day"
ALL = (*COUNTED, DAY)


def count_facets(viewer: Viewer, search: Mapping[str, Any]) -> dict[str, Counts]:
    """Count the frames that a search would find with each value, were it the only one that its facet asks for.

    What a facet itself asks for is left out of its counts; what the others ask for is not. Where the count of what the
    search finds is an estimate, these are.

    Returns
    -------
    dict
        By facet, the count of each value that some frame has which the viewer may see: also those that are 0. Empty
        for as long as the columns are being made.
    """
    tally = find_matching(viewer, search).tally(ALL)
    if tally is None:
        return {}
    asked = {facet for facet, names in NAMES.items() if search.keys() & {*names}}

    def count_without(facets: Collection[str], fields: Collection[str]) -> Tally:
        if not asked.intersection(facets):
            return tally
        left = {name: value for name, value in search.items() if not any(name in NAMES[facet] for facet in facets)}
        return find_matching(viewer, left).tally(fields) or tally  # None no more, once it was none before

    counted = _count_groups(search, count_without(GROUPED, GROUPED))
    counted["proposal_id"] = count_without(["proposal_id"], ["proposal_id"]).count_values("proposal_id")
    in_sight = find_matching(viewer, {}).tally(COUNTED) or tally
    known = {field: dict.fromkeys(in_sight.list_values(field), 0) | counts for field, counts in counted.items()}
    nights = count_without(["dayobs"], [DAY]).count_values(DAY)
    return known | {
        "dayobs": {from_day(day): count for day, count in nights.items()},
        "availability": _count_availability(viewer, search),
    }


def _count_groups(search: Mapping[str, Any], tally: Tally) -> dict[str, Counts]:
    """Add up for each facet the groups that the other facets ask for."""
    asked = {
        field: split_search({name: search[name] for name in NAMES[field] if name in search})[0] for field in GROUPED
    }
    return {
        field: tally.count_values(
            field, functools.reduce(operator.and_, (asked[other] for other in GROUPED if other != field))
        )
        for field in GROUPED
    }


def _count_availability(viewer: Viewer, search: Mapping[str, Any]) -> Counts:
    if not (viewer.is_admin or viewer.proposals):
        return {}  # all that they see is public
    return {
        to: find_matching(viewer, {**search, "availability": to}).count(is_forced=False)[0]
        for to in ("public", "proprietary")
    }
