"""Reads of carts: whose it is, and what of it its viewer may see by now."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select

from app.accounts.queries import hash_secret
from app.accounts.viewer import Viewer
from app.carts.models import Cart, CartFrame
from app.extensions import db
from app.frames.models import Frame, Version
from app.frames.visibility import visible_to


@dataclass(frozen=True)
class CartSummary:
    """What is in a cart; nothing where there is no cart."""

    count: int = 0
    size: int = 0  # bytes


def find_cart(viewer: Viewer, key: str) -> Cart | None:
    """Return a user's cart, whatever browser they use, or else that of a browser's key."""
    if viewer.user_id is not None:
        return db.session.scalar(select(Cart).where(Cart.user_id == viewer.user_id))
    return db.session.scalar(select(Cart).where(Cart.key_hash == hash_secret(key))) if key else None


def summarize(viewer: Viewer, cart: Cart | None) -> CartSummary:
    """Count what the viewer may see of a cart, and add up the sizes of the newest files."""
    if cart is None:
        return CartSummary()
    newest = select(func.max(Version.id)).where(Version.frame_id == Frame.id).correlate(Frame).scalar_subquery()
    size = func.coalesce(func.sum(Version.size), 0)
    statement = select(func.count(), size).select_from(Frame).outerjoin(Version, Version.id == newest)
    count, size_bytes = db.session.execute(statement.where(*_in_cart(viewer, cart))).one()
    return CartSummary(count, int(size_bytes or 0))


def list_cart_ids(viewer: Viewer, cart: Cart | None) -> list[int]:
    """Return the ids of the frames of a cart, the newest observation first."""
    if cart is None:
        return []
    statement = select(Frame.id).where(*_in_cart(viewer, cart))
    return list(db.session.scalars(statement.order_by(Frame.observation_date.desc(), Frame.id.desc())))


def find_in_cart(cart: Cart | None, ids: Collection[int]) -> set[int]:
    """Return which of some frames, which the viewer sees anyway, are in a cart."""
    if cart is None:
        return set()
    statement = select(CartFrame.frame_id).where(CartFrame.cart_id == cart.id, CartFrame.frame_id.in_(ids))
    return set(db.session.scalars(statement))


def _in_cart(viewer: Viewer, cart: Cart) -> list[ColumnElement[bool]]:
    return [Frame.id.in_(select(CartFrame.frame_id).where(CartFrame.cart_id == cart.id)), visible_to(viewer)]
