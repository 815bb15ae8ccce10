"""Accounts from a shell."""

import datetime as dt

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner

from app.accounts.models import Scope, User
from app.accounts.queries import find_token, find_user, find_user_by_password, list_tokens
from app.extensions import db

PASSWORD = "clear dark skies"


def run(runner: FlaskCliRunner, *arguments: str, typed: str = "") -> str:
    """Run a command and return what it says."""
    done = runner.invoke(args=arguments, input=typed)
    assert done.exit_code == 0, done.output
    return done.stdout


def refuse(runner: FlaskCliRunner, *arguments: str, typed: str = "") -> str:
    """Run a command that must not succeed, and return what it says."""
    done = runner.invoke(args=arguments, input=typed)
    assert done.exit_code != 0
    assert "Traceback" not in done.output
    return done.output


@pytest.fixture
def observer(runner: FlaskCliRunner) -> str:
    run(runner, "user", "create", "observer", "--proposal", "B", "--proposal", "A", typed=f"{PASSWORD}\n{PASSWORD}\n")
    return "observer"


@pytest.fixture
def operator(runner: FlaskCliRunner) -> str:
    run(runner, "user", "create", "operator", "--admin", typed=f"{PASSWORD}\n{PASSWORD}\n")
    return "operator"


def test_a_user_is_made_with_a_password_that_is_asked_for(app: Flask, observer: str) -> None:
    with app.app_context():
        user = find_user_by_password(observer, PASSWORD)
        assert isinstance(user, User)
        assert (user.is_admin, {member.proposal_id for member in user.memberships}) == (False, {"A", "B"})


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("tooshort\ntooshort\n", "at least 10 characters"),
        ("observer123\nobserver123\n", "little more than the user's name"),
        (f"{PASSWORD}\nanother one\n", "do not match"),
    ],
)
def test_bad_passwords(app: Flask, runner: FlaskCliRunner, typed: str, words: str) -> None:
    said = refuse(runner, "user", "create", "observer", typed=typed)
    assert words in said
    assert PASSWORD not in said
    with app.app_context():
        assert find_user("observer") is None


def test_no_password_is_part_of_a_command(runner: FlaskCliRunner) -> None:
    assert "No such option" in refuse(runner, "user", "create", "observer", "--password", PASSWORD)


def test_the_list(runner: FlaskCliRunner, observer: str, operator: str) -> None:
    run(runner, "user", "disable", observer)
    lines = [" ".join(line.split()) for line in run(runner, "user", "list").splitlines()]
    assert lines == ["user role proposals", "observer user, disabled A B", "operator operator"]


def test_who_is_disabled_is_kept_out_by_every_way(
    app: Flask, client: FlaskClient, runner: FlaskCliRunner, observer: str
) -> None:
    headers = {"Authorization": f"Token {run(runner, 'token', 'create', observer).strip()}"}
    assert client.get("/profile/", headers=headers).json["username"] == observer
    run(runner, "user", "disable", observer)
    assert client.get("/profile/", headers=headers).status_code == 401
    assert client.post("/api-token-auth/", json={"username": observer, "password": PASSWORD}).status_code == 400
    run(runner, "user", "enable", observer)
    assert client.get("/profile/", headers=headers).json["username"] == observer


def test_a_new_password_ends_what_the_old_one_gave(client: FlaskClient, runner: FlaskCliRunner, observer: str) -> None:
    old = client.post("/api-token-auth/", json={"username": observer, "password": PASSWORD}).json["token"]
    run(runner, "user", "set-password", observer, typed="another long one\nanother long one\n")
    assert client.get("/profile/", headers={"Authorization": f"Token {old}"}).status_code == 401
    answer = client.post("/api-token-auth/", json={"username": observer, "password": "another long one"})
    assert answer.json["token"] != old


def test_tokens_are_made_listed_and_revoked(
    app: Flask, client: FlaskClient, runner: FlaskCliRunner, operator: str
) -> None:
    made = run(runner, "token", "create", operator, "--name", "tcs", "--scope", "ingest", "--days", "30").strip()
    with app.app_context():
        token = find_token(made)
        assert token is not None
        assert (token.scope, token.name) == (Scope.INGEST, "tcs")
        assert token.expires - token.created == pytest.approx(dt.timedelta(days=30), abs=dt.timedelta(minutes=1))
        token_id = str(token.id)
    listed = run(runner, "token", "list", operator)
    assert made not in listed
    assert {"tcs", "ingest", token_id} <= set(listed.split())
    assert "tcs" in run(runner, "token", "revoke", operator, token_id)
    assert client.get("/profile/", headers={"Authorization": f"Token {made}"}).status_code == 401
    assert f"operator has no token {token_id}" in refuse(runner, "token", "revoke", operator, token_id)


def test_a_token_may_by_default_what_its_owner_may(
    app: Flask, runner: FlaskCliRunner, observer: str, operator: str
) -> None:
    for name in (observer, operator):
        run(runner, "token", "create", name)
    with app.app_context():
        scopes = [
            list_tokens(db.session.get_one(User, user.id))[0].scope for user in map(find_user, (observer, operator))
        ]
    assert scopes == [Scope.READ, Scope.ADMIN]


@pytest.mark.parametrize(
    "arguments",
    [("token", "create", "nobody"), ("user", "disable", "nobody"), ("user", "set-password", "nobody")],
)
def test_an_unknown_user_is_named(runner: FlaskCliRunner, arguments: tuple[str, ...]) -> None:
    assert refuse(runner, *arguments) == "Error: There is no user 'nobody'.\n"
