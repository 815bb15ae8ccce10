"""Accounts as programs see them: the profile, the token of a password, and replacing one."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.actions import create_user
from app.accounts.models import ApiToken
from app.extensions import db
from tests.fixtures.ingest import Headers

CREDENTIALS = {"username": "observer", "password": "secret"}


@pytest.fixture(autouse=True)
def user(app: Flask) -> None:
    with app.app_context():
        create_user("observer", "secret", proposals=["B2026A-002", "A2026A-001"])
        db.session.commit()


def log_in(client: FlaskClient, **how: Any) -> Headers:
    return {"Authorization": f"Token {client.post('/api-token-auth/', **how).json['token']}"}


def get_profile(client: FlaskClient, headers: Headers) -> dict[str, Any]:
    profile: dict[str, Any] = client.get("/profile/", headers=headers).json
    return profile


def test_nobody_has_an_empty_name(client: FlaskClient) -> None:
    assert get_profile(client, {}) == {"username": "", "profile": {"proposals": []}, "is_staff": False}


@pytest.mark.parametrize("how", ["json", "data"])
@pytest.mark.parametrize("path", ["/api-token-auth/", "/api-token-auth"])
def test_a_password_gives_a_token(client: FlaskClient, how: str, path: str) -> None:
    token = client.post(path, **{how: CREDENTIALS}).json["token"]
    profile = get_profile(client, {"Authorization": f"Token {token}"})
    assert profile == {
        "username": "observer",
        "profile": {"proposals": ["A2026A-001", "B2026A-002"]},
        "is_staff": False,
    }


def test_each_log_in_gives_the_same_token_and_ends_no_other(app: Flask, client: FlaskClient) -> None:
    first, second = log_in(client, json=CREDENTIALS), log_in(client, json=CREDENTIALS)
    assert first == second
    with app.app_context():
        assert db.session.query(ApiToken).count() == 1
        assert first["Authorization"].split()[1] not in db.session.query(ApiToken).one().token_hash


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"username": "nobody"}, {"username": "a\0b"}])
def test_wrong_credentials(client: FlaskClient, wrong: dict[str, str]) -> None:
    answer = client.post("/api-token-auth/", json=CREDENTIALS | wrong)
    assert answer.status_code == 400
    assert answer.json["non_field_errors"] == ["Unable to log in with provided credentials."]


def test_missing_credentials_are_named(client: FlaskClient) -> None:
    answer = client.post("/api-token-auth/", data={"username": "observer"})
    assert answer.status_code == 400
    assert answer.json["password"] == ["Missing data for required field."]


@pytest.mark.parametrize("own", [True, False], ids=["of the password", "of the shell"])
def test_a_new_token_replaces_the_old(client: FlaskClient, as_member: Headers, own: bool) -> None:
    old = log_in(client, json=CREDENTIALS) if own else as_member
    name = get_profile(client, old)["username"]
    new = {"Authorization": f"Token {client.post('/revoke_token/', headers=old).json['token']}"}
    assert client.get("/profile/", headers=old).status_code == 401
    assert get_profile(client, new)["username"] == name
    if own:
        assert log_in(client, json=CREDENTIALS) == new


def test_only_a_token_can_be_replaced(client: FlaskClient) -> None:
    assert client.post("/revoke_token/").status_code == 401
