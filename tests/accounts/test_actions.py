"""Accounts: passwords and tokens are known again, and neither is kept as it is."""

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import select

from app.accounts.actions import create_token, create_user
from app.accounts.models import ApiToken, User
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


def test_accounts_from_a_shell(app: Flask, runner: FlaskCliRunner) -> None:
    arguments = ["user", "create", "operator", "--admin", "--proposal", "A", "--proposal", "B"]
    made = runner.invoke(args=arguments, input="secret\nsecret\n")
    assert made.exit_code == 0, made.output
    assert "secret" not in made.output
    token = runner.invoke(args=["token", "create", "operator"]).output.strip()
    with app.app_context():
        user = find_token(token).user
        assert isinstance(user, User)
        assert (user.is_admin, {member.proposal_id for member in user.memberships}) == (True, {"A", "B"})
    assert runner.invoke(args=["token", "create", "nobody"]).exit_code == 1
