"""Reads of the accounts."""

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import ColumnElement, bindparam, or_, select
from sqlalchemy.orm import contains_eager, selectinload

from app.accounts.models import ApiToken, LoginSession, ProposalMember, User
from app.columns import UtcDateTime
from app.errors import NotFound
from app.extensions import db, get_table
from app.fields import CONTROL_CHARACTERS
from app.often import OftenRead
from app.reading import read_primary

Opener = TypeVar("Opener", ApiToken, LoginSession)


@dataclass(frozen=True)
class Holder:
    """Whom a token or a session speaks for: what each request asks, without the objects."""

    user_id: int
    username: str
    is_admin: bool
    proposals: frozenset[str]
    opener_id: int
    scope: str | None = None
    last_used: dt.datetime | None = None


def find_user(username: str) -> User | None:
    if CONTROL_CHARACTERS.search(username):  # no database takes them, and nobody is called so
        return None
    return db.session.scalar(select(User).where(User.username == username))


def get_user(username: str) -> User:
    """Return a user by name.

    Raises
    ------
    NotFound
    """
    user = find_user(username)
    if user is None:
        raise NotFound(f"There is no user {username!r}.", code="user_not_found")
    return user


def find_user_by_id(user_id: int) -> User | None:
    return db.session.get(User, user_id)


def list_users() -> Sequence[User]:
    """Return all users by name, with their proposals."""
    return db.session.scalars(select(User).options(selectinload(User.memberships)).order_by(User.username)).all()


def find_token(token: str) -> ApiToken | None:
    """Return a token that works: it has not expired, and its owner's account is not switched off."""
    return _find_working(ApiToken, ApiToken.token_hash, token)


def is_own_token(token: str) -> bool:
    """Say whether this archive has given a token, which may work no more."""
    return db.session.scalar(select(ApiToken.id).where(ApiToken.token_hash == hash_secret(token))) is not None


def find_token_holder(token: str) -> Holder | None:
    """Return whom a token speaks for, if it works, as `find_token` finds it."""
    return _find_holder(TOKEN_HOLDER, token)


def find_session_holder(key: str) -> Holder | None:
    """Return whose a session is, if it works, as `find_session` finds it."""
    return _find_holder(SESSION_HOLDER, key)


def find_session(key: str) -> LoginSession | None:
    """Return a session that works, as `find_token` does a token."""
    return _find_working(LoginSession, LoginSession.key_hash, key)


def list_tokens(user: User) -> Sequence[ApiToken]:
    """Return a user's tokens, the newest first."""
    return db.session.scalars(select(ApiToken).where(ApiToken.user_id == user.id).order_by(ApiToken.id.desc())).all()


def list_sessions(user: User) -> Sequence[LoginSession]:
    """Return where a user is logged in, the newest first."""
    statement = select(LoginSession).where(
        LoginSession.user_id == user.id, LoginSession.expires > dt.datetime.now(dt.UTC)
    )
    return db.session.scalars(statement.order_by(LoginSession.id.desc())).all()


def find_user_by_password(username: str, password: str) -> User | None:
    """Return the user with this name and password, unless their account is switched off.

    An unknown name takes as long as a wrong password, so that nobody learns which names exist. So does that of a user
    of the Observation Portal, who has no password here.
    """
    user = find_user(username)
    has_password = user is not None and not user.is_from_portal
    try:
        PasswordHasher().verify(user.password_hash if user and has_password else _nobodys_hash(), _encode(password))
    except (VerificationError, InvalidHashError):
        return None
    return user if user and has_password and not user.is_disabled else None


def hash_secret(secret: str) -> str:
    """Hash a token or a session's key: long and random, so that one round is enough and each request can afford it."""
    return hashlib.sha256(_encode(secret)).hexdigest()


def _select_holder(model: type[Opener], hashed: Any, *of_token: Any) -> OftenRead:
    """Select a row for each proposal of a holder, and one for who has none; built once, so that it is prepared."""
    holder: tuple[Any, ...] = (User.id, User.username, User.is_admin, ProposalMember.proposal_id)
    columns = (column.expression for column in (*holder, model.id, *of_token))
    users, openers, members = get_table(User), get_table(model), get_table(ProposalMember)
    is_it = hashed == bindparam("hash")
    works = _lasts(model, bindparam("now", type_=UtcDateTime())) & User.is_disabled.is_(False)
    return OftenRead(select(*columns).select_from(users.join(openers).outerjoin(members)).where(is_it, works))


def _find_holder(statement: OftenRead, secret: str) -> Holder | None:
    rows = read_primary(statement, {"hash": hash_secret(secret), "now": dt.datetime.now(dt.UTC)})
    if not rows:
        return None
    user_id, username, is_admin, _, *opener = tuple(rows[0])
    return Holder(
        user_id, username, is_admin, frozenset(row.proposal_id for row in rows if row.proposal_id is not None), *opener
    )


def _lasts(model: type[Opener], now: Any) -> ColumnElement[bool]:
    return or_(model.expires.is_(None), model.expires > now)


def _find_working(model: type[Opener], hashed: Any, secret: str) -> Opener | None:
    """Find what a secret opens, with its user and their proposals, in one query."""
    lasts = _lasts(model, dt.datetime.now(dt.UTC))
    statement = select(model).join(User).where(hashed == hash_secret(secret), lasts, User.is_disabled.is_(False))
    with_user = contains_eager(model.user).joinedload(User.memberships)
    return db.session.scalars(statement.options(with_user)).unique().one_or_none()


def _encode(text: str) -> bytes:
    """Return the bytes of a text, even if it has halves of surrogate pairs, as JSON may."""
    return text.encode(errors="surrogatepass")


@cache
def _nobodys_hash() -> str:
    return PasswordHasher().hash("")


TOKEN_HOLDER = _select_holder(ApiToken, ApiToken.token_hash, ApiToken.scope, ApiToken.last_used)
SESSION_HOLDER = _select_holder(LoginSession, LoginSession.key_hash)
