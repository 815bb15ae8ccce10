"""Finds what is new for the searches that are watched: frames that arrived, and frames that became public.

A look goes through what has changed since the last one. What it finds, and how far it got, is committed together: so
nothing is passed over, and a frame that was found for a search once is not found for it again.
"""

import datetime as dt
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, delete, func, or_, select
from sqlalchemy.exc import DataError, InternalError

from app.accounts.viewer import Viewer
from app.embargoes.models import OpenedFrame
from app.errors import BadRequest
from app.extensions import db, get_table, insert_for_dialect
from app.frame_columns.queries import find_changed_frames
from app.frames.lists import find_among
from app.frames.models import Frame, Version
from app.saved_searches import actions, queries
from app.saved_searches.leases import get_watch, keep
from app.saved_searches.models import AlertMessage, FoundFrame, SavedSearch

MOST_CHANGES = 200_000  # that one look takes in one by one
AT_A_TIME = 1000  # frames of which one statement tells
LATE = dt.timedelta(hours=1)  # that a transaction may take, where changes can't be told one by one
MEMORY = dt.timedelta(days=30)  # what arrived earlier than so long before a look is not new, whatever changes in it
KEPT = 2 * MEMORY

log = logging.getLogger(__name__)

Findings = dict[int, set[int] | str]
"""By the ids of searches, the frames that are new for them, or why a search can't be read any longer."""


@dataclass(frozen=True)
class Candidate:
    """A frame that may be new for somebody.

    Attributes
    ----------
    arrived
        When its first version was written.
    opened
        When it became public after it had been hidden, if that is since the last look.
    """

    frame_id: int
    proposal_id: str
    arrived: dt.datetime | None
    opened: dt.datetime | None

    def is_new(self, viewer: Viewer, since: dt.datetime) -> bool:
        """Say whether who looks for it can find it since a moment, and could not before."""
        if self.arrived is not None and self.arrived > since:
            return True
        was_visible = viewer.is_admin or self.proposal_id in viewer.proposals
        return self.opened is not None and self.opened > since and not was_visible


def look(owner: str) -> int:
    """Find what is new since the last look, and commit; return how many frames, each counted for each search.

    Raises
    ------
    LeaseLostError
        If another process has the watch by now. Nothing is changed then.
    """
    watch, now = get_watch(), _now()
    changed, position = find_changed_frames(watch.position, MOST_CHANGES)
    findings: Findings = {}
    if looked := watch.looked or queries.find_first_wish():
        ids = sorted({*(_list_modified(looked) if changed is None else changed), *_list_released(looked, now)})
        findings = _find_for_all(ids, looked, now) if ids else findings
    db.session.rollback()  # what is written now begins with a write: SQLite would refuse it after what was read
    keep(owner, position=position, looked=now)
    for search_id, found in findings.items():
        _note(search_id, found, now)
    db.session.commit()
    return sum(len(found) for found in findings.values() if isinstance(found, set))


def prune() -> None:
    """Forget what serves no more: messages sent long ago, and told frames that cannot become new again."""
    oldest = _now() - KEPT
    is_public = select(Frame.id).where(Frame.id == FoundFrame.frame_id, Frame.public_date <= oldest).exists()
    is_told = and_(FoundFrame.message_key.is_not(None), FoundFrame.found < oldest)
    unsent = select(AlertMessage.key).where(AlertMessage.sent.is_(None))
    db.session.execute(delete(FoundFrame).where(is_told, is_public, FoundFrame.message_key.not_in(unsent)))
    db.session.execute(delete(AlertMessage).where(AlertMessage.sent < oldest))
    db.session.execute(delete(OpenedFrame).where(OpenedFrame.opened < oldest))
    db.session.commit()


def _find_for_all(ids: Sequence[int], looked: dt.datetime, now: dt.datetime) -> Findings:
    findings: Findings = {}
    searches = queries.list_watched()
    for begin in range(0, len(ids) if searches else 0, AT_A_TIME):
        candidates = list(_read_candidates(ids[begin : begin + AT_A_TIME], looked, now))
        for search in searches:
            before = findings.get(search.id, set())
            if isinstance(before, set) and (found := _find(search, candidates, looked - MEMORY)):
                findings[search.id] = found if isinstance(found, str) else before | found
    return findings


def _find(search: SavedSearch, candidates: Iterable[Candidate], earliest: dt.datetime) -> set[int] | str:
    """Return which frames are new for a search, or why it can't be read any longer."""
    viewer, since = queries.build_owner(search.user), max(search.watched_since or earliest, earliest)
    ids = [candidate.frame_id for candidate in candidates if candidate.is_new(viewer, since)]
    try:
        return set(find_among(viewer, queries.load_search(search), ids)) if ids else set()
    except BadRequest as error:
        return f"The archive can't read this search any longer: {error} Save it anew."
    except (DataError, InternalError) as error:  # it must not keep all others from being looked through
        log.error("saved search %d: %s", search.id, error)
        return "The database can't answer this search: save it anew, and ask the operators if that does not help."


def _note(search_id: int, found: set[int] | str, now: dt.datetime) -> None:
    """Keep what was found for a search; one that can't be read is paused, and says so."""
    if isinstance(found, str):
        log.warning("saved search %d: %s", search_id, found)
        actions.pause(db.session.get_one(SavedSearch, search_id), found)
        return
    rows = [{"saved_search_id": search_id, "frame_id": frame_id, "found": now} for frame_id in sorted(found)]
    db.session.execute(insert_for_dialect(get_table(FoundFrame)).on_conflict_do_nothing(), rows)


def _read_candidates(ids: Sequence[int], looked: dt.datetime, now: dt.datetime) -> Iterator[Candidate]:
    arrived = select(func.min(Version.created)).where(Version.frame_id == Frame.id).scalar_subquery()
    opened = select(OpenedFrame.opened).where(OpenedFrame.frame_id == Frame.id).scalar_subquery()
    columns = (Frame.id, Frame.proposal_id, Frame.public_date, arrived.label("arrived"), opened.label("opened"))
    for row in db.session.execute(select(*columns).where(Frame.id.in_(ids))):
        is_released = row.public_date is not None and looked < row.public_date <= now
        yield Candidate(row.id, row.proposal_id, row.arrived, row.public_date if is_released else row.opened)


def _list_released(looked: dt.datetime, now: dt.datetime) -> Sequence[int]:
    """List the frames whose public date has come; the last condition is the index's."""
    is_released = (Frame.public_date > looked, Frame.public_date <= now, Frame.public_date > Frame.observation_date)
    return db.session.scalars(select(Frame.id).where(*is_released)).all()


def _list_modified(looked: dt.datetime) -> Sequence[int]:
    """List what may have changed, by a walk through all frames: where there are too many changes, or none are known."""
    log.warning("what changed since %s is looked for among all frames", looked)
    is_new = select(Version.id).where(Version.frame_id == Frame.id, Version.created > looked - LATE).exists()
    return db.session.scalars(select(Frame.id).where(or_(Frame.modified > looked - LATE, is_new))).all()


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
