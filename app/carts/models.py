"""Carts of frames to take home. A cart belongs to a user, or to a browser whose cookie has its key."""

import datetime as dt

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.models import User
from app.columns import PlainText, UtcDateTime
from app.extensions import Model
from app.frames.models import Frame, Id


class Cart(Model):
    """A cart; one of `user_id` and `key_hash` is given."""

    __tablename__ = "cart"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), unique=True)
    key_hash: Mapped[str | None] = mapped_column(PlainText, unique=True)  # only the cookie has the key
    used: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)  # those that nobody has used for long go


class CartFrame(Model):
    """A frame in a cart."""

    __tablename__ = "cart_frame"

    cart_id: Mapped[int] = mapped_column(ForeignKey(Cart.id, ondelete="CASCADE"), primary_key=True)
    frame_id: Mapped[int] = mapped_column(
        ForeignKey(Frame.id, ondelete="CASCADE"),
        primary_key=True,
        index=True,  # where a frame is deleted
    )
