"""Reads of the accounts."""

import hashlib
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select

from app.accounts.models import ApiToken, User
from app.extensions import db
from app.fields import CONTROL_CHARACTERS


def find_user(username: str) -> User | None:
    if CONTROL_CHARACTERS.search(username):  # no database takes them, and nobody is called so
        return None
    return db.session.scalar(select(User).where(User.username == username))


def find_user_by_id(user_id: int) -> User | None:
    return db.session.get(User, user_id)


def find_token(token: str) -> ApiToken | None:
    return db.session.scalar(select(ApiToken).where(ApiToken.token_hash == hash_token(token)))


def find_user_by_password(username: str, password: str) -> User | None:
    """Return the user with this name and password.

    An unknown name takes as long as a wrong password, so that nobody learns which names exist.
    """
    user = find_user(username)
    try:
        PasswordHasher().verify(user.password_hash if user else _nobodys_hash(), _encode(password))
    except (VerificationError, InvalidHashError):
        return None
    return user


def hash_token(token: str) -> str:
    """Hash a token. It is long and random, so that one round is enough and each request can afford it."""
    return hashlib.sha256(_encode(token)).hexdigest()


def _encode(text: str) -> bytes:
    """Return the bytes of a text, even if it has halves of surrogate pairs, as JSON may."""
    return text.encode(errors="surrogatepass")


@cache
def _nobodys_hash() -> str:
    return PasswordHasher().hash("")
