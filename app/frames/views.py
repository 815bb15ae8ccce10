"""Frames in a browser: the search page, a frame's page and its previews."""

import math
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from flask import Blueprint, current_app, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.accounts.viewer import current_viewer
from app.addresses import own_address
from app.aladin import find_aladin
from app.columns import Ring
from app.downloads.actions import grant_link
from app.embargoes.queries import list_rulings_on_frame
from app.errors import BadRequest, wants_html
from app.frames import api, lists, queries, visibility
from app.frames.angles import format_dec, format_ra, format_size
from app.frames.chart import SkyChart, build_chart
from app.frames.configuration_types import ConfigurationTypes
from app.frames.queries import FoundFrame
from app.frames.search_page import PAGE_SIZES, build_search_page
from app.frames.sphere import to_unit_vectors
from app.frames.table import COLUMNS, choose_columns
from app.frames.tangent_plane import TangentPlane
from app.ingest.queries import find_preview_state
from app.pages import current_preferences
from app.pictures import build_picture
from app.preferences import COOKIE, COOKIE_LIFE_S, choose

SMALLEST_NEAR_DEG = 1 / 60
LONGEST_RELATED = 25  # rows of a page; a master bias is used by thousands of frames

blueprint = Blueprint("frames_views", __name__)
blueprint.add_app_template_filter(format_ra, "ra")
blueprint.add_app_template_filter(format_dec, "dec")
blueprint.add_app_template_filter(lambda size_deg: format_size(math.radians(size_deg)), "angle")
blueprint.add_app_template_global(grant_link)


@blueprint.app_template_test("public")
def is_public(row: Any) -> bool:
    """Say whether the world may see a frame's row by now."""
    return visibility.is_public(row.public_date)


@blueprint.app_template_filter("middle")
def find_middle(ring: Ring) -> tuple[float, float]:
    """Return RA and Dec, in degrees, of the middle of a footprint."""
    return TangentPlane.about(to_unit_vectors(ring)[:-1]).center_deg


@blueprint.get("/")
def search() -> Response:
    """The search page: at first, the newest frames."""
    types: ConfigurationTypes = current_app.extensions["configuration_types"]
    offered = {"configuration_type": types.get_known()}
    page = build_search_page(current_viewer(), url_for(".search"), request.args, offered)
    columns = choose_columns(current_preferences().columns)
    status = HTTPStatus.OK if page.results else HTTPStatus.BAD_REQUEST
    facts = {"page": page, "columns": columns, "all_columns": COLUMNS, "page_sizes": PAGE_SIZES}
    aladin = find_aladin()
    response = make_response(render_template("frames/search.html", **facts, aladin=aladin), status)
    if aladin:
        response.headers["Content-Security-Policy"] = aladin.policy
    return response


@blueprint.get("/help")
def show_help() -> str:
    """How to search, by examples that are links."""
    frames = lists.list_frames(current_viewer(), {"limit": 1, "include_related_frames": False}).frames
    return render_template("frames/help.html", newest=frames[0].row if frames else None)


@blueprint.post("/preferences")
def set_preferences() -> Response:
    """Write what a person likes into their cookie, and show the page again from which they came.

    Whoever has no session has no CSRF token; browsers say from where a form comes.
    """
    origin = request.headers.get("Origin")
    if origin and urlsplit(origin).netloc != request.host:
        raise BadRequest("What you like can be changed by the archive's own pages only.", code="csrf")
    chosen = choose(request.form.to_dict(flat=False), current_preferences())
    response = redirect(own_address(request.form.get("back", "")))
    is_secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
    response.set_cookie(COOKIE, chosen.to_text(), COOKIE_LIFE_S, secure=is_secure, httponly=True, samesite="Lax")
    return response


@blueprint.get("/frames/<int:frame_id>/")
def show_frame(frame_id: int) -> Response:
    """One frame: a page for a browser, JSON for a program.

    The JSON has an ETag. With that in If-None-Match, the answer is a 304 as long as the record is the same, and the
    links in the client's copy work for half of their life at least.
    """
    return _show_page(frame_id) if wants_html() else api.show_frame(frame_id)


@blueprint.get("/frames/<int:frame_id>/previews/<any(small, medium, large):size>.jpg")
def show_preview(frame_id: int, size: str) -> Response:
    """A frame's picture."""
    return build_picture(queries.get_thumbnail(current_viewer(), frame_id, size))


def _find_near_deg(ring: Ring, chart: SkyChart) -> float:
    """Return how far a footprint reaches from its middle, to two digits, in degrees."""
    corners, middle = to_unit_vectors(ring), to_unit_vectors([chart.center_deg])[0]
    radius_deg = math.degrees(float(np.linalg.norm(corners - middle, axis=1).max()))  # a chord, which is no longer
    return max(float(f"{radius_deg:.2g}"), SMALLEST_NEAR_DEG)


def _show_page(frame_id: int) -> Response:
    viewer = current_viewer()
    frame = queries.get_frame(viewer, frame_id, {"include_related_frames": False, "include_thumbnails": True})
    related, named_ids = queries.list_related(viewer, frame_id), queries.list_named_ids(frame_id)
    chart = build_chart(np.array(frame.row.area)) if frame.row.area else None
    page = render_template(
        "frames/frame.html",
        frame=frame,
        chart=chart,
        near_deg=_find_near_deg(frame.row.area, chart) if chart else None,
        neighbours=lists.find_neighbours(viewer, frame.row),
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
