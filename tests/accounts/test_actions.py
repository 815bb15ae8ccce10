"""Accounts: passwords and tokens are known again, and neither is kept as it is."""

import datetime as dt

import pytest
from flask import Flask
from sqlalchemy import select

from app.accounts.actions import OWN_TOKEN, create_token, create_user, note_use
from app.accounts.models import ApiToken, Scope
from app.accounts.queries import find_token, find_user_by_password
from app.errors import BadRequest
from app.extensions import db


def test_a_password_is_known_again_and_kept_only_hashed(app: Flask) -> None:
    with app.app_context():
        user = create_user("observer", "correct horse")
        assert find_user_by_password("observer", "correct horse") is user
        assert find_user_by_password("observer", "wrong") is None
        assert find_user_by_password("nobody", "correct horse") is None
        assert user.password_hash.startswith("$argon2id$")


def test_a_token_is_known_again_and_kept_only_hashed(app: Flask) -> None:
    with app.app_context():
        user = create_user("pipeline", "secret")
        token = create_token(user, "night")
        assert find_token(token).user is user
        assert find_token(token[:-1]) is None
        kept = db.session.scalars(select(ApiToken)).one()
        assert token not in (kept.token_hash, kept.name)


def test_a_name_is_given_once(app: Flask) -> None:
    with app.app_context():
        create_user("observer", "one")
        with pytest.raises(BadRequest, match="observer"):
            create_user("observer", "two")


def test_an_expired_token_is_not_known(app: Flask) -> None:
    with app.app_context():
        user = create_user("pipeline", "secret")
        now = dt.datetime.now(dt.UTC)
        assert find_token(create_token(user, "old", expires=now - dt.timedelta(seconds=1))) is None
        assert find_token(create_token(user, "new", expires=now + dt.timedelta(minutes=1))) is not None


def test_the_last_use_is_remembered_to_the_hour(app: Flask) -> None:
    with app.app_context():
        token = find_token(create_token(create_user("pipeline", "secret"), "night"))
        assert token is not None
        db.session.commit()
        uses = []
        for hours_ago in (None, 0.9, 1.1):
            if hours_ago is not None:
                token.last_used = dt.datetime.now(dt.UTC) - dt.timedelta(hours=hours_ago)
                db.session.commit()
            note_use(token.id, token.last_used)
            db.session.refresh(token)
            uses.append(dt.datetime.now(dt.UTC) - token.last_used > dt.timedelta(minutes=1))
        assert uses == [False, True, False]


def test_no_token_is_called_like_the_one_of_a_password(app: Flask) -> None:
    """Else /revoke_token/ would give for it one that may do all that its owner may."""
    with app.app_context(), pytest.raises(BadRequest, match="another name"):
        create_token(create_user("shift", "secret", is_admin=True), OWN_TOKEN, Scope.READ)
