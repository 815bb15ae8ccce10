"""Frames as JSON."""

import datetime as dt
from http import HTTPStatus
from typing import Any

import orjson
from flask import Blueprint, Response

from app.accounts.viewer import current_viewer, require_ingester
from app.addresses import address_with
from app.extensions import db
from app.frames import actions, lists, queries
from app.frames.aggregates import AGGREGATES, list_values
from app.frames.lists import FramePage
from app.frames.records import build_record
from app.frames.schemas import LARGEST_RECORD_BYTES, PostedFrameSchema
from app.frames.search import AggregateSchema, RecordSchema, SearchSchema
from app.paging import build_links
from app.params import parse_body, parse_query
from app.times import format_time

blueprint = Blueprint("frames_api", __name__)


@blueprint.get("/frames/")
def list_frames() -> Response:
    """Search for frames."""
    search = parse_query(SearchSchema())
    page = lists.list_frames(current_viewer(), search)
    options = {
        "related_frames": search.get("include_related_frames", True),
        "thumbnails": search.get("include_thumbnails", False),
    }
    return respond(_links(page) | {"results": [build_record(frame, **options) for frame in page.frames]})


@blueprint.post("/frames/")
def post_frame() -> Response:
    """Create a frame, or update the one of this basename; its sender has stored its file."""
    viewer = require_ingester()
    new = parse_body(PostedFrameSchema(), LARGEST_RECORD_BYTES)
    frame_id = actions.save_posted_frame(new)
    db.session.commit()
    return respond(build_record(queries.get_written_frame(viewer, frame_id, new)), HTTPStatus.CREATED)


@blueprint.get("/frames/aggregate/")
def show_aggregate() -> Response:
    """The values that the frames of a search have; what is empty is none."""
    values = list_values(current_viewer(), AGGREGATES.values(), parse_query(AggregateSchema()))
    found = {name: [value for value in values[column] if value] for name, column in AGGREGATES.items()}
    return respond(found | {"generated_at": format_time(dt.datetime.now(dt.UTC))})


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


def respond(body: Any, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(orjson.dumps(body), status, mimetype="application/json")


def _links(page: FramePage) -> dict[str, Any]:
    if page.count is None:
        return {
            "next": address_with(cursor=page.next_cursor.to_token()) if page.next_cursor else None,
            "previous": address_with(cursor=page.previous_cursor.to_token()) if page.previous_cursor else None,
        }
    return build_links(page.count, page.limit, page.offset, page.has_more) | {"count_estimated": page.is_estimated}
