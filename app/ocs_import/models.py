"""How far the copy of another archive has come, which of its frames are here, and what could not be copied."""

from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.columns import PlainText
from app.extensions import Model
from app.frames.models import Frame, Id


class Stage(StrEnum):
    """What a copy is at. Each stage walks through all the frames of the source."""

    FRAMES = "frames"
    RELATIONS = "relations"  # when every frame has its number here
    DONE = "done"


class Part(StrEnum):
    """What could not be copied of a frame."""

    FRAME = "frame"  # nothing of it was
    FOOTPRINT = "footprint"
    FILE = "file"  # its row is there, but the store has no such file
    THUMBNAIL = "thumbnail"
    RELATED = "related"


class OcsImport(Model):
    """The copy of one archive. It is committed with the rows that it tells of, so that it is always true."""

    __tablename__ = "ocs_import"

    id: Mapped[int] = mapped_column(primary_key=True)
    source_url: Mapped[str] = mapped_column(PlainText, unique=True)
    stage: Mapped[str] = mapped_column(PlainText, default=Stage.FRAMES)
    cursor: Mapped[str] = mapped_column(PlainText, default="")  # of the next page; empty: the first
    frames_seen: Mapped[int] = mapped_column(default=0)  # in this stage


class ImportedFrame(Model):
    """Which frame of the source is which one here. It also tells a script's old frame ids from the new ones."""

    __tablename__ = "imported_frame"

    import_id: Mapped[int] = mapped_column(ForeignKey(OcsImport.id, ondelete="CASCADE"), primary_key=True)
    source_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    frame_id: Mapped[int] = mapped_column(ForeignKey(Frame.id, ondelete="CASCADE"), index=True)  # a frame's old id
    modified: Mapped[str] = mapped_column(PlainText)  # as the source writes it; empty: not copied, only named


class ImportFinding(Model):
    """Something that could not be copied, and why."""

    __tablename__ = "import_finding"
    __table_args__ = (Index("ix_import_finding_source_id", "import_id", "source_id"),)  # what a new try replaces

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey(OcsImport.id, ondelete="CASCADE"))
    source_id: Mapped[int] = mapped_column(BigInteger)  # 0: the source gives none that is a number
    basename: Mapped[str] = mapped_column(PlainText)
    part: Mapped[str] = mapped_column(PlainText)
    reason: Mapped[str] = mapped_column(PlainText)
