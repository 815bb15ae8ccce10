"""All reads of frames. What a viewer gets to see goes through `visible_to`: there is no second way to a row.

`find_version_by_md5`, `find_frame_id_by_md5` and `list_named_ids` take no viewer: they show nothing, and serve ingest
and the order of a page. Nor does `find_archived`: whom the operator names in the settings is told of every frame.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    bindparam,
    case,
    exists,
    literal,
    select,
    tuple_,
    union,
)

from app.accounts.viewer import Viewer
from app.errors import NotFound
from app.extensions import db, get_table
from app.frame_columns.queries import select_frames
from app.frame_columns.selection import Order, Selection, in_groups
from app.frame_columns.times import to_microseconds
from app.frames.cursors import Cursor
from app.frames.models import FileFault, Frame, Header, RelatedFrame, Thumbnail, Version
from app.frames.search import DEFAULT_ORDERING, ORDERINGS, Condition, build_conditions, split_search
from app.frames.visibility import note_denied, note_privileged, of_own_proposals, visible_to
from app.paging import DEFAULT_LIMIT, LARGEST_LIMIT


@dataclass(frozen=True)
class FoundFrame:
    """A frame's row with what hangs on it. The newest version comes first."""

    row: Row[Any]
    versions: Sequence[Row[Any]] = ()
    related_ids: Sequence[int] = ()
    thumbnails: Mapping[str, Row[Any]] = field(default_factory=dict)

    def find_thumbnail(self, *sizes: str) -> Row[Any] | None:
        """Return the first of these sizes in which there is a picture."""
        return next((self.thumbnails[size] for size in sizes if size in self.thumbnails), None)

    @property
    def filename(self) -> str:
        return f"{self.row.basename}{self.versions[0].extension}" if self.versions else self.row.basename


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
    rows = _fetch(viewer, ids[:limit])
    return FramePage(_show(viewer, "records", rows, search), limit, offset, len(ids) > limit, count, False)


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
    rows = _fetch(viewer, ids[:limit])
    if backwards:
        rows.reverse()
    has_next, has_previous = (cursor is not None, has_more) if backwards else (has_more, cursor is not None)
    values = [getattr(row, order.field) for row in (rows[:1] + rows[-1:])]
    if order.field == "exposure_time":
        values = [-1.0 if value is None else value for value in values]
    return FramePage(
        _show(viewer, "records", rows, search),
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


def _order(search: Mapping[str, Any]) -> Order:
    ordering = search.get("ordering", DEFAULT_ORDERING)
    return Order(ordering.removeprefix("-"), ordering.startswith("-"))


def _fetch(viewer: Viewer, ids: Sequence[int]) -> list[Row[Any]]:
    """Fetch some frames in the order of their ids' list."""
    rows = db.session.execute(select(*FRAME_COLUMNS).where(Frame.id.in_(ids), visible_to(viewer)))
    by_id = {row.id: row for row in rows}
    return [by_id[frame_id] for frame_id in ids if frame_id in by_id]


def get_frame(viewer: Viewer, frame_id: int) -> FoundFrame:
    """Return one frame.

    Raises
    ------
    NotFound
        If there is none, or the viewer may not see it.
    """
    row = _find_visible(viewer, frame_id, "record", *FRAME_COLUMNS)
    return _show(viewer, "record", [row], {"include_thumbnails": True})[0]


def get_written_frame(viewer: Viewer, frame_id: int, new: Mapping[str, Any]) -> FoundFrame:
    """Return a frame as the answer to whoever has just described it.

    To write a frame is not to read it: its other files, and the public date of a ruling, are for those who may see it.

    Parameters
    ----------
    new
        As `app.frames.schemas.PostedFrameSchema` loads it.
    """
    md5s = {version["md5"] for version in new["version_set"]}
    others = (column for column in FRAME_COLUMNS if column.key != Frame.public_date.key)
    posted = literal(new["public_date"], Frame.public_date.type)
    public_date = case((visible_to(viewer), Frame.public_date), else_=posted).label(Frame.public_date.key)
    statement: Select[Any] = select(*others, public_date, visible_to(viewer)).where(Frame.id == frame_id)
    row = db.session.execute(statement).one()
    (found,) = _attach(viewer, [row], {})
    *_, is_visible = row
    return found if is_visible else replace(found, versions=[sent for sent in found.versions if sent.md5 in md5s])


def get_headers(viewer: Viewer, frame_id: int) -> dict[str, Any]:
    """Return a frame's FITS header; a frame that came without one has none.

    Raises
    ------
    NotFound
        As `get_frame`.
    """
    data = select(Header.data).where(Header.frame_id == Frame.id).scalar_subquery()
    found = _find_visible(viewer, frame_id, "header", *READ_COLUMNS, data.label("data"))
    note_privileged(viewer, "header", [(found.id, found.proposal_id, found.public_date)])
    return found.data or {}


def list_related(viewer: Viewer, frame_id: int) -> list[FoundFrame]:
    """Return the frames that a frame names and those that name it, as far as the viewer may see them.

    Raises
    ------
    NotFound
        As `get_frame`.
    """
    _find_visible(viewer, frame_id, "related frames", Frame.id)
    related_ids = _related_ids(viewer, [frame_id]).get(frame_id, [])
    statement = select(*FRAME_COLUMNS).where(Frame.id.in_(related_ids), visible_to(viewer)).order_by(Frame.id)
    return _show(viewer, "related frames", db.session.execute(statement).all(), {"include_thumbnails": True})


def list_named_ids(frame_id: int) -> set[int]:
    """Return the ids of the frames that a frame's own header names."""
    return set(db.session.scalars(select(RelatedFrame.related_id).where(RelatedFrame.frame_id == frame_id)))


def get_thumbnail(viewer: Viewer, frame_id: int, size: str) -> Thumbnail:
    """Return a frame's thumbnail of one size.

    Raises
    ------
    NotFound
        If there is none, or the viewer may not see the frame.
    """
    statement = select(Thumbnail, *READ_COLUMNS).join(Frame).where(Frame.id == frame_id, Thumbnail.size == size)
    found = db.session.execute(statement.where(visible_to(viewer))).one_or_none()
    if found is None:
        note_denied(viewer, "preview", Frame.id == frame_id)
        raise NotFound(f"Frame {frame_id} has no {size} preview.", code="thumbnail_not_found")
    note_privileged(viewer, "preview", [found[1:]])
    thumbnail: Thumbnail = found[0]
    return thumbnail


def find_frame_id_by_md5(md5: str) -> int | None:
    """Return the id of the frame that has a file with this content, whoever may see it: what ingest asks for each."""
    return db.session.scalar(FIND_FRAME_ID, {"md5": md5})


def find_version_by_md5(md5: str) -> Version | None:
    """Return the version with this content, whoever may see it: for ingest, which must know each file again."""
    return db.session.scalar(select(Version).where(Version.md5 == md5))


def find_archived(frame_id: int) -> tuple[FoundFrame, dict[str, Any]] | None:
    """Return a frame with its versions, and its header, whoever may see them: for the messages to pipelines."""
    statement: Select[Any] = select(*FRAME_COLUMNS, Header.data).outerjoin(Header).where(Frame.id == frame_id)
    row = db.session.execute(statement).one_or_none()
    if row is None:
        return None
    return FoundFrame(row, _versions([frame_id]).get(frame_id, ())), row.data or {}


VERSIONS = get_table(Version)
#: What the audit has marked as lost is not known: a file that comes again takes its place.
FIND_FRAME_ID = select(VERSIONS.c.frame_id).where(
    VERSIONS.c.md5 == bindparam("md5"), VERSIONS.c.file_fault == FileFault.NONE
)
#: What the log is told of a frame that somebody reads.
READ_COLUMNS = (Frame.id, Frame.proposal_id, Frame.public_date)
FRAME_COLUMNS = tuple(column for column in Frame.__table__.columns if column.name != "target_name_ascii")


def _listed(viewer: Viewer) -> list[Condition]:
    has_version = exists().where(Version.frame_id == Frame.id)
    return [visible_to(viewer), Frame.observation_date.is_not(None), has_version]


def matching(viewer: Viewer, search: Mapping[str, Any]) -> list[Condition]:
    """Return the conditions of what a search finds for a viewer."""
    own_only = [of_own_proposals(viewer)] if search.get("public") is False and not viewer.is_admin else []
    return [*_listed(viewer), *own_only, *build_conditions(search)]


def _find_visible(viewer: Viewer, frame_id: int, what: str, *columns: Any) -> Row[Any]:
    row = db.session.execute(select(*columns).where(Frame.id == frame_id, visible_to(viewer))).one_or_none()
    if row is None:
        note_denied(viewer, what, Frame.id == frame_id)
        raise NotFound(f"There is no frame {frame_id} that you may see.", code="frame_not_found")
    return row


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


def _show(viewer: Viewer, what: str, rows: Sequence[Any], options: Mapping[str, Any]) -> list[FoundFrame]:
    """Attach what hangs on the frames that a viewer gets; the log is told of those that are hidden from others."""
    note_privileged(viewer, what, [(row.id, row.proposal_id, row.public_date) for row in rows])
    return _attach(viewer, rows, options)


def _attach(viewer: Viewer, rows: Sequence[Any], options: Mapping[str, Any]) -> list[FoundFrame]:
    """Fetch what hangs on the frames of a page, with one query for each kind."""
    ids = [row.id for row in rows]
    versions = _versions(ids)
    related = _related_ids(viewer, ids) if options.get("include_related_frames", True) else {}
    thumbnails = _thumbnails(ids) if options.get("include_thumbnails") else {}
    return [
        FoundFrame(
            row,
            versions.get(row.id, ()),
            related.get(row.id, ()),
            {thumbnail.size: thumbnail for thumbnail in thumbnails.get(row.id, ())},
        )
        for row in rows
    ]


def _versions(ids: list[int]) -> dict[int, list[Row[Any]]]:
    """Fetch the versions of some frames, the newest first."""
    return _by_frame(select(*Version.__table__.columns).order_by(Version.id.desc()), Version.frame_id, ids)


def _thumbnails(ids: list[int]) -> dict[int, list[Row[Any]]]:
    return _by_frame(select(*Thumbnail.__table__.columns).order_by(Thumbnail.id), Thumbnail.frame_id, ids)


def _by_frame(statement: Select[Any], frame_id: Any, ids: list[int]) -> dict[int, list[Row[Any]]]:
    grouped: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in db.session.execute(statement.where(frame_id.in_(ids))) if ids else ():
        grouped[row.frame_id].append(row)
    return grouped


def _related_ids(viewer: Viewer, ids: list[int]) -> dict[int, list[int]]:
    """Return the related frames in both directions: to OCS programs the relation has none."""
    if not ids:
        return {}
    pairs = union(
        select(RelatedFrame.frame_id.label("frame_id"), RelatedFrame.related_id.label("other_id")).where(
            RelatedFrame.frame_id.in_(ids)
        ),
        select(RelatedFrame.related_id, RelatedFrame.frame_id).where(RelatedFrame.related_id.in_(ids)),
    ).subquery()
    statement = select(pairs.c.frame_id, pairs.c.other_id).join(
        Frame, and_(Frame.id == pairs.c.other_id, visible_to(viewer))
    )
    related: dict[int, list[int]] = defaultdict(list)
    for frame_id, other_id in db.session.execute(statement.order_by(pairs.c.other_id)):
        related[frame_id].append(other_id)
    return related
