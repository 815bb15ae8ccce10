"""Which frames have changed: written by triggers of the database, whoever changes a frame or its versions."""

import datetime as dt

from sqlalchemy import BigInteger, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from app.columns import UtcDateTime
from app.extensions import Model
from app.frames.models import Id


class FrameChange(Model):
    """A change of a frame: it was made, described anew, got or lost a version, or was deleted."""

    __tablename__ = "frame_change"
    __table_args__ = (
        Index("ix_frame_change_transaction_id", "transaction_id"),  # what changed since the last look
        Index("ix_frame_change_noted", "noted"),  # what is old enough to be forgotten
        {"sqlite_autoincrement": True},  # no id comes twice
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    frame_id: Mapped[int] = mapped_column(BigInteger)
    transaction_id: Mapped[int] = mapped_column(BigInteger)
    """PostgreSQL's: what commits late is noticed by it. SQLite has one writer at a time, and 0 here."""
    noted: Mapped[dt.datetime] = mapped_column(UtcDateTime, server_default=func.now())
