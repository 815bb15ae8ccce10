"""Frames as JSON."""

from typing import Any

import orjson
from flask import Blueprint, Response

from app.accounts.viewer import current_viewer
from app.addresses import address_with
from app.frames import queries
from app.frames.queries import FramePage
from app.frames.records import build_record
from app.frames.search import RecordSchema, SearchSchema
from app.params import parse_query

blueprint = Blueprint("frames_api", __name__)


@blueprint.get("/frames/")
def list_frames() -> Response:
    """Search for frames."""
    search = parse_query(SearchSchema())
    page = queries.list_frames(current_viewer(), search)
    options = {
        "related_frames": search.get("include_related_frames", True),
        "thumbnails": search.get("include_thumbnails", False),
    }
    return respond(_links(page) | {"results": [build_record(frame, **options) for frame in page.frames]})


@blueprint.get("/frames/<int:frame_id>/headers/")
def show_headers(frame_id: int) -> Response:
    """The FITS header of a frame."""
    return respond({"data": queries.get_headers(current_viewer(), frame_id)})


@blueprint.get("/frames/<int:frame_id>/related/")
def list_related(frame_id: int) -> Response:
    """The frames that a frame names, and those that name it."""
    return respond([build_record(frame) for frame in queries.list_related(current_viewer(), frame_id)])


def show_frame(frame_id: int) -> Response:
    """One frame's record. The address is shared with the page: see `app.frames.views`."""
    options = parse_query(RecordSchema())
    frame = queries.get_frame(current_viewer(), frame_id)
    related, thumbnails = options["include_related_frames"], options["include_thumbnails"]
    return respond(build_record(frame, related_frames=related, thumbnails=thumbnails))


def respond(body: Any) -> Response:
    return Response(orjson.dumps(body), mimetype="application/json")


def _links(page: FramePage) -> dict[str, Any]:
    if page.count is None:
        return {
            "next": address_with(cursor=page.next_cursor.to_token()) if page.next_cursor else None,
            "previous": address_with(cursor=page.previous_cursor.to_token()) if page.previous_cursor else None,
        }
    limit, offset = page.limit, page.offset
    return {
        "count": page.count,
        "next": address_with(limit=limit, offset=offset + limit) if offset + limit < page.count else None,
        "previous": address_with(limit=limit, offset=max(offset - limit, 0)) if offset else None,
        "count_estimated": False,
    }
