"""Searches that users keep, the new frames that were found for them, and what has been, or is to be, sent of these."""

import datetime as dt
from enum import StrEnum

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import User
from app.columns import PlainText, UtcDateTime
from app.extensions import Model
from app.frames.models import Frame, Id


class Way(StrEnum):
    """How a user is told of new frames."""

    NONE = ""
    MAIL = "mail"
    WEBHOOK = "webhook"


class Kind(StrEnum):
    """What a message is about."""

    FRAMES = "frames"
    CONFIRMATION = "confirmation"  # it asks whoever reads the mail of an address


class SavedSearch(Model):
    """A search that a user keeps, and how they are told of frames that it finds from then on."""

    __tablename__ = "saved_search"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)  # one user's
    key: Mapped[str] = mapped_column(PlainText, unique=True)  # what links name it by, signed: no other ever has it
    name: Mapped[str] = mapped_column(PlainText)
    query: Mapped[str] = mapped_column(PlainText)  # the parameters of its address
    created: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    way: Mapped[str] = mapped_column(PlainText, default=Way.NONE)
    recipient: Mapped[str] = mapped_column(PlainText, default="")  # a mail address, or a webhook's
    confirmed: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)  # when somebody said that the mail is theirs
    daily_hour: Mapped[int | None]  # UTC; none: at once
    pause: Mapped[str] = mapped_column(PlainText, default="")  # why nothing is sent
    watched_since: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)  # none while nothing shall be found
    due: Mapped[dt.datetime] = mapped_column(UtcDateTime)  # when what was found may be told
    failures: Mapped[int] = mapped_column(default=0)  # since the last success
    error: Mapped[str] = mapped_column(PlainText, default="")
    told: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)  # the last time
    told_count: Mapped[int] = mapped_column(default=0)  # of frames, that time

    user: Mapped[User] = relationship()

    __table_args__ = (Index("ix_saved_search_watched_since", "watched_since"),)  # those that are looked for

    @property
    def is_watched(self) -> bool:
        """Whether new frames are looked for."""
        return bool(self.way) and not self.pause and (self.way != Way.MAIL or self.confirmed is not None)


class FoundFrame(Model):
    """A frame that was new for a saved search: it is told of once."""

    __tablename__ = "found_frame"

    saved_search_id: Mapped[int] = mapped_column(ForeignKey(SavedSearch.id, ondelete="CASCADE"), primary_key=True)
    frame_id: Mapped[int] = mapped_column(
        ForeignKey(Frame.id, ondelete="CASCADE"),
        primary_key=True,
        index=True,  # where a frame is deleted
    )
    message_key: Mapped[str | None] = mapped_column(PlainText)  # of the message that tells of it; none: still to come
    found: Mapped[dt.datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_found_frame_message_key", "saved_search_id", "message_key"),)  # a message's frames


class AlertMessage(Model):
    """A mail or a call of a webhook. It stays for a while after it was sent, as mails are counted."""

    __tablename__ = "alert_message"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(PlainText, unique=True)  # the receiver knows it by this, however often it comes
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    saved_search_id: Mapped[int | None] = mapped_column(
        ForeignKey(SavedSearch.id, ondelete="SET NULL"),
        index=True,  # where a search is deleted
    )
    kind: Mapped[str] = mapped_column(PlainText)
    way: Mapped[str] = mapped_column(PlainText)
    recipient: Mapped[str] = mapped_column(PlainText)
    made: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    due: Mapped[dt.datetime] = mapped_column(UtcDateTime)  # of the next try
    begun: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)  # of a try of which nobody knows how it ended
    sent: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        Index("ix_alert_message_sent", "sent", "due"),  # what is to be sent next; what is old
        Index("ix_alert_message_user_id", "user_id", "made"),  # how many a user has caused
        Index("ix_alert_message_recipient", "recipient", "made"),  # and how often an address was asked
    )


class Watch(Model):
    """How far the archive's changes have been looked through, and which process does that. There is one row."""

    __tablename__ = "alert_watch"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(PlainText, default="")
    due: Mapped[dt.datetime] = mapped_column(UtcDateTime)  # when the owner's lease ends
    position: Mapped[str] = mapped_column(PlainText, default="")  # as `app.frame_columns.queries` writes it
    looked: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
