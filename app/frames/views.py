"""Frames in a browser: the search page, a frame's page and its previews."""

from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, current_app, make_response, render_template, request

from app.accounts.viewer import Viewer, current_viewer
from app.addresses import address_with
from app.downloads.actions import grant_link
from app.embargoes.queries import list_rulings_on_frame
from app.errors import BadRequest, wants_html
from app.frames import api, lists, queries, visibility
from app.frames.angles import format_dec, format_ra
from app.frames.chart import build_chart
from app.frames.configuration_types import ConfigurationTypes
from app.frames.facets import count_facets
from app.frames.queries import FoundFrame
from app.frames.search import DEFAULT_ORDERING, SearchSchema
from app.frames.search_form import build_search_form
from app.ingest.queries import find_preview_state
from app.paging import LARGEST_LIMIT
from app.params import parse_query
from app.pictures import build_picture

PAGE_SIZES = (25, 50, 100, 200)
LONGEST_RELATED = 25  # rows of a page; a master bias is used by thousands of frames

blueprint = Blueprint("frames_views", __name__)
blueprint.add_app_template_filter(format_ra, "ra")
blueprint.add_app_template_filter(format_dec, "dec")
blueprint.add_app_template_global(grant_link)


@blueprint.app_template_test("public")
def is_public(row: Any) -> bool:
    """Say whether the world may see a frame's row by now."""
    return visibility.is_public(row.public_date)


@blueprint.get("/")
def search() -> Response:
    """The search form, and what it finds: at first, the newest frames."""
    viewer = current_viewer()
    results, errors, status = None, {}, HTTPStatus.OK
    try:
        results = _find(viewer, parse_query(SearchSchema()))
    except BadRequest as error:
        errors, status = error.fields, error.status
    form = build_search_form(request.args, errors)
    choices = {facet: sorted(counts) for facet, counts in count_facets(viewer, {}).items()}
    choices["configuration_type"] = sorted({*choices["configuration_type"], *_get_configuration_types()})
    return make_response(render_template("frames/search.html", form=form, choices=choices, results=results), status)


@blueprint.get("/frames/<int:frame_id>/")
def show_frame(frame_id: int) -> Response:
    """One frame: a page for a browser, JSON for a program."""
    response = _show_page(frame_id) if wants_html() else api.show_frame(frame_id)
    response.vary.add("Accept")
    return response


@blueprint.get("/frames/<int:frame_id>/previews/<any(small, medium, large):size>.jpg")
def show_preview(frame_id: int, size: str) -> Response:
    """A frame's picture."""
    return build_picture(queries.get_thumbnail(current_viewer(), frame_id, size))


def _find(viewer: Viewer, search: dict[str, Any]) -> dict[str, Any]:
    limit, offset = min(search.get("limit", PAGE_SIZES[0]), LARGEST_LIMIT), search.get("offset", 0)
    asked = {name: value for name, value in search.items() if name not in {"cursor", "pagination_style"}}
    options = {"limit": limit, "include_thumbnails": True, "include_related_frames": False}
    page = lists.list_frames(viewer, asked | options)
    count = page.count or 0
    return {
        "frames": page.frames,
        "count": count,
        "first": offset + 1,
        "last": offset + len(page.frames),
        "limit": limit,
        "page_sizes": PAGE_SIZES,
        "ordering": search.get("ordering", DEFAULT_ORDERING),
        "position": search.get("position"),
        "previous": address_with(offset=max(offset - limit, 0) or None) if offset else None,
        "next": address_with(offset=offset + limit) if offset + limit < count else None,
    }


def _get_configuration_types() -> frozenset[str]:
    types: ConfigurationTypes = current_app.extensions["configuration_types"]
    return types.get_known()


def _show_page(frame_id: int) -> Response:
    viewer = current_viewer()
    frame = queries.get_frame(viewer, frame_id)
    related, named_ids = queries.list_related(viewer, frame_id), queries.list_named_ids(frame_id)
    page = render_template(
        "frames/frame.html",
        frame=frame,
        chart=build_chart(frame.row.area) if frame.row.area is not None else None,
        headers=queries.get_headers(viewer, frame_id),
        header_wanted=request.args.get("header", "").strip(),
        preview_state="" if frame.thumbnails else find_preview_state(frame_id),
        related={"Made from": _among(related, named_ids, True), "Used by": _among(related, named_ids, False)},
        longest_related=LONGEST_RELATED,
        rulings=list_rulings_on_frame(frame_id, frame.row.proposal_id) if viewer.is_admin else (),
    )
    return make_response(page)


def _among(frames: list[FoundFrame], ids: set[int], is_in: bool) -> list[FoundFrame]:
    return [frame for frame in frames if (frame.row.id in ids) == is_in]
