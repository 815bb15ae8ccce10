"""The cart: its page, what is put into it and taken out, and what is taken home of it.

All of it works by forms. A script sends the same forms, and gets JSON: what is in the cart then, and what to say.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from flask import Blueprint, Response, after_this_request, flash, g, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from app.accounts.viewer import current_viewer
from app.addresses import address_with, own_address
from app.calibrations.queries import MOST_FRAMES, find_calibrations
from app.calibrations.records import Together
from app.carts import actions, queries
from app.carts.models import Cart
from app.carts.queries import CartSummary
from app.downloads.api import respond_zip
from app.errors import ArchiveError, BadRequest, wants_html
from app.exports.actions import respond_export
from app.exports.schemas import ExportSchema
from app.extensions import db, get_config
from app.fields import LARGEST_BIGINT
from app.frames.lists import Ids, iter_frames, list_all_ids
from app.pages import format_count, format_size
from app.paging import PageSchema
from app.params import build_bad_parameter, parse_query
from app.settings import PRODUCTION

PAGE_SIZE = 100

blueprint = Blueprint("carts", __name__)


@blueprint.app_template_global()
def summarize_cart() -> CartSummary:
    """Return what is in the cart of whoever looks; the page of an error must not fail because of it."""
    try:
        return queries.summarize(current_viewer(), _find_cart())
    except (ArchiveError, SQLAlchemyError):
        return CartSummary()


@blueprint.app_template_global()
def describe_cart(summary: CartSummary) -> str:
    """Say how many frames, and how large."""
    frames = f"{format_count(summary.count)} frame{'' if summary.count == 1 else 's'}"
    return f"{frames}, {format_size(summary.size)}" if summary.count else frames


@blueprint.app_template_global()
def find_in_cart(frames: Sequence[Any]) -> set[int]:
    """Return the ids of those of some frames of a page that are in the cart."""
    return queries.find_in_cart(_find_cart(), [frame.row.id for frame in frames])


@blueprint.app_template_global()
def get_cart_limit() -> int:
    """Return how many frames a cart takes."""
    return get_config().cart_most_frames


@blueprint.get("/cart")
def show_cart() -> str:
    """The cart's page."""
    viewer, cart = current_viewer(), _find_cart()
    offset = parse_query(PageSchema())["offset"]
    ids = queries.list_cart_ids(viewer, cart)
    frames = next(iter_frames(viewer, "cart", ids[offset : offset + PAGE_SIZE], {"include_thumbnails": True}), [])
    return render_template(
        "carts/cart.html",
        frames=frames,
        count=len(ids),
        first=offset + 1,
        last=offset + len(frames),
        previous=address_with(offset=max(offset - PAGE_SIZE, 0) or None) if offset else None,
        next=address_with(offset=offset + PAGE_SIZE) if offset + PAGE_SIZE < len(ids) else None,
        most=get_config().cart_most_frames,
        days=get_config().cart_days,
    )


@blueprint.get("/cart.<any(csv, vot, jsonl, reg, txt, sh):ending>")
def export_cart(ending: str) -> Response:
    """The cart in one of the forms of an export."""
    viewer = current_viewer()
    return respond_export(viewer, ending, queries.list_cart_ids(viewer, _find_cart()))


@blueprint.get("/cart.zip")
def zip_cart() -> Response:
    """The newest files of the cart's frames in one zip."""
    viewer = current_viewer()
    return respond_zip(viewer, queries.list_cart_ids(viewer, _find_cart()))


@blueprint.post("/cart/add")
def add() -> ResponseReturnValue:
    """Put some frames into the cart."""
    return _add(_read_ids())


@blueprint.post("/cart/add-all")
def add_all() -> ResponseReturnValue:
    """Put all frames of a search into the cart: the parameters of the address are its."""
    return _add(list_all_ids(current_viewer(), parse_query(ExportSchema())))


@blueprint.post("/cart/add-calibrations")
def add_calibrations() -> ResponseReturnValue:
    """Put the best calibrations into the cart, of the frames that a form names, or of all that are in the cart."""
    viewer, cart = current_viewer(), _find_cart()
    ids = _read_ids() if request.form.get("frame_ids") else queries.list_cart_ids(viewer, cart)
    if len(ids) > MOST_FRAMES:
        message = f"Calibrations are looked for of at most {MOST_FRAMES:,} frames at a time, not of {len(ids):,}."
        raise BadRequest(f"{message} Add those of one page of a search after the other.", code="too_many")
    frames = next(iter_frames(viewer, "cart", ids, {"include_related_frames": False}), [])
    together = Together(find_calibrations(viewer, frames))
    known = queries.find_in_cart(cart, together.by_id)
    return _add(list(together.by_id), together.describe(known))


@blueprint.post("/cart/remove")
def remove() -> ResponseReturnValue:
    """Take some frames out of the cart."""
    cart, ids = _find_cart(), _read_ids()
    if cart is not None:
        actions.remove_frames(cart, ids)
    return _answer(f"{_count(len(ids))} removed from the cart.")


@blueprint.post("/cart/empty")
def empty() -> ResponseReturnValue:
    """Take everything out of the cart."""
    cart = _find_cart()
    if cart is not None:
        actions.empty_cart(cart)
    return _answer("The cart is empty.")


def _add(ids: Ids, message: str = "") -> ResponseReturnValue:
    """Put frames into the cart, and say so, or what else there is to say of it."""
    most = get_config().cart_most_frames
    if len(ids) > most:
        fault = f"A cart takes at most {most:,} frames, not {len(ids):,}: search for fewer, or take the script."
        raise BadRequest(fault, code="cart_full")
    viewer = current_viewer()
    cart, key = actions.open_cart(viewer, _read_key())
    added = actions.add_frames(viewer, cart, ids)
    g.cart = cart  # its key is not in a cookie yet
    if key:
        after_this_request(partial(_keep_key, key))
    usual = f"{_count(added)} added to the cart." if added else "All of that is in the cart already."
    return _answer(message or usual)


def _answer(message: str) -> ResponseReturnValue:
    """Commit, and say what was done: on the page where the form was, or to a script."""
    db.session.commit()
    if wants_html():
        flash(message, "good")
        return redirect(own_address(request.form.get("next", "")))
    summary = summarize_cart()
    return jsonify(message=message, cart=describe_cart(summary), count=summary.count)


def _count(count: int) -> str:
    return f"{format_count(count)} frame{'' if count == 1 else 's'}"


def _read_ids() -> list[int]:
    """Read the frames of a form, whose numbers may stand in one field together."""
    texts = " ".join(request.form.getlist("frame_ids")).split()
    if not texts or not all(text.isascii() and text.isdecimal() and int(text) <= LARGEST_BIGINT for text in texts):
        raise build_bad_parameter({"frame_ids": ["Name the frames by their ids."]})
    return [int(text) for text in texts]


def _find_cart() -> Cart | None:
    if "cart" not in g:
        g.cart = queries.find_cart(current_viewer(), _read_key())
    cart: Cart | None = g.cart
    return cart


def _read_key() -> str:
    return request.cookies.get(actions.name_cookie(), "")


def _keep_key(key: str, response: Response) -> Response:
    is_production = get_config().environment == PRODUCTION
    age_s = get_config().cart_days * 86400
    response.set_cookie(actions.name_cookie(), key, age_s, secure=is_production, httponly=True, samesite="Lax")
    return response
