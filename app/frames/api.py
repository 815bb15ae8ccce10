"""Frames as JSON."""

import datetime as dt
import hashlib
from http import HTTPStatus
from typing import Any

import orjson
from flask import Blueprint, Response, request

from app.accounts.viewer import current_viewer, require_ingester
from app.addresses import address_with
from app.downloads.actions import Links, find_link_period
from app.extensions import db
from app.frames import actions, lists, queries
from app.frames.aggregates import AGGREGATES, list_values
from app.frames.lists import FramePage
from app.frames.records import build_record, build_records
from app.frames.schemas import LARGEST_RECORD_BYTES, PostedFrameSchema
from app.frames.search import AggregateSchema, RecordSchema, SearchSchema
from app.paging import build_links
from app.params import parse_body, parse_query
from app.times import dump_json, format_time

#: Made once: to make the largest takes a millisecond.
SEARCH, AGGREGATE, RECORD = SearchSchema(), AggregateSchema(), RecordSchema()

blueprint = Blueprint("frames_api", __name__)


@blueprint.get("/frames/")
def list_frames() -> Response:
    """Search for frames."""
    search = parse_query(SEARCH)
    page = lists.list_frames(current_viewer(), search)
    return respond(_links(page) | {"results": build_records(page.frames, Links(), search)})


@blueprint.post("/frames/")
def post_frame() -> Response:
    """Create a frame, or update the one of this basename; its sender has stored its file."""
    viewer = require_ingester()
    new = parse_body(PostedFrameSchema(), LARGEST_RECORD_BYTES)
    frame_id = actions.save_posted_frame(new)
    db.session.commit()
    return respond(build_record(queries.get_written_frame(viewer, frame_id, new), Links()), HTTPStatus.CREATED)


@blueprint.get("/frames/aggregate/")
def show_aggregate() -> Response:
    """The values that the frames of a search have; what is empty is none."""
    values = list_values(current_viewer(), AGGREGATES.values(), parse_query(AGGREGATE))
    found = {name: [value for value in values[column] if value] for name, column in AGGREGATES.items()}
    return respond(found | {"generated_at": format_time(dt.datetime.now(dt.UTC))})


@blueprint.get("/frames/<int:frame_id>/headers/")
def show_headers(frame_id: int) -> Response:
    """The FITS header of a frame."""
    body = orjson.dumps({"data": queries.get_headers(current_viewer(), frame_id)})
    return _respond_if_new(body, body)


@blueprint.get("/frames/<int:frame_id>/related/")
def list_related(frame_id: int) -> Response:
    """The frames that a frame names, and those that name it."""
    return respond(build_records(queries.list_related(current_viewer(), frame_id), Links(), {}))


def show_frame(frame_id: int) -> Response:
    """One frame's record. The address is shared with the page: see `app.frames.views`."""
    options = parse_query(RECORD)
    (record,) = build_records([queries.get_frame(current_viewer(), frame_id, options)], Links(), options)
    body, period = dump_json(record), find_link_period()
    for linked in (record, *record["version_set"], *record.get("thumbnails", ())):
        linked["url"] = period
    return _respond_if_new(body, dump_json(record))


def respond(body: Any, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(dump_json(body), status, mimetype="application/json")


def _respond_if_new(body: bytes, lasting: bytes) -> Response:
    """Answer with a body, or say that the client has it.

    Parameters
    ----------
    lasting
        What must be the same if the client's copy is to be as good as the body.
    """
    response = Response(body, mimetype="application/json")
    response.set_etag(hashlib.blake2b(lasting, digest_size=16).hexdigest(), weak=True)
    response.make_conditional(request)
    return response


def _links(page: FramePage) -> dict[str, Any]:
    if page.count is None:
        return {
            "next": address_with(cursor=page.next_cursor.to_token()) if page.next_cursor else None,
            "previous": address_with(cursor=page.previous_cursor.to_token()) if page.previous_cursor else None,
        }
    return build_links(page.count, page.limit, page.offset, page.has_more) | {"count_estimated": page.is_estimated}
