"""Rulings on when frames become public, and how they get hold of frames that arrive. The caller commits.

`frame.public_date` is the one date that searches read, so a ruling writes it; `embargoed_frame` keeps what the frame's
own record says. Who writes a frame holds the rulings as they are until the transaction ends, and who rules waits for
these writers and lets no other begin: no frame slips in between, on whichever side of a ruling it is archived.
"""

import datetime as dt
import logging
import sqlite3
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, exists, literal, or_, select, text, update

from app.embargoes.models import Embargo, EmbargoedFrame, OpenedFrame
from app.embargoes.queries import find_ruling
from app.errors import BadRequest, NotFound
from app.extensions import db, get_table, insert_for_dialect
from app.fields import CONTROL_CHARACTERS, LONGEST_TEXT
from app.frames.models import Frame, Header
from app.frames.visibility import is_public
from app.times import format_time

log = logging.getLogger(__name__)

# Each frame that is archived asks this, so it is built once, and goes past the ORM.
FRAMES, HEADERS, EMBARGOES, EMBARGOED, OPENED = map(get_table, (Frame, Header, Embargo, EmbargoedFrame, OpenedFrame))
IS_EMBARGOED = exists().where(EMBARGOED.c.frame_id == FRAMES.c.id)
FIND_STATE = select(
    FRAMES.c.public_date,
    exists().where(HEADERS.c.frame_id == FRAMES.c.id).label("has_arrived"),
    IS_EMBARGOED.label("is_embargoed"),
    exists().where(EMBARGOES.c.frame_id == FRAMES.c.id).label("is_ruled_on"),
    exists().where(EMBARGOES.c.proposal_id == bindparam("proposal_id")).label("is_proposal_ruled_on"),
).where(FRAMES.c.id == bindparam("frame_id"))


def rule_on_frame(frame_id: int, ruling: Embargo) -> Embargo:
    """Decide on one frame, whatever was decided on its proposal; or leave it to that, or to its own record, again.

    Parameters
    ----------
    ruling
        As `app.embargoes.schemas.build_ruling` makes it.

    Raises
    ------
    NotFound
        If there is no such frame.
    """
    _stop_writers()
    frame = db.session.execute(select(Frame.public_date, Frame.proposal_id).where(Frame.id == frame_id)).one_or_none()
    if frame is None:
        raise NotFound(f"There is no frame {frame_id}.", code="frame_not_found")
    ruling.frame_id, ruling.public_date_before = frame_id, frame.public_date
    _write(ruling)
    ruling.frame_count = _apply(find_ruling(frame_id, frame.proposal_id), FRAMES.c.id == frame_id)
    return ruling


def rule_on_proposal(proposal_id: str, ruling: Embargo) -> Embargo:
    """Decide on a proposal's frames, present and to come, but for those that a ruling of their own is on.

    Raises
    ------
    BadRequest
        If no proposal can be called so.
    """
    if not proposal_id.strip() or len(proposal_id) > LONGEST_TEXT or CONTROL_CHARACTERS.search(proposal_id):
        raise BadRequest(f"{proposal_id!r} is no proposal's id.", code="bad_proposal")
    _stop_writers()
    ruling.proposal_id = proposal_id
    _write(ruling)
    has_its_own = exists().where(
        EMBARGOED.c.frame_id == FRAMES.c.id,
        EMBARGOED.c.embargo_id == EMBARGOES.c.id,
        EMBARGOES.c.frame_id.is_not(None),
    )
    frames = (FRAMES.c.proposal_id == proposal_id, ~has_its_own)
    ruling.frame_count = _apply(ruling if ruling.stands else None, *frames)
    return ruling


def hold_rulings() -> None:
    """Let nobody rule until this transaction ends: to be called before it writes the first row of a frame.

    Many may hold them at once. SQLite has one writer at a time, whose transaction must begin before it reads.
    """
    if db.engine.dialect.name == "postgresql":
        db.session.execute(text("LOCK TABLE embargo IN ROW SHARE MODE"))
        return
    connection: sqlite3.Connection = db.session.connection().connection.driver_connection  # type: ignore[assignment]  # known from the dialect
    if not connection.in_transaction:
        db.session.execute(text("BEGIN IMMEDIATE"))


def decide_public_date(frame_id: int, proposal_id: str, own_date: dt.datetime | None) -> dt.datetime | None:
    """Return when a frame, whose record has come, becomes public; what the record says is kept if a ruling says else.

    The rulings must be held.

    Parameters
    ----------
    proposal_id, own_date
        Of the record.
    """
    before = db.session.execute(FIND_STATE, {"frame_id": frame_id, "proposal_id": proposal_id}).one()
    if before.is_embargoed or before.is_ruled_on or before.is_proposal_ruled_on:
        ruling = find_ruling(frame_id, proposal_id)
        if ruling:
            kept = {"embargo_id": ruling.id, "public_date": own_date}
            keep = insert_for_dialect(EMBARGOED).values(frame_id=frame_id, **kept)
            db.session.execute(keep.on_conflict_do_update(index_elements=["frame_id"], set_=kept))
            return ruling.public_date
        db.session.execute(delete(EMBARGOED).where(EMBARGOED.c.frame_id == frame_id))
    if before.has_arrived and _opens_early(before.public_date, own_date):
        _note_opened(own_date, FRAMES.c.id == frame_id)
        told = (frame_id, format_time(own_date), format_time(before.public_date) or "never")
        log.warning("frame %s: its new record makes it public from %s on, and not from %s on", *told)
    return own_date


def _opens_early(before: dt.datetime | None, told: dt.datetime | None) -> bool:
    """Say whether a hidden frame becomes public earlier than it would have; no date is never."""
    return not is_public(before) and told is not None and (before is None or told < before)


def _stop_writers() -> None:
    """Wait for whoever holds the rulings, and let nobody else have them until the transaction ends."""
    if db.engine.dialect.name == "postgresql":
        db.session.execute(text("LOCK TABLE embargo IN EXCLUSIVE MODE"))
    else:
        hold_rulings()


def _write(ruling: Embargo) -> None:
    ruling.created = dt.datetime.now(dt.UTC)
    db.session.add(ruling)
    db.session.flush()


def _apply(ruling: Embargo | None, *frames: ColumnElement[bool]) -> int:
    """Give frames the date of a ruling, or none: that of their own records; return how many it concerns."""
    if ruling is None:
        return _release(*frames)
    own = select(FRAMES.c.id, literal(ruling.id), FRAMES.c.public_date).where(*frames)
    keep = insert_for_dialect(EMBARGOED).from_select(["frame_id", "embargo_id", "public_date"], own)
    db.session.execute(keep.on_conflict_do_update(index_elements=["frame_id"], set_={"embargo_id": ruling.id}))
    return _set_public_date(ruling.public_date, *frames)


def _release(*frames: ColumnElement[bool]) -> int:
    own = select(EMBARGOED.c.public_date).where(EMBARGOED.c.frame_id == FRAMES.c.id).scalar_subquery()
    count = _set_public_date(own, IS_EMBARGOED, *frames)
    db.session.execute(delete(EMBARGOED).where(EMBARGOED.c.frame_id.in_(select(FRAMES.c.id).where(*frames))))
    return count


def _set_public_date(date: Any, *frames: ColumnElement[bool]) -> int:
    _note_opened(date, *frames)
    values = {"public_date": date, "modified": dt.datetime.now(dt.UTC)}
    return db.session.connection().execute(update(FRAMES).where(*frames).values(values)).rowcount


def _note_opened(date: Any, *frames: ColumnElement[bool]) -> None:
    """Note those of some frames that are hidden until now, and public from now on by the date that they get."""
    now = literal(dt.datetime.now(dt.UTC), FRAMES.c.public_date.type)
    is_hidden = or_(FRAMES.c.public_date.is_(None), FRAMES.c.public_date > now)
    is_due = (date if isinstance(date, ColumnElement) else literal(date, FRAMES.c.public_date.type)) <= now
    opened = select(FRAMES.c.id, now).where(*frames, is_hidden, is_due)
    note = insert_for_dialect(OPENED).from_select(["frame_id", "opened"], opened)
    db.session.execute(note.on_conflict_do_update(index_elements=["frame_id"], set_={"opened": note.excluded.opened}))
