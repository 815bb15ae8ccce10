"""The facets as the search page lists them: each value, its count, and the address that adds it or takes it away."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.frames.facets import NAMES, Counts
from app.frames.search import FACETS, SearchParameter

IN_SIGHT, MOST = 8, 40  # values of a facet; those beyond are found by the box
LEVELS = {0: "0 (raw)", 91: "91 (reduced)"}
#: Facets of which one value at most is asked for.
SINGLE = {"availability"}


@dataclass(frozen=True)
class FacetValue:
    """A value, how many frames the search would find with it, and the address that adds it or takes it away."""

    text: str
    count: int
    is_chosen: bool
    address: str


@dataclass(frozen=True)
class FacetList:
    """A facet: its values in sight, those that are folded away, and how many more there are."""

    name: str
    label: str
    in_sight: list[FacetValue]
    folded: list[FacetValue]
    more: int


def list_facets(
    counted: Mapping[str, Counts], search: Mapping[str, Any], address_with: Callable[..., str]
) -> Iterator[FacetList]:
    """Yield each facet that has more than one value, or of which one is asked for."""
    for facet in FACETS:
        chosen = find_chosen(search, facet.name)
        counts = dict.fromkeys(chosen, 0) | counted[facet.name]
        values = [
            _build_value(facet, value, counts[value], chosen, address_with) for value in _sort(counts, chosen, facet)
        ]
        if len(values) > 1 or chosen:
            yield FacetList(
                facet.name, facet.label, values[:IN_SIGHT], values[IN_SIGHT:MOST], max(len(values) - MOST, 0)
            )


def find_chosen(search: Mapping[str, Any], facet: str) -> list[Any]:
    """Return the values of a facet that a search asks for, under any of its names."""
    asked = [search[name] for name in NAMES[facet] if name in search]
    return [value for given in asked for value in (given if isinstance(given, list) else [given])]


def _sort(counts: Counts, chosen: list[Any], facet: SearchParameter) -> list[Any]:
    """Sort few values by themselves, so that each stays in its place; of many, the chosen and frequent come first."""
    known = sorted((value for value in counts if value != ""), reverse=facet.name in {"dayobs", "availability"})
    if len(known) <= IN_SIGHT:
        return known
    if facet.name == "dayobs":
        return sorted(known, key=lambda night: night not in chosen)
    return sorted(known, key=lambda value: (value not in chosen, -counts[value]))


def _build_value(
    facet: SearchParameter, value: Any, count: int, chosen: list[Any], address_with: Callable[..., str]
) -> FacetValue:
    is_chosen = value in chosen
    others = [] if facet.name in SINGLE else [str(other) for other in chosen if other != value]
    address = address_with(**{facet.name: others if is_chosen else [*others, str(value)]})
    text = LEVELS.get(value, str(value)) if facet.name == "reduction_level" else str(value)
    return FacetValue(text, count, is_chosen, address)
