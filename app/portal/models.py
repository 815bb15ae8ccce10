"""What the Observation Portal said of a token, for as long as it is remembered."""

import datetime as dt

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import User
from app.columns import PlainText, UtcDateTime
from app.extensions import Model


class PortalToken(Model):
    """A token that the portal was asked about. Only its hash is kept."""

    __tablename__ = "portal_token"

    token_hash: Mapped[str] = mapped_column(PlainText, primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)  # goes with them
    refusal: Mapped[str] = mapped_column(PlainText, default="")  # why it opens nothing; empty: it does
    expires: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)  # what is over is deleted
    user: Mapped[User | None] = relationship()
