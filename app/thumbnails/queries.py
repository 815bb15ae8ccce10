"""Reads of thumbnails, each with what its frame is known by. Whoever may see a frame may see its thumbnails."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, Select, select

from app.accounts.viewer import Viewer
from app.errors import NotFound
from app.extensions import db
from app.frames.models import Frame, Thumbnail
from app.frames.queries import visible_to
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
    return read_page(_visible_to(viewer).where(*conditions).order_by(Thumbnail.id.desc()), search)


def get_thumbnail(viewer: Viewer, thumbnail_id: int) -> Row[Any]:
    """Return one thumbnail.

    Raises
    ------
    NotFound
        If there is none, or the viewer may not see its frame.
    """
    found = db.session.execute(_visible_to(viewer).where(Thumbnail.id == thumbnail_id)).one_or_none()
    if found is None:
        raise NotFound(f"There is no thumbnail {thumbnail_id} that you may see.", code="thumbnail_not_found")
    return found


def _visible_to(viewer: Viewer) -> Select[Any]:
    return select(*Thumbnail.__table__.columns, *FRAME_COLUMNS).join(Frame).where(visible_to(viewer))
