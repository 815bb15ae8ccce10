"""Reads of saved searches: a user's own, what they ask, and what their owner may see by now."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload
from werkzeug.datastructures import MultiDict

from app.accounts.models import User
from app.accounts.viewer import Viewer
from app.errors import NotFound
from app.extensions import db
from app.frames.search_form import build_search_form
from app.params import load_texts
from app.saved_searches.models import FoundFrame, SavedSearch, Way
from app.saved_searches.schemas import KeptSearchSchema

Arguments = MultiDict[str, str]


def list_searches(user: User) -> Sequence[SavedSearch]:
    """Return a user's searches by name."""
    statement = select(SavedSearch).where(SavedSearch.user_id == user.id)
    return db.session.scalars(statement.order_by(SavedSearch.name, SavedSearch.id)).all()


def get_search(user: User, search_id: int) -> SavedSearch:
    """Return one of a user's searches.

    Raises
    ------
    NotFound
        Also if it is somebody else's.
    """
    mine = select(SavedSearch).where(SavedSearch.id == search_id, SavedSearch.user_id == user.id)
    search = db.session.scalar(mine)
    if search is None:
        raise NotFound(f"You have no saved search {search_id}.", code="search_not_found")
    return search


def find_search_by_key(key: str) -> SavedSearch | None:
    """Return the search that a signed link names."""
    return db.session.scalar(select(SavedSearch).where(SavedSearch.key == key))


def count_searches(user: User) -> int:
    """Return how many searches a user keeps."""
    return db.session.scalar(select(func.count()).where(SavedSearch.user_id == user.id)) or 0


def count_waiting(search: SavedSearch) -> int:
    """Return how many new frames have been found, and not been put into a message."""
    waiting = (FoundFrame.saved_search_id == search.id, FoundFrame.message_key.is_(None))
    return db.session.scalar(select(func.count()).where(*waiting)) or 0


def list_watched() -> Sequence[SavedSearch]:
    """Return the searches for which new frames are looked for, whose users may log in."""
    statement = select(SavedSearch).join(User).where(SavedSearch.watched_since.is_not(None), ~User.is_disabled)
    with_owner = joinedload(SavedSearch.user).selectinload(User.memberships)
    return db.session.scalars(statement.options(with_owner).order_by(SavedSearch.id)).all()


def find_first_wish() -> dt.datetime | None:
    """Return since when somebody wants to be told of new frames."""
    return db.session.scalar(select(func.min(SavedSearch.watched_since)))


def is_confirmed_address(user: User, address: str) -> bool:
    """Say whether a user has confirmed a mail address at one of their searches."""
    confirmed = (SavedSearch.way == Way.MAIL, SavedSearch.recipient == address, SavedSearch.confirmed.is_not(None))
    return (
        db.session.scalar(select(SavedSearch.id).where(SavedSearch.user_id == user.id, *confirmed).limit(1)) is not None
    )


def read_arguments(search: SavedSearch) -> Arguments:
    """Return the parameters of a search's address."""
    return MultiDict(parse_qsl(search.query))


def load_search(search: SavedSearch) -> Mapping[str, Any]:
    """Return what a search asks, as `KeptSearchSchema` loads it.

    Raises
    ------
    BadRequest
        If the archive does not know such a search any longer.
    """
    return load_texts(KeptSearchSchema(), read_arguments(search))


def describe_search(search: SavedSearch) -> list[str]:
    """Return the conditions of a search in words."""
    arguments = read_arguments(search)
    return [condition.text for condition in build_search_form(arguments, {}, arguments).conditions]


def build_owner(user: User) -> Viewer:
    """Return the viewer that a user is by now: what is told to them is what they would see."""
    return Viewer(user.id, user.username, user.is_admin, frozenset(member.proposal_id for member in user.memberships))
