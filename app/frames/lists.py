"""Lists of frames: which frames a search finds for a viewer, in which order, page by page."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, exists, literal, select, tuple_

from app.accounts.viewer import Viewer
from app.extensions import db
from app.frame_columns.queries import select_frames
from app.frame_columns.selection import Order, Selection, in_groups
from app.frame_columns.times import to_microseconds
from app.frames.cursors import Cursor
from app.frames.models import Frame, Version
from app.frames.queries import FoundFrame, fetch_frames, show_frames
from app.frames.search import DEFAULT_ORDERING, ORDERINGS, Condition, build_conditions, split_search
from app.frames.visibility import of_own_proposals, visible_to
from app.paging import DEFAULT_LIMIT, LARGEST_LIMIT


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


def list_frames(viewer: Viewer, search: Mapping[str, Any]) -> FramePage:
    """Return the page of frames that a search, as `SearchSchema` loads it, asks for."""
    by_cursor = "cursor" in search or search.get("pagination_style") == "cursor"
    return (_list_by_cursor if by_cursor else _list_by_offset)(viewer, search)


def _list_by_offset(viewer: Viewer, search: Mapping[str, Any]) -> FramePage:
    limit, offset = _limit(search), search.get("offset", 0)
    found = select_matching(viewer, search)
    ids = found.find_first(offset + limit + 1, _order(search))[offset:]
    count = offset + len(ids) if 0 < len(ids) <= limit else found.count()
    rows = fetch_frames(viewer, ids[:limit])
    return FramePage(show_frames(viewer, "records", rows, search), limit, offset, len(ids) > limit, count, False)


def _list_by_cursor(viewer: Viewer, search: Mapping[str, Any]) -> FramePage:
    ordering = search.get("ordering", DEFAULT_ORDERING)
    cursor = Cursor.from_token(search["cursor"], ordering) if "cursor" in search else None
    backwards = cursor is not None and cursor.is_backwards
    limit, order = _limit(search), _order(search)
    if cursor:
        value = to_microseconds(cursor.value) if order.is_by_time else cursor.value
        order = replace(order, is_descending=order.is_descending != backwards, after=(value, cursor.frame_id))
    ids = select_matching(viewer, search).find_first(limit + 1, order)
    has_more = len(ids) > limit
    rows = fetch_frames(viewer, ids[:limit])
    if backwards:
        rows.reverse()
    has_next, has_previous = (cursor is not None, has_more) if backwards else (has_more, cursor is not None)
    values = [getattr(row, order.field) for row in (rows[:1] + rows[-1:])]
    if order.field == "exposure_time":
        values = [-1.0 if value is None else value for value in values]
    return FramePage(
        show_frames(viewer, "records", rows, search),
        limit,
        next_cursor=Cursor(ordering, values[-1], rows[-1].id) if rows and has_next else None,
        previous_cursor=Cursor(ordering, values[0], rows[0].id, True) if rows and has_previous else None,
    )


def select_matching(viewer: Viewer, search: Mapping[str, Any]) -> Selection:
    condition, rest = split_search(search)
    if search.get("public") is False and not viewer.is_admin:
        condition &= in_groups("proposal_id", viewer.proposals)
    others = build_conditions(rest)
    ids = None
    if others:
        ids = np.array(db.session.scalars(select(Frame.id).where(*others)).all(), np.int64)
    return select_frames(viewer, condition, ids)


def finds_any(viewer: Viewer, search: Mapping[str, Any]) -> bool:
    """Say whether a search finds a frame at all: what only SQL knows is not looked for further than the first."""
    _, rest = split_search(search)
    if build_conditions(rest):
        return db.session.scalar(select(Frame.id).where(*matching(viewer, search)).limit(1)) is not None
    return select_matching(viewer, search).count() > 0


def _order(search: Mapping[str, Any]) -> Order:
    ordering = search.get("ordering", DEFAULT_ORDERING)
    return Order(ordering.removeprefix("-"), ordering.startswith("-"))


def _listed(viewer: Viewer) -> list[Condition]:
    has_version = exists().where(Version.frame_id == Frame.id)
    return [visible_to(viewer), Frame.observation_date.is_not(None), has_version]


def matching(viewer: Viewer, search: Mapping[str, Any]) -> list[Condition]:
    """Return the conditions of what a search finds for a viewer."""
    own_only = [of_own_proposals(viewer)] if search.get("public") is False and not viewer.is_admin else []
    return [*_listed(viewer), *own_only, *build_conditions(search)]


def _limit(search: Mapping[str, Any]) -> int:
    limit: int = search.get("limit", DEFAULT_LIMIT)
    return min(limit, LARGEST_LIMIT)


def _sort_column(ordering: str) -> tuple[ColumnElement[Any], bool]:
    return ORDERINGS[ordering.removeprefix("-")], ordering.startswith("-")


def _order_by(ordering: str, *, backwards: bool = False) -> list[ColumnElement[Any]]:
    """Order by a column and then by id, so that no two frames are equal and each page is stable."""
    column, descending = _sort_column(ordering)
    return [key.desc() if descending != backwards else key.asc() for key in (column, Frame.id)]


def _beyond(cursor: Cursor, sort_column: ColumnElement[Any], *, descending: bool) -> Condition:
    here = tuple_(sort_column, Frame.id)
    there = tuple_(literal(cursor.value, sort_column.type), literal(cursor.frame_id))
    return here < there if descending else here > there
