"""The search page: what an address asks for, as the box and the other fields say it, and what it finds."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import marshmallow as ma
from werkzeug.datastructures import MultiDict

from app.accounts.viewer import Viewer
from app.addresses import build_address
from app.errors import BadRequest
from app.extensions import get_config
from app.frames import lists
from app.frames.aggregates import list_values
from app.frames.box import Archive, Box, read_box
from app.frames.facet_lists import FacetList, list_facets
from app.frames.facets import NAMES, count_facets
from app.frames.lists import FramePage
from app.frames.matching import find_matching, finds_any
from app.frames.search import DEFAULT_ORDERING, SearchSchema, find_cone_centre
from app.frames.search_form import CONE, ActiveCondition, SearchForm, build_search_form
from app.frames.sky_map import Placed, SkyMap, build_sky_map
from app.paging import LARGEST_LIMIT
from app.params import load_texts

PAGE_SIZES = (25, 50, 100, 200)
WIDER_DEG = (0.1, 0.5, 2, 10)  # radii that are tried where a search finds nothing

Arguments = MultiDict[str, str]


@dataclass(frozen=True)
class Hint:
    """A change by which a search that finds nothing would find something."""

    text: str
    count: int
    address: str


@dataclass(frozen=True)
class Results:
    """What was found: a page of it, all of it counted, and the addresses of the pages beside.

    Attributes
    ----------
    facets
        None: frames are not counted by them, for as long as the columns are being made.
    """

    page: FramePage
    count: int
    ordering: str
    position: Any
    radius: float
    previous: str | None
    next: str | None
    longer: str | None
    facets: list[FacetList] | None
    sky_map: SkyMap | None
    hints: list[Hint] = field(default_factory=list)

    @property
    def titles(self) -> dict[int, str]:
        """By the ids of frames, what the sky map calls them."""
        return {frame.row.id: _entitle(frame.row) for frame in self.page.frames}

    @property
    def first(self) -> int:
        return self.page.offset + 1

    @property
    def last(self) -> int:
        return self.page.offset + len(self.page.frames)


@dataclass(frozen=True)
class SearchPage:
    """The page of an address.

    Attributes
    ----------
    path
        The page's own address, without parameters.
    asked
        The parameters as they were given.
    read
        The same, with what the box was read as in its place.
    results
        None if something is wrong with the parameters.
    """

    path: str
    asked: Arguments
    read: Arguments
    box: Box | None
    form: SearchForm
    results: Results | None

    def address_with(self, **changes: Any) -> str:
        """Return the page's address with some parameters changed, at its first page.

        To change what the box was read as puts that in the box's place.
        """
        return _change(self.path, self.asked, self.read, self.box, changes)


def build_search_page(
    viewer: Viewer, path: str, asked: Arguments, offered: Mapping[str, Collection[Any]]
) -> SearchPage:
    """Search as an address asks.

    Parameters
    ----------
    offered
        Values of facets that are shown even if no frame has them.
    """
    errors: dict[str, Any] = {}
    box, results, read = None, None, asked
    try:
        box = _read_box(viewer, asked)
        read = _expand(asked, box)
        search = load_texts(SearchSchema(), read)
    except ma.ValidationError as error:
        errors = {"q": error.messages}
    except BadRequest as error:
        errors = error.fields
    form = build_search_form(asked, errors, read)
    page = SearchPage(path, asked, read, box, form, None)
    if not errors:
        results = _find(viewer, search, page, offered)
    return SearchPage(path, asked, read, box, form, results)


def _read_box(viewer: Viewer, asked: Arguments) -> Box | None:
    texts = [text.strip() for text in asked.getlist("q") if text.strip()]
    if len(texts) > 1:
        raise ma.ValidationError("This parameter is given more than once.")
    if not texts:
        return None
    archive = Archive(
        lambda search: finds_any(viewer, load_texts(SearchSchema(), MultiDict(search))),
        lambda: list_values(viewer, ["proposal_id"], {})["proposal_id"],
        get_config().name_resolver_url,
    )
    return read_box(texts[0], archive)


def _expand(asked: Arguments, box: Box | None) -> Arguments:
    said = box.reading.search if box else {}
    blank = {name for name in said if not asked.get(name, "").strip()}  # of a form's fields
    others = [(name, text) for name, text in asked.items(multi=True) if name != "q" and name not in blank]
    return MultiDict(others + list(said.items()))


def _change(path: str, asked: Arguments, read: Arguments, box: Box | None, changes: dict[str, Any]) -> str:
    aliases = {alias: None for name in changes for alias in NAMES.get(name, ()) if alias != name}
    is_of_box = box is not None and bool(changes.keys() & box.reading.search.keys())
    return build_address(path, read if is_of_box else asked, **{"offset": None, **aliases, **changes})


def _find(viewer: Viewer, search: dict[str, Any], page: SearchPage, offered: Mapping[str, Collection[Any]]) -> Results:
    limit, offset = min(search.get("limit", PAGE_SIZES[0]), LARGEST_LIMIT), search.get("offset", 0)
    kept = {name: value for name, value in search.items() if name not in {"cursor", "pagination_style"}}
    options = {"limit": limit, "include_thumbnails": True, "include_related_frames": False}
    found = lists.list_frames(viewer, kept | options)
    count = found.count or 0
    counts = count_facets(viewer, search)
    if counts:
        counts |= {facet: dict.fromkeys(values, 0) | counts[facet] for facet, values in offered.items()}
    has_more = offset + limit < count
    longer = limit + PAGE_SIZES[0]
    address = page.address_with
    return Results(
        found,
        count,
        search.get("ordering", DEFAULT_ORDERING),
        search.get("position"),
        search.get("radius", 0.0),
        previous=address(offset=max(offset - limit, 0) or None) if offset else None,
        next=address(offset=offset + limit) if has_more else None,
        longer=address(offset=offset or None, limit=longer) if has_more and longer <= PAGE_SIZES[-1] else None,
        facets=list(list_facets(counts, search, address)) if counts else None,
        sky_map=build_sky_map(list(_place(found)), find_cone_centre(search), search.get("radius", 0.0)),
        hints=list(_list_hints(viewer, search, page)) if not count else [],
    )


def _place(found: FramePage) -> Iterator[Placed]:
    for frame in found.frames:
        if frame.row.area is not None:
            yield Placed(frame.row.id, _entitle(frame.row), frame.row.area)


def _entitle(row: Any) -> str:
    return f"{row.target_name or 'No target'}, {row.basename}"


def _list_hints(viewer: Viewer, search: Mapping[str, Any], page: SearchPage) -> Iterator[Hint]:
    """Yield what finds something: without one condition or another, or within a wider radius."""
    conditions: dict[tuple[str, ...], list[ActiveCondition]] = {}
    for condition in page.form.conditions:
        conditions.setdefault(condition.names, []).append(condition)
    if find_cone_centre(search):
        for radius in (radius for radius in WIDER_DEG if radius > search.get("radius", 0)):
            changed = MultiDict([*_without(page.read, ("radius",)), ("radius", f"{radius:g}")])
            if count := _count(viewer, changed):
                cone = {name: page.read.get(name) for name in CONE if name in page.read} | {"radius": f"{radius:g}"}
                yield Hint(f"Within {radius:g}° of the position", count, page.address_with(**cone))
                break
    if len(conditions) > 1:
        for names, said in conditions.items():
            text = " or ".join(condition.text for condition in said)
            address = page.address_with(**dict.fromkeys(names))
            yield Hint(f"Without “{text}”", _count(viewer, MultiDict(_without(page.read, names))), address)


def _without(arguments: Arguments, names: tuple[str, ...]) -> list[tuple[str, str]]:
    dropped = {*names, "limit", "offset", "cursor", "pagination_style"}
    return [(name, text) for name, text in arguments.items(multi=True) if name not in dropped]


def _count(viewer: Viewer, texts: Arguments) -> int:
    """Count what a search finds; one that can't be made, as without what another condition needs, finds nothing."""
    try:
        search = load_texts(SearchSchema(), texts)
    except BadRequest:
        return 0
    return find_matching(viewer, search).count(is_forced=False)[0]
