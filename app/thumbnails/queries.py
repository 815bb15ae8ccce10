"""Reads of thumbnails, each with what its frame is known by. Whoever may see a frame may see its thumbnails."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, Select, case, select

from app.accounts.viewer import Viewer
from app.errors import NotFound
from app.extensions import db
from app.frames.models import Frame, Thumbnail
from app.frames.visibility import build_read, note_denied, note_privileged, visible_to
from app.paging import Page, read_page

FRAME_COLUMNS = (
    Frame.basename.label("frame_basename"),
    Frame.proposal_id,
    Frame.observation_id,
    Frame.request_id,
)
FILTERS = {column.key: column for column in (*FRAME_COLUMNS, Thumbnail.size)}


def list_thumbnails(viewer: Viewer, search: Mapping[str, Any]) -> Page:
    """Return the page of thumbnails that a search, as `ThumbnailSearchSchema` loads it, asks for; the newest first."""
    conditions = [column == search[name] for name, column in FILTERS.items() if name in search]
    page = read_page(_visible_to(viewer).where(*conditions).order_by(Thumbnail.id.desc()), search)
    note_privileged(viewer, "thumbnails", map(build_read, page.rows))
    return page


def get_thumbnail(viewer: Viewer, thumbnail_id: int) -> Row[Any]:
    """Return one thumbnail.

    Raises
    ------
    NotFound
        If there is none, or the viewer may not see its frame.
    """
    found = db.session.execute(_visible_to(viewer).where(Thumbnail.id == thumbnail_id)).one_or_none()
    if found is None:
        shown = select(Thumbnail.frame_id).where(Thumbnail.id == thumbnail_id)
        note_denied(viewer, "thumbnail", Frame.id.in_(shown))
        raise NotFound(f"There is no thumbnail {thumbnail_id} that you may see.", code="thumbnail_not_found")
    note_privileged(viewer, "thumbnail", [build_read(found)])
    return found


def get_written_thumbnail(viewer: Viewer, thumbnail_id: int, sent: Mapping[str, Any]) -> Row[Any]:
    """Return a thumbnail as the answer to whoever has just sent it.

    To write is not to read: who may not see the frame is told what they sent of it, not what the archive knows.
    """
    basename, *others = FRAME_COLUMNS
    told = [case((visible_to(viewer), column), else_=sent[column.key]).label(column.key) for column in others]
    statement: Select[Any] = select(*Thumbnail.__table__.columns, basename, *told).join(Frame)
    return db.session.execute(statement.where(Thumbnail.id == thumbnail_id)).one()


def _visible_to(viewer: Viewer) -> Select[Any]:
    columns = *Thumbnail.__table__.columns, *FRAME_COLUMNS, Frame.public_date
    return select(*columns).join(Frame).where(visible_to(viewer))
