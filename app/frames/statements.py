"""The statements of reads that come often. Each is built once, so that it is compiled, and prepared, once.

The viewer is in the parameters: `visibility.describe_sight` gives these.
"""

import datetime as dt
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ScalarSelect,
    Table,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    union_all,
)

from app.columns import Values, corners, is_in_subquery, is_one_of
from app.extensions import get_table
from app.frames.models import Frame, Header, RelatedFrame, Thumbnail, Version
from app.frames.visibility import build_visible
from app.often import OftenRead


class FoundVersion(NamedTuple):
    """A stored file of a frame, as a record shows it."""

    id: int
    created: dt.datetime
    key: str
    md5: str
    size: int | None  # bytes; unknown where an OCS client stored the file
    extension: str


FRAMES, VERSIONS, HEADERS = get_table(Frame), get_table(Version), get_table(Header)
THUMBNAILS, RELATED = get_table(Thumbnail), get_table(RelatedFrame)
ID, IDS = bindparam("id", type_=BigInteger()), bindparam("ids", type_=Values(BigInteger))
FRAME_COLUMNS = (
    *(column for column in FRAMES.columns if column.name not in {"target_name_ascii", "area"}),
    corners(FRAMES.c.area).label("area"),
)
VERSION_COLUMNS = tuple(VERSIONS.c[name] for name in FoundVersion._fields)


def _select_related_ids(frame: Table) -> ScalarSelect[str]:
    """Select the ids of the frames related to one, with commas: to OCS programs the relation has no direction."""
    related = union_all(
        select(RELATED.c.related_id).where(RELATED.c.frame_id == frame.c.id).correlate(frame),
        select(RELATED.c.frame_id).where(RELATED.c.related_id == frame.c.id).correlate(frame),
    )
    other = FRAMES.alias("other")
    comma: ColumnElement[Any] = literal_column("','")  # as a text, it would be a parameter at each execution
    ids = select(func.aggregate_strings(cast(other.c.id, Text), comma))  # type: ignore[arg-type]  # it takes SQL, too
    visible = ids.where(is_in_subquery(other.c.id, related.scalar_subquery()), build_visible(other))
    return visible.correlate(frame).scalar_subquery()


#: A row for each version of each frame, and one for a frame without a version.
ROWS = (
    select(*FRAME_COLUMNS, *(column.label(f"version_{column.name}") for column in VERSION_COLUMNS))
    .join_from(FRAMES, VERSIONS, VERSIONS.c.frame_id == FRAMES.c.id, isouter=True)
    .where(build_visible(FRAMES))
)
RELATED_TO_ROW = _select_related_ids(FRAMES).label("related_ids")
OF_PAGE, OF_ONE = is_one_of(FRAMES.c.id, IDS), FRAMES.c.id == ID
PAGE, PAGE_WITH_RELATED = OftenRead(ROWS.where(OF_PAGE)), OftenRead(ROWS.where(OF_PAGE).add_columns(RELATED_TO_ROW))
#: PostgreSQL plans a statement anew for each list of ids, as it can't know how many there are; this one it plans once.
ONE, ONE_WITH_RELATED = OftenRead(ROWS.where(OF_ONE)), OftenRead(ROWS.where(OF_ONE).add_columns(RELATED_TO_ROW))
THUMBNAILS_OF_PAGE = select(THUMBNAILS).where(is_one_of(THUMBNAILS.c.frame_id, IDS)).order_by(THUMBNAILS.c.id)
RELATED_IDS = select(RELATED_TO_ROW).where(OF_ONE, build_visible(FRAMES))
NAMED_IDS = select(RELATED.c.related_id).where(RELATED.c.frame_id == ID)
#: The header, and what the log is told of its frame.
HEADER = OftenRead(
    select(HEADERS.c.data, FRAMES.c.id, FRAMES.c.proposal_id, FRAMES.c.public_date)
    .join_from(FRAMES, HEADERS, HEADERS.c.frame_id == FRAMES.c.id, isouter=True)
    .where(OF_ONE, build_visible(FRAMES))
)
