"""Thumbnails over HTTP: whoever may see a frame may see its pictures; operators may send some."""

from http import HTTPStatus
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy import Row

from app.accounts.viewer import current_viewer, require_ingester
from app.downloads.actions import Links
from app.extensions import db
from app.frames.records import build_thumbnail
from app.frames.schemas import LARGEST_RECORD_BYTES
from app.params import parse_body, parse_query
from app.thumbnails import actions, queries
from app.thumbnails.schemas import PostedThumbnailSchema, ThumbnailSearchSchema
from app.times import format_time

blueprint = Blueprint("thumbnails_api", __name__)


@blueprint.get("/thumbnails/")
def list_thumbnails() -> ResponseReturnValue:
    """Search for thumbnails."""
    return queries.list_thumbnails(current_viewer(), parse_query(ThumbnailSearchSchema())).build(_build_record)


@blueprint.get("/thumbnails/<int:thumbnail_id>/")
def show_thumbnail(thumbnail_id: int) -> ResponseReturnValue:
    """One thumbnail."""
    return _build_record(queries.get_thumbnail(current_viewer(), thumbnail_id))


@blueprint.post("/thumbnails/")
def post_thumbnail() -> ResponseReturnValue:
    """Give a frame a picture, whose file its sender has stored; the frame is made if it has not arrived yet."""
    viewer = require_ingester()
    new = parse_body(PostedThumbnailSchema(), LARGEST_RECORD_BYTES)
    thumbnail_id = actions.save_posted_thumbnail(new).id
    db.session.commit()
    return _build_record(queries.get_written_thumbnail(viewer, thumbnail_id, new)), HTTPStatus.CREATED


def _build_record(thumbnail: Row[Any]) -> dict[str, Any]:
    return build_thumbnail(thumbnail, Links()) | {
        "filename": thumbnail.store_path.rpartition("/")[2],
        "frame_id": thumbnail.frame_id,
        "frame_basename": thumbnail.frame_basename,
        "proposal_id": thumbnail.proposal_id,
        "observation_id": thumbnail.observation_id,
        "request_id": thumbnail.request_id,
        "created": format_time(thumbnail.created),
    }
