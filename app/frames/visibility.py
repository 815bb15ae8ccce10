"""Who may see a frame, and what the log is told of reads: which came to nothing, and which were of hidden frames.

A frame is hidden as long as it is not public. Whoever gets one all the same has a right to it, and the log says which.
"""

import datetime as dt
import logging
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Boolean, FromClause, Row, Text, bindparam, false, or_, select, true

from app.accounts.viewer import Viewer
from app.columns import UtcDateTime, Values, is_one_of
from app.extensions import db
from app.frames.models import Frame
from app.frames.search import Condition
from app.times import format_time

log = logging.getLogger(__name__)

MOST_NAMED = 50  # frames in a line of the log

Read = tuple[int, str, dt.datetime | None]
"""A frame's id, proposal and public date."""


def visible_to(viewer: Viewer) -> Condition:
    """Return what lets a viewer see a frame: it is public by now, or of a proposal of theirs, or they are operators."""
    if viewer.is_admin:
        return true()
    return or_(Frame.public_date <= dt.datetime.now(dt.UTC), of_own_proposals(viewer))


def build_visible(frame: FromClause) -> Condition:
    """Return the same for a statement that is built once, for all viewers: `describe_sight` gives its parameters."""
    return or_(
        # A subquery is not planned away for operators: PostgreSQL keeps one plan, rather than make one each time.
        select(bindparam("sees_all", type_=Boolean())).scalar_subquery(),
        frame.c.public_date <= bindparam("now", type_=UtcDateTime()),
        is_one_of(frame.c.proposal_id, bindparam("proposals", type_=Values(Text))),
    )


def describe_sight(viewer: Viewer) -> dict[str, Any]:
    return {"sees_all": viewer.is_admin, "now": dt.datetime.now(dt.UTC), "proposals": sorted(viewer.proposals)}


def of_own_proposals(viewer: Viewer) -> Condition:
    return Frame.proposal_id.in_(sorted(viewer.proposals)) if viewer.proposals else false()


def is_public(public_date: dt.datetime | None) -> bool:
    """Say whether the world may see a frame by now."""
    return public_date is not None and public_date <= dt.datetime.now(dt.UTC)


def build_read(row: Row[Any]) -> Read:
    """Return what a row of a version or a thumbnail says of its frame."""
    return row.frame_id, row.proposal_id, row.public_date


def note_denied(viewer: Viewer, what: str, *which: Condition) -> None:
    """Tell the log that a viewer asked for something and found nothing, and whether frames are hidden from them there.

    It asks the database, and writes a line, either way: an answer takes as long for what is hidden as for what is not
    there.
    """
    hidden = select(Frame.id, Frame.proposal_id, Frame.public_date).where(*which, visible_to(viewer).is_not(True))
    reads = list(db.session.execute(hidden.order_by(Frame.id).limit(MOST_NAMED)))
    reasons = {f"{format_time(date) or 'never'} for all but {proposal or 'operators'}" for _, proposal, date in reads}
    _note("denied", what, viewer.username, reads, "; ".join(sorted(reasons)) or "nothing is there")


def note_privileged(viewer: Viewer, what: str, reads: Iterable[Read]) -> None:
    """Tell the log of the hidden frames, if there are any, among those of which a viewer gets something."""
    if hidden := _choose_hidden(reads):
        proposals = ", ".join(sorted({proposal for _, proposal, _ in hidden}))
        reason = "operator" if viewer.is_admin else f"member of {proposals}"
        _note("privileged", what, viewer.username, hidden, reason)


def note_link(what: str, frame: Frame) -> None:
    """Tell the log that whoever has a link gets a file of a frame, if that is hidden."""
    if hidden := _choose_hidden([(frame.id, frame.proposal_id, frame.public_date)]):
        _note("privileged", what, "", hidden, "link")


def _choose_hidden(reads: Iterable[Read]) -> list[Read]:
    now = dt.datetime.now(dt.UTC)
    return [read for read in reads if read[2] is None or read[2] > now]


def _note(kind: str, what: str, username: str, reads: Sequence[Read], reason: str) -> None:
    frames = [frame_id for frame_id, *_ in reads[:MOST_NAMED]]
    told = {"viewer": username, "frames": frames, "frame_count": len(reads), "reason": reason}
    log.info("%s read: %s", kind, what, extra=told)
