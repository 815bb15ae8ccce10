"""Frames, their versions, headers, thumbnails and relations. Each index has the search that needs it beside it."""

import datetime as dt
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.columns import PlainText, Ring, SkyRing, UtcDateTime
from app.extensions import Model

THUMBNAIL_SIZES = ("small", "medium", "large")

#: SQLite numbers rows by itself only where the type is INTEGER.
Id = BigInteger().with_variant(Integer(), "sqlite")


class Frame(Model):
    """One data product, known by its basename.

    A frame that others name as related before it has arrived has its basename only; it has no date, so it is
    not listed, and no public date, so it is hidden.
    """

    __tablename__ = "frame"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    basename: Mapped[str] = mapped_column(PlainText, unique=True)
    observation_date: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    observation_day: Mapped[dt.date | None]
    proposal_id: Mapped[str] = mapped_column(PlainText, default="")
    instrument_id: Mapped[str] = mapped_column(PlainText, default="")
    target_name: Mapped[str] = mapped_column(PlainText, default="")
    target_name_ascii: Mapped[str] = mapped_column(PlainText, default="")  # transliterated, in lower case
    reduction_level: Mapped[int] = mapped_column(default=0)
    site_id: Mapped[str] = mapped_column(PlainText, default="")
    telescope_id: Mapped[str] = mapped_column(PlainText, default="")
    exposure_time: Mapped[float | None]  # seconds
    primary_optical_element: Mapped[str] = mapped_column(PlainText, default="")
    public_date: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    configuration_type: Mapped[str] = mapped_column(PlainText, default="")
    observation_id: Mapped[int | None] = mapped_column(BigInteger)
    request_id: Mapped[int | None] = mapped_column(BigInteger)
    area: Mapped[Ring | None] = mapped_column(SkyRing)
    created: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    modified: Mapped[dt.datetime] = mapped_column(UtcDateTime)

    versions: Mapped[list["Version"]] = relationship(back_populates="frame", order_by="Version.id.desc()")

    __table_args__ = (
        Index("ix_frame_observation_date", "observation_date", "id"),  # the newest first; start and end
        Index("ix_frame_observation_day", "observation_day"),  # a night's page; the night before, and after
        Index("ix_frame_proposal_id", "proposal_id", "observation_date"),  # a proposal's newest; a viewer's own
        Index("ix_frame_request_id", "request_id"),  # a request's frames
        Index("ix_frame_observation_id", "observation_id"),  # an observation's frames
        Index(  # what has become public since a look
            "ix_frame_public_date",
            "public_date",
            postgresql_where=text("public_date > observation_date"),
            sqlite_where=text("public_date > observation_date"),
        ),
        Index("ix_frame_area", "area", postgresql_using="gist").ddl_if(dialect="postgresql"),  # cone, covers, polygon
        Index(  # basename contains
            "ix_frame_basename_trigram",
            "basename",
            postgresql_using="gin",
            postgresql_ops={"basename": "gin_trgm_ops"},
        ).ddl_if(dialect="postgresql"),
    )


class FileFault(StrEnum):
    """What the last audit that wrote down what it found said of a stored file."""

    NONE = ""
    MISSING = "missing"
    SIZE = "size"  # not the recorded one
    MD5 = "md5"  # not the recorded one


class Version(Model):
    """One stored file of a frame. The newest, which has the highest id, is the one that the frame's URL gives."""

    __tablename__ = "version"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    frame_id: Mapped[int] = mapped_column(ForeignKey(Frame.id, ondelete="CASCADE"), index=True)  # a frame's versions
    key: Mapped[str] = mapped_column(PlainText)  # the store's name of this version
    md5: Mapped[str] = mapped_column(PlainText, unique=True)  # a file that comes again is known by it
    extension: Mapped[str] = mapped_column(PlainText)
    size: Mapped[int | None] = mapped_column(BigInteger)  # bytes; unknown where an OCS client stored the file
    store_path: Mapped[str] = mapped_column(PlainText)
    file_fault: Mapped[str] = mapped_column(PlainText, default=FileFault.NONE)
    created: Mapped[dt.datetime] = mapped_column(UtcDateTime)

    frame: Mapped[Frame] = relationship(back_populates="versions")

    __table_args__ = (Index("ix_version_store_path", "store_path", "key"),)  # the audit walks the store in this order


class Header(Model):
    """A frame's FITS header. It has a table of its own because lists do not read it."""

    __tablename__ = "header"

    frame_id: Mapped[int] = mapped_column(ForeignKey(Frame.id, ondelete="CASCADE"), primary_key=True)
    data: Mapped[dict[str, Any]] = mapped_column(JSON)  # not JSONB, which would lose the order of the cards

    __table_args__ = (Index("ix_header_submitter", text("CAST(data ->> 'USERID' AS TEXT)")),)  # submitter


class Thumbnail(Model):
    """A small picture of a frame, kept in the file store."""

    __tablename__ = "thumbnail"
    __table_args__ = (
        UniqueConstraint("frame_id", "size"),  # a frame's thumbnails, one of each size
        Index("ix_thumbnail_store_path", "store_path", "key"),  # the audit walks the store in this order
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    frame_id: Mapped[int] = mapped_column(ForeignKey(Frame.id, ondelete="CASCADE"))
    size: Mapped[str] = mapped_column(PlainText)  # one of THUMBNAIL_SIZES
    width: Mapped[int | None]  # pixels
    height: Mapped[int | None]  # pixels
    key: Mapped[str] = mapped_column(PlainText)
    md5: Mapped[str] = mapped_column(PlainText)
    extension: Mapped[str] = mapped_column(PlainText)
    store_path: Mapped[str] = mapped_column(PlainText)
    file_fault: Mapped[str] = mapped_column(PlainText, default=FileFault.NONE)
    created: Mapped[dt.datetime] = mapped_column(UtcDateTime)

    frame: Mapped[Frame] = relationship()


class RelatedFrame(Model):
    """A frame whose header names another: a reduced frame its raw, bias, dark or flat."""

    __tablename__ = "related_frame"

    frame_id: Mapped[int] = mapped_column(ForeignKey(Frame.id, ondelete="CASCADE"), primary_key=True)
    related_id: Mapped[int] = mapped_column(
        ForeignKey(Frame.id, ondelete="CASCADE"),
        primary_key=True,
        index=True,  # who names this frame
    )
