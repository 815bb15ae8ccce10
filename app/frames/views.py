"""Frames in a browser: the search page, a frame's page and its previews."""

import io
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request, send_file

from app.accounts.viewer import Viewer, current_viewer
from app.addresses import address_with
from app.errors import BadRequest, NotFound, wants_html
from app.extensions import get_file_store
from app.frames import api, queries
from app.frames.chart import build_chart
from app.frames.queries import FoundFrame
from app.frames.records import build_record
from app.frames.search import DEFAULT_ORDERING, SEARCH_PARAMETERS, SearchSchema
from app.params import parse_query

PAGE_SIZES = (25, 50, 100, 200)
PREVIEW_LIFE_S = 3600

blueprint = Blueprint("frames_views", __name__)


@blueprint.get("/")
def search() -> Response:
    """The search form, and what it finds: at first, the newest frames."""
    viewer = current_viewer()
    form = {
        "parameters": [parameter for parameter in SEARCH_PARAMETERS if parameter.widget],
        "choices": queries.list_choices(viewer),
        "values": request.args,
    }
    try:
        results = _find(viewer, parse_query(SearchSchema()))
    except BadRequest as error:
        return make_response(render_template("frames/search.html", form=form, error=error), error.status)
    return make_response(render_template("frames/search.html", form=form, results=results, error=None))


@blueprint.get("/frames/<int:frame_id>/")
def show_frame(frame_id: int) -> Response:
    """One frame: a page for a browser, JSON for a program."""
    response = _show_page(frame_id) if wants_html() else api.show_frame(frame_id)
    response.vary.add("Accept")
    return response


@blueprint.get("/frames/<int:frame_id>/previews/<size>.jpg")
def show_preview(frame_id: int, size: str) -> Response:
    """A frame's picture."""
    thumbnail = queries.get_thumbnail(current_viewer(), frame_id, size)
    with get_file_store().get_fileobj(thumbnail.store_path, thumbnail.key) as file:
        if file is None:
            raise NotFound(f"The file store has lost the {size} preview of frame {frame_id}.", code="file_missing")
        jpeg = io.BytesIO(file.read())
    response = send_file(jpeg, mimetype="image/jpeg", etag=thumbnail.md5, max_age=PREVIEW_LIFE_S)
    response.cache_control.public, response.cache_control.private = False, True
    response.make_conditional(request.environ)
    return response


def _find(viewer: Viewer, search: dict[str, Any]) -> dict[str, Any]:
    search.setdefault("limit", PAGE_SIZES[0])
    page = queries.list_frames(viewer, search | {"include_thumbnails": True, "include_related_frames": False})
    limit, offset, count = search["limit"], search.get("offset", 0), page.count or 0
    return {
        "frames": page.frames,
        "count": count,
        "first": offset + 1,
        "last": offset + len(page.frames),
        "limit": limit,
        "page_sizes": PAGE_SIZES,
        "ordering": search.get("ordering", DEFAULT_ORDERING),
        "position": search.get("position"),
        "previous": address_with(offset=max(offset - limit, 0)) if offset else None,
        "next": address_with(offset=offset + limit) if offset + limit < count else None,
    }


def _show_page(frame_id: int) -> Response:
    viewer = current_viewer()
    frame = queries.get_frame(viewer, frame_id)
    related, named_ids = queries.list_related(viewer, frame_id), queries.list_named_ids(frame_id)
    wanted = request.args.get("header", "")
    headers = queries.get_headers(viewer, frame_id)
    page = render_template(
        "frames/frame.html",
        frame=frame,
        record=build_record(frame, thumbnails=True),
        chart=build_chart(frame.row.area) if frame.row.area is not None else None,
        headers={key: value for key, value in headers.items() if wanted.lower() in f"{key} {value}".lower()},
        header_wanted=wanted,
        names=_among(related, named_ids, True),
        named_by=_among(related, named_ids, False),
    )
    return make_response(page)


def _among(frames: list[FoundFrame], ids: set[int], is_in: bool) -> list[FoundFrame]:
    return [frame for frame in frames if (frame.row.id in ids) == is_in]
