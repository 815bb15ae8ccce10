"""Writes of the accounts: users, their proposals, tokens and sessions. The caller commits."""

import base64
import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Collection
from contextlib import suppress

from argon2 import PasswordHasher
from sqlalchemy import delete, select, update
from sqlalchemy.exc import OperationalError

from app.accounts.models import ApiToken, LoginSession, ProposalMember, Scope, User
from app.accounts.queries import find_token, find_user, hash_secret
from app.errors import BadRequest, NotFound
from app.extensions import db, get_config, insert_for_dialect
from app.fields import CONTROL_CHARACTERS

OWN_TOKEN = "password"  # noqa: S105  # the name of the token that one gets by one's password
LONGEST_BROWSER = 200
USE_IS_NOTED_EVERY = dt.timedelta(hours=1)


def create_user(username: str, password: str, *, is_admin: bool = False, proposals: Collection[str] = ()) -> User:
    """Add a user.

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


def set_password(user: User, password: str) -> None:
    """Give a user another password; what the old one opened is closed.

    Raises
    ------
    BadRequest
        If they are a user of the Observation Portal.
    """
    if user.is_from_portal:
        raise BadRequest(f"{user.username} logs in at the Observation Portal, and has no password here.", code="portal")
    user.password_hash = PasswordHasher().hash(password)
    user.token_generation += 1
    db.session.execute(delete(ApiToken).where(ApiToken.user_id == user.id, ApiToken.name == OWN_TOKEN))
    end_sessions(user)


def hand_to_portal(user: User) -> None:
    """Make an account one of the Observation Portal: what opened it until now does not any longer."""
    user.is_from_portal, user.password_hash = True, ""
    user.token_generation += 1
    db.session.execute(delete(ApiToken).where(ApiToken.user_id == user.id))
    end_sessions(user)


def switch_off(user: User) -> None:
    """Keep a user out, by password, session and token; their tokens work again when they are let in again."""
    user.is_disabled = True
    end_sessions(user)


def switch_on(user: User) -> None:
    """Let a user in again."""
    user.is_disabled = False


def begin_session(user: User, browser: str, expires: dt.datetime) -> str:
    """Begin a session in a browser and return its key, which only its cookie keeps."""
    now, key = dt.datetime.now(dt.UTC), secrets.token_urlsafe(30)
    db.session.execute(delete(LoginSession).where(LoginSession.user_id == user.id, LoginSession.expires <= now))
    names = {"browser": CONTROL_CHARACTERS.sub(" ", browser)[:LONGEST_BROWSER], "key_hash": hash_secret(key)}
    db.session.add(LoginSession(user_id=user.id, created=now, expires=expires, **names))
    return key


def end_session(key: str) -> None:
    db.session.execute(delete(LoginSession).where(LoginSession.key_hash == hash_secret(key)))


def end_sessions(user: User) -> None:
    """Log a user out everywhere."""
    db.session.execute(delete(LoginSession).where(LoginSession.user_id == user.id))


def create_token(user: User, name: str, scope: Scope | None = None, expires: dt.datetime | None = None) -> str:
    """Give a user a new API token and return it: the only time that it can be read.

    Parameters
    ----------
    scope
        None: as much as the user may do themselves.
    expires
        None: never.

    Raises
    ------
    BadRequest
        If it has the name of the token of a password, for which /revoke_token/ would give one of the largest scope.
    """
    if name == OWN_TOKEN:
        raise BadRequest(f"No token may be called {OWN_TOKEN!r}; choose another name.", code="bad_name")
    token = secrets.token_urlsafe(30)
    _keep_token(user, name, token, scope or user.largest_scope, expires)
    return token


def revoke_token(user: User, token_id: int) -> str:
    """End one of a user's tokens and return its name.

    Raises
    ------
    NotFound
        If they have none of this number.
    """
    token = db.session.scalar(select(ApiToken).where(ApiToken.id == token_id, ApiToken.user_id == user.id))
    if token is None:
        raise NotFound(f"{user.username} has no token {token_id}.", code="token_not_found")
    db.session.delete(token)
    if token.name == OWN_TOKEN:  # the next log-in must not derive it again
        user.token_generation += 1
    return token.name


def note_use(token_id: int, last_used: dt.datetime | None) -> None:
    """Remember that a token was used now, to the hour, and commit on a connection of its own.

    A database that is too busy for it must not keep anybody from reading.
    """
    now = dt.datetime.now(dt.UTC)
    if last_used and now - last_used < USE_IS_NOTED_EVERY:
        return
    with suppress(OperationalError), db.engine.begin() as connection:
        connection.execute(update(ApiToken).where(ApiToken.id == token_id).values(last_used=now))


def ensure_own_token(user: User) -> str:
    """Return the token that a user gets by their password, always the same one.

    Scripts log in as often as they run: each must get a token, and none may end another's. As only hashes are kept,
    this token is not remembered but derived again, from SECRET_KEY and the number of times that it was replaced.
    """
    token = _derive_token(user)
    if find_token(token) is None:
        _keep_token(user, OWN_TOKEN, token, user.largest_scope, None)
    return token


def replace_token(token: ApiToken) -> str:
    """End a token and return the one that takes its place."""
    user, name = token.user, token.name
    db.session.delete(token)
    db.session.flush()
    if name != OWN_TOKEN:
        return create_token(user, name, token.scope, token.expires)
    user.token_generation += 1
    return ensure_own_token(user)


def _derive_token(user: User) -> str:
    message = f"api token {user.id} {user.token_generation}".encode()
    digest = hmac.digest(get_config().secret_key.encode(), message, hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _keep_token(user: User, name: str, token: str, scope: Scope, expires: dt.datetime | None) -> None:
    """Keep a token's hash; two log-ins at the same moment keep the same one."""
    kept = {"user_id": user.id, "name": name, "token_hash": hash_secret(token), "scope": scope, "expires": expires}
    row = kept | {"created": dt.datetime.now(dt.UTC)}
    db.session.execute(insert_for_dialect(ApiToken).on_conflict_do_nothing(), row)
