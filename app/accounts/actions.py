"""Writes of the accounts: making users and tokens."""

import base64
import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Collection

from argon2 import PasswordHasher

from app.accounts.models import ApiToken, ProposalMember, User
from app.accounts.queries import find_token, find_user, hash_token
from app.errors import BadRequest
from app.extensions import db, get_config, insert_for_dialect

OWN_TOKEN = "password"  # noqa: S105  # the name of the token that one gets by one's password


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
    _keep_token(user, name, token)
    return token


def ensure_own_token(user: User) -> str:
    """Return the token that a user gets by their password, always the same one. The caller commits.

    Scripts log in as often as they run: each must get a token, and none may end another's. As only hashes are kept,
    this token is not remembered but derived again, from SECRET_KEY and the number of times that it was replaced.
    """
    token = _derive_token(user)
    if find_token(token) is None:
        _keep_token(user, OWN_TOKEN, token)
    return token


def replace_token(token: ApiToken) -> str:
    """End a token and return the one that takes its place. The caller commits."""
    user, name = token.user, token.name
    db.session.delete(token)
    db.session.flush()
    if name != OWN_TOKEN:
        return create_token(user, name)
    user.token_generation += 1
    return ensure_own_token(user)


def _derive_token(user: User) -> str:
    message = f"api token {user.id} {user.token_generation}".encode()
    digest = hmac.digest(get_config().secret_key.encode(), message, hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _keep_token(user: User, name: str, token: str) -> None:
    """Keep a token's hash; two log-ins at the same moment keep the same one."""
    row = {"user_id": user.id, "name": name, "token_hash": hash_token(token), "created": dt.datetime.now(dt.UTC)}
    db.session.execute(insert_for_dialect(ApiToken).on_conflict_do_nothing(), row)
