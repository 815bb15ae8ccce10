"""Who is asking: the profile, by each way to say so, and tokens."""

import pytest

from tests.contract.stock import MEMBER, NOBODY, OPERATOR, Archive
from tests.fixtures.ingest import log_in

PROFILES = {
    NOBODY: {"username": "", "profile": {"proposals": []}, "is_staff": False},
    MEMBER: {"username": "member", "profile": {"proposals": ["SECRET2026A-001"]}, "is_staff": False},
    OPERATOR: {"username": "operator", "profile": {"proposals": []}, "is_staff": True},
}
CREDENTIALS = {"username": "member", "password": "member"}


@pytest.mark.parametrize("viewer", PROFILES)
def test_profile(archive: Archive, viewer: str) -> None:
    answer = archive.get("/profile/", viewer)
    assert (answer.status_code, answer.json) == (200, PROFILES[viewer])


def test_a_session_counts_too(archive: Archive) -> None:
    client = archive.client
    log_in(client, MEMBER)
    assert client.get("/profile/").json == PROFILES[MEMBER]


def test_an_unknown_token_is_told(archive: Archive) -> None:
    answer = archive.client.get("/profile/", headers={"Authorization": "Token unknown"})
    assert answer.status_code == 401


@pytest.mark.parametrize("how", ["json", "data"])
def test_a_password_gives_a_token_that_can_be_replaced(archive: Archive, how: str) -> None:
    def ask(token: str) -> int:
        return archive.client.get("/profile/", headers={"Authorization": f"Token {token}"}).status_code

    old = archive.post("/api-token-auth/", **{how: CREDENTIALS}).json
    assert list(old) == ["token"]
    new = archive.client.post("/revoke_token/", headers={"Authorization": f"Token {old['token']}"})
    assert (new.status_code, ask(old["token"]), ask(new.json["token"])) == (200, 401, 200)


@pytest.mark.parametrize("how", ["json", "data"])
def test_wrong_credentials(archive: Archive, how: str) -> None:
    answer = archive.post("/api-token-auth/", **{how: CREDENTIALS | {"password": "wrong"}})
    assert answer.status_code == 400
    assert [type(message) for message in answer.json["non_field_errors"]] == [str]


def test_nobody_has_no_token_to_replace(archive: Archive) -> None:
    assert archive.post("/revoke_token/").status_code == 401
