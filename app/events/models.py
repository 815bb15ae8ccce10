"""The outbox: what is owed to whom. A row goes when its message has been delivered."""

import datetime as dt
from urllib.parse import urlsplit

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.columns import PlainText, UtcDateTime
from app.extensions import Model
from app.frames.models import Frame, Id, Version

BROKER = "broker"  # the name of that target; a webhook's is its URL


def label_target(name: str) -> str:
    """Return what is shown of a target: of a webhook only its host, as the rest of its address may be secret."""
    return name if name == BROKER else urlsplit(name).hostname or "webhook"


class EventTarget(Model):
    """One that is told of each version that is archived: the message broker, or a webhook.

    One publisher at a time has it, for as long as its lease lasts, so that messages go out in the order of their ids.
    """

    __tablename__ = "event_target"

    name: Mapped[str] = mapped_column(PlainText, primary_key=True)
    lease_owner: Mapped[str] = mapped_column(PlainText, default="")  # host and process of the publisher that has it
    due: Mapped[dt.datetime] = mapped_column(UtcDateTime)  # when its lease ends, or, after a failure, the next try
    failures: Mapped[int] = mapped_column(default=0)  # since the last success
    error: Mapped[str] = mapped_column(PlainText, default="")


class OwedEvent(Model):
    """One message that is owed: that a version of a frame was archived. Written with the version's own row."""

    __tablename__ = "owed_event"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    target: Mapped[str] = mapped_column(PlainText)
    frame_id: Mapped[int] = mapped_column(ForeignKey(Frame.id, ondelete="CASCADE"), index=True)  # goes with its frame
    version_id: Mapped[int] = mapped_column(ForeignKey(Version.id, ondelete="CASCADE"), index=True)
    created: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    refusal: Mapped[str] = mapped_column(PlainText, default="")  # why its target will not have it

    __table_args__ = (Index("ix_owed_event_target", "target", "refusal", "id"),)  # the next ones to send
