"""Rulings on when frames become public, and what the frames that are under one say themselves."""

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.columns import PlainText, UtcDateTime
from app.extensions import Model
from app.frames.models import Frame, Id


class Embargo(Model):
    """A ruling on one frame, or on the frames of a proposal, present and to come. Its row is never changed.

    For a frame the newest ruling on it decides, or else, unless that stands, the newest on its proposal.
    """

    __tablename__ = "embargo"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    frame_id: Mapped[int | None] = mapped_column(ForeignKey(Frame.id, ondelete="CASCADE"))
    proposal_id: Mapped[str | None] = mapped_column(PlainText)
    stands: Mapped[bool]  # false: it ends the ruling before
    public_date: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)  # none while it stands: until further notice
    public_date_before: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)  # of a frame: what it had until then
    frame_count: Mapped[int] = mapped_column(default=0)  # whose date it decided on at that moment
    username: Mapped[str] = mapped_column(PlainText)
    reason: Mapped[str] = mapped_column(PlainText)
    created: Mapped[dt.datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        CheckConstraint("(frame_id IS NULL) <> (proposal_id IS NULL)", name="of_one"),
        Index("ix_embargo_frame_id", "frame_id", "id"),  # the newest on a frame
        Index("ix_embargo_proposal_id", "proposal_id", "id"),  # the newest on a proposal
    )


class EmbargoedFrame(Model):
    """A frame under a ruling that stands, with the public date that its own record says."""

    __tablename__ = "embargoed_frame"

    frame_id: Mapped[int] = mapped_column(ForeignKey(Frame.id, ondelete="CASCADE"), primary_key=True)
    embargo_id: Mapped[int] = mapped_column(ForeignKey(Embargo.id, ondelete="CASCADE"), index=True)  # a ruling's frames
    public_date: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class OpenedFrame(Model):
    """A frame that was hidden until a ruling, or a new record, made it public: for who is told of new frames."""

    __tablename__ = "opened_frame"

    frame_id: Mapped[int] = mapped_column(ForeignKey(Frame.id, ondelete="CASCADE"), primary_key=True)
    opened: Mapped[dt.datetime] = mapped_column(UtcDateTime)
