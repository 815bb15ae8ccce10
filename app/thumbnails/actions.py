"""Writes of thumbnails. The caller commits."""

from collections.abc import Mapping
from typing import Any

from app.frames.actions import save_thumbnail
from app.frames.models import Thumbnail
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
        If where its file lies can't be told.
    """
    (file,) = new["version_set"]
    path = build_store_path(file["extension"], new)
    take_in(path, file["key"])
    stored = {name: file[name] for name in ("key", "md5", "extension")}
    return save_thumbnail(new["frame_basename"], new["size"], new, store_path=path, **stored)
