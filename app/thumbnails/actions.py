"""Writes of thumbnails. The caller commits."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import exists, select

from app.errors import BadRequest
from app.extensions import db
from app.frames.actions import save_thumbnail
from app.frames.models import Frame, Thumbnail, Version
from app.posted_files import build_store_path, take_in


def save_posted_thumbnail(new: Mapping[str, Any]) -> Thumbnail:
    """Give a frame a thumbnail whose file its sender has stored.

    Parameters
    ----------
    new
        As `app.thumbnails.schemas.PostedThumbnailSchema` loads it.

    Raises
    ------
    BadRequest
        If where its file lies can't be told, or another frame's file lies there.
    """
    (file,) = new["version_set"]
    path = build_store_path(file["extension"], new)
    _refuse_others_file(path, new["frame_basename"])
    take_in(path, file["key"])
    stored = {name: file[name] for name in ("key", "md5", "extension")}
    return save_thumbnail(new["frame_basename"], new["size"], new, store_path=path, **stored)


def _refuse_others_file(path: str, frame_basename: str) -> None:
    """Refuse a name that leads to a file of another frame: who may see the one need not see the other."""
    of_another = exists().where(
        Thumbnail.store_path == path, Thumbnail.frame_id == Frame.id, Frame.basename != frame_basename
    )
    is_frame = exists().where(Version.store_path == path)
    if db.session.scalar(select(of_another | is_frame)):
        told = "Must be the name of a picture of this frame's own; another's file has it."
        raise BadRequest(f"basename: {told}", code="bad_parameter", fields={"basename": [told]})
