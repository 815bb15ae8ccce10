"""Writes of the accounts: making users and tokens."""

import datetime as dt
import secrets
from collections.abc import Collection

from argon2 import PasswordHasher

from app.accounts.models import ApiToken, ProposalMember, User
from app.accounts.queries import find_user, hash_token
from app.errors import BadRequest
from app.extensions import db


def create_user(username: str, password: str, *, is_admin: bool = False, proposals: Collection[str] = ()) -> User:
    """Add a user; the caller commits.

    Raises
    ------
    BadRequest
        If the name is taken.
    """
    if find_user(username):
        raise BadRequest(f"There is a user {username!r} already.", code="user_exists")
    user = User(
        username=username,
        password_hash=PasswordHasher().hash(password),
        is_admin=is_admin,
        created=dt.datetime.now(dt.UTC),
        memberships=[ProposalMember(proposal_id=proposal) for proposal in proposals],
    )
    db.session.add(user)
    db.session.flush()
    return user


def create_token(user: User, name: str) -> str:
    """Give a user a new API token and return it: the only time that it can be read. The caller commits."""
    token = secrets.token_urlsafe(30)
    db.session.add(ApiToken(user_id=user.id, name=name, token_hash=hash_token(token), created=dt.datetime.now(dt.UTC)))
    db.session.flush()
    return token
