"""Reads of rulings. They are for operators: others see the date that comes of them, and not who ruled, or why."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Row, func, or_, select

from app.embargoes.models import Embargo
from app.errors import NotFound
from app.extensions import db
from app.frames.models import Frame

MOST_RULINGS = 100


def get_frame_id(basename: str) -> int:
    """Return the id of the frame of a basename.

    Raises
    ------
    NotFound
    """
    frame_id = db.session.scalar(select(Frame.id).where(Frame.basename == basename))
    if frame_id is None:
        raise NotFound(f"There is no frame {basename!r}.", code="frame_not_found")
    return frame_id


def find_ruling(frame_id: int, proposal_id: str) -> Embargo | None:
    """Return the ruling that a frame is under: the newest on it, or else, unless that stands, on its proposal."""
    newest = select(func.max(Embargo.id))
    newest_ids = [newest.where(subject).scalar_subquery() for subject in _list_subjects(frame_id, proposal_id)]
    found = select(Embargo).where(Embargo.id.in_(newest_ids)).order_by(Embargo.frame_id.is_(None))
    return next((ruling for ruling in db.session.scalars(found) if ruling.stands), None)


def list_rulings_on_frame(frame_id: int, proposal_id: str) -> Sequence[Row[Embargo, str | None]]:
    """Return the rulings on a frame and on its proposal, as `list_rulings` does."""
    return list_rulings(or_(*_list_subjects(frame_id, proposal_id)))


def list_proposals_rulings() -> Sequence[Row[Embargo, str | None]]:
    """Return the rulings on proposals, as `list_rulings` does."""
    return list_rulings(Embargo.proposal_id.is_not(None))


def list_rulings(*conditions: ColumnElement[bool]) -> Sequence[Row[Embargo, str | None]]:
    """Return the newest rulings, each with the basename of its frame if it is on one; the newest first."""
    statement = select(Embargo, Frame.basename).outerjoin(Frame, Frame.id == Embargo.frame_id).where(*conditions)
    return db.session.execute(statement.order_by(Embargo.id.desc()).limit(MOST_RULINGS)).all()


def _list_subjects(frame_id: int, proposal_id: str) -> list[ColumnElement[bool]]:
    return [Embargo.frame_id == frame_id, Embargo.proposal_id == proposal_id]
