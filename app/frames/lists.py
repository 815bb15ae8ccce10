"""Lists of frames: which frames a search finds for a viewer, in which order, page by page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from app.accounts.viewer import Viewer
from app.frame_columns.names import Numbers
from app.frame_columns.order import Order
from app.frame_columns.times import to_microseconds
from app.frames.cursors import Cursor
from app.frames.matching import SqlFrames, find_matching
from app.frames.queries import FoundFrame, fetch_frames
from app.frames.search import DEFAULT_ORDERING
from app.paging import DEFAULT_LIMIT, LARGEST_LIMIT

Ids: TypeAlias = Sequence[int] | Numbers
BATCH = 1000  # frames that are fetched at a time where all of a search are wanted


@dataclass(frozen=True)
class FramePage:
    """One page of a list. An offset page has a count; a cursor page has its neighbours' cursors."""

    frames: list[FoundFrame]
    limit: int
    offset: int = 0
    has_more: bool = False
    count: int | None = None
    is_estimated: bool = False
    next_cursor: Cursor | None = None
    previous_cursor: Cursor | None = None


@dataclass(frozen=True)
class Neighbours:
    """The frames before and after one in time; None where there is none."""

    previous: FoundFrame | None = None
    next: FoundFrame | None = None


def list_frames(viewer: Viewer, search: Mapping[str, Any]) -> FramePage:
    """Return the page of frames that a search, as `SearchSchema` loads it, asks for."""
    by_cursor = "cursor" in search or search.get("pagination_style") == "cursor"
    return (_list_by_cursor if by_cursor else _list_by_offset)(viewer, search)


def _list_by_offset(viewer: Viewer, search: Mapping[str, Any]) -> FramePage:
    limit, offset = _limit(search), search.get("offset", 0)
    found = find_matching(viewer, search)
    ids = found.find_first(offset + limit + 1, _order(search))[offset:]
    count, is_estimated = offset + len(ids), False
    if not 0 < len(ids) <= limit:
        count, is_estimated = found.count(is_forced=search.get("force_count", False))
        if is_estimated:
            count = max(count, offset + len(ids))
    frames = fetch_frames(viewer, "records", ids[:limit], search)
    return FramePage(frames, limit, offset, len(ids) > limit, count, is_estimated)


def _list_by_cursor(viewer: Viewer, search: Mapping[str, Any]) -> FramePage:
    ordering = search.get("ordering", DEFAULT_ORDERING)
    cursor = Cursor.from_token(search["cursor"], ordering) if "cursor" in search else None
    backwards = cursor is not None and cursor.is_backwards
    limit, order = _limit(search), _order(search)
    if cursor:
        value = to_microseconds(cursor.value) if order.is_by_time else cursor.value
        order = replace(order, is_descending=order.is_descending != backwards, after=(value, cursor.frame_id))
    ids = find_matching(viewer, search).find_first(limit + 1, order)
    has_more = len(ids) > limit
    frames = fetch_frames(viewer, "records", ids[:limit], search)
    if backwards:
        frames.reverse()
    has_next, has_previous = (cursor is not None, has_more) if backwards else (has_more, cursor is not None)
    ends = [frame.row for frame in frames[:1] + frames[-1:]]
    values = [getattr(row, order.field) for row in ends]
    if order.field == "exposure_time":
        values = [-1.0 if value is None else value for value in values]
    return FramePage(
        frames,
        limit,
        next_cursor=Cursor(ordering, values[-1], ends[-1].id) if frames and has_next else None,
        previous_cursor=Cursor(ordering, values[0], ends[0].id, True) if frames and has_previous else None,
    )


def list_all_ids(viewer: Viewer, search: Mapping[str, Any]) -> Numbers:
    """Return the ids of all frames that a search finds, in its order."""
    return find_matching(viewer, search).find_all(_order(search))


def find_neighbours(viewer: Viewer, row: Any) -> Neighbours:
    """Return what a frame's instrument took just before and after it, of its level, as a viewer may see it."""
    if row.observation_date is None or not row.instrument_id:
        return Neighbours()
    search = {"instrument_id": [row.instrument_id], "reduction_level": [row.reduction_level]}
    found, place = find_matching(viewer, search), (to_microseconds(row.observation_date), row.id)
    before, after = (
        found.find_first(1, Order("observation_date", is_descending, place)) for is_descending in (True, False)
    )
    frames = {frame.row.id: frame for frame in fetch_frames(viewer, "neighbours", before + after, {})}
    return Neighbours(*(frames.get(ids[0]) if ids else None for ids in (before, after)))


def find_among(viewer: Viewer, search: Mapping[str, Any], ids: Sequence[int]) -> list[int]:
    """Return which of some frames a search finds for a viewer, the newest observation first, as the primary has them.

    It needs no columns in memory, and takes as long as there are frames to look at.
    """
    return SqlFrames(viewer, search).choose(ids)


def iter_frames(viewer: Viewer, what: str, ids: Ids, options: Mapping[str, Any]) -> Iterator[list[FoundFrame]]:
    """Yield some frames in the order of their ids, by the batch: those that the viewer may see when its turn comes.

    Parameters
    ----------
    what
        What the log shall call it.
    """
    for begin in range(0, len(ids), BATCH):
        yield fetch_frames(viewer, what, [int(frame_id) for frame_id in ids[begin : begin + BATCH]], options)


def _order(search: Mapping[str, Any]) -> Order:
    ordering = search.get("ordering", DEFAULT_ORDERING)
    return Order(ordering.removeprefix("-"), ordering.startswith("-"))


def _limit(search: Mapping[str, Any]) -> int:
    limit: int = search.get("limit", DEFAULT_LIMIT)
    return min(limit, LARGEST_LIMIT)
