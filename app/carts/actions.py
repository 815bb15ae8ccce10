"""Writes of carts. The caller commits."""

import datetime as dt
import secrets
from collections.abc import Iterable, Sequence

from sqlalchemy import delete, func, select

from app.accounts.models import User
from app.accounts.queries import hash_secret
from app.accounts.viewer import Viewer
from app.carts.models import Cart, CartFrame
from app.carts.queries import find_cart
from app.errors import BadRequest
from app.extensions import db, get_config, get_table, insert_for_dialect
from app.frames.lists import Ids
from app.frames.models import Frame
from app.frames.visibility import visible_to
from app.settings import PRODUCTION

IDS_AT_A_TIME = 1000
COOKIE, SAFE_COOKIE = "cart", "__Host-cart"  # no other host can set the second


def name_cookie() -> str:
    """Return the name of the cookie that holds the key of a browser's cart."""
    return SAFE_COOKIE if get_config().environment == PRODUCTION else COOKIE


def open_cart(viewer: Viewer, key: str) -> tuple[Cart, str]:
    """Return the viewer's cart, a new one if there is none, and the key that a browser without log-in keeps."""
    cart = find_cart(viewer, key)
    if cart is None:
        key = "" if viewer.user_id is not None else secrets.token_urlsafe(30)
        cart = Cart(user_id=viewer.user_id, key_hash=hash_secret(key) if key else None)
        db.session.add(cart)
    cart.used = dt.datetime.now(dt.UTC)
    db.session.flush()
    return cart, key


def add_frames(viewer: Viewer, cart: Cart, ids: Ids) -> int:
    """Put frames that the viewer may see into a cart; return how many were not in it.

    Raises
    ------
    BadRequest
        If the cart would have more than CART_MOST_FRAMES.
    """
    before = _count(cart)
    for begin in range(0, len(ids), IDS_AT_A_TIME):
        wanted = [int(frame_id) for frame_id in ids[begin : begin + IDS_AT_A_TIME]]
        visible = db.session.scalars(select(Frame.id).where(Frame.id.in_(wanted), visible_to(viewer)))
        _put(cart, visible)
    added, most = _count(cart) - before, get_config().cart_most_frames
    if before + added > most:
        db.session.rollback()  # the page that tells of it must not count them
        message = f"A cart takes at most {most:,} frames; with these it would have {before + added:,}."
        raise BadRequest(f"{message} Search for fewer, or take the script of the search itself.", code="cart_full")
    return added


def remove_frames(cart: Cart, ids: Sequence[int]) -> None:
    """Take frames out of a cart."""
    db.session.execute(delete(CartFrame).where(CartFrame.cart_id == cart.id, CartFrame.frame_id.in_(ids)))


def empty_cart(cart: Cart) -> None:
    """Take everything out of a cart."""
    db.session.execute(delete(CartFrame).where(CartFrame.cart_id == cart.id))


def hand_over_cart(key: str, user: User) -> None:
    """Give the cart of a browser to the user who logs in with it: what it holds comes to what theirs does.

    Theirs may then hold more than CART_MOST_FRAMES: nothing is lost by logging in.
    """
    anonymous = db.session.scalar(select(Cart).where(Cart.key_hash == hash_secret(key)))
    if anonymous is None:
        return
    own, _ = open_cart(Viewer(user_id=user.id), "")
    _put(own, db.session.scalars(select(CartFrame.frame_id).where(CartFrame.cart_id == anonymous.id)).all())
    db.session.execute(delete(Cart).where(Cart.id == anonymous.id))


def prune_carts() -> None:
    """Delete the carts that nobody has changed for CART_DAYS."""
    oldest = dt.datetime.now(dt.UTC) - dt.timedelta(days=get_config().cart_days)
    db.session.execute(delete(Cart).where(Cart.used < oldest))


def _put(cart: Cart, ids: Iterable[int]) -> None:
    rows = [{"cart_id": cart.id, "frame_id": frame_id} for frame_id in ids]
    if rows:
        db.session.execute(insert_for_dialect(get_table(CartFrame)).on_conflict_do_nothing(), rows)


def _count(cart: Cart) -> int:
    statement = select(func.count()).select_from(CartFrame).where(CartFrame.cart_id == cart.id)
    return db.session.scalar(statement) or 0
