"""Logging in with a browser, at the Observation Portal and at a provider of OpenID Connect."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from app.accounts.actions import switch_off
from app.accounts.queries import get_user
from app.extensions import db
from ocs_archive.settings import SettingError
from tests.accounts.test_cli import PASSWORD, run
from tests.fixtures.application import MakeApp
from tests.html_page import BROWSER, HtmlPage, get_page
from tests.portal.portal_server import build_profile
from tests.portal.provider import CLIENT_ID, CLIENT_SECRET, Provider, running_provider

BUTTON = "Log in with the Observation Portal"
CLIENT = {"OAUTH_CLIENT_ID": CLIENT_ID, "OAUTH_CLIENT_SECRET": CLIENT_SECRET}


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running_provider() as running:
        yield running


@pytest.fixture
def app(make_app: MakeApp, provider: Provider) -> Flask:
    """An archive whose users log in at the portal."""
    provider.profile = build_profile("ada", "LAB-1")
    names = {"OAUTH_PROFILE_URL": "profile", "OAUTH_AUTHORIZE_URL": "authorize", "OAUTH_TOKEN_URL": "token"}
    return make_app(**CLIENT, **{name: f"{provider.url}/{path}" for name, path in names.items()})


@pytest.fixture
def oidc_client(make_app: MakeApp, provider: Provider) -> FlaskClient:
    """A browser at an archive whose users log in at a provider of OpenID Connect."""
    address = f"{provider.url}/configuration"
    app = make_app(**CLIENT, OIDC_DISCOVERY_URL=address, OIDC_PROPOSALS_CLAIM="surveys", OAUTH_PROFILE_URL="")
    return app.test_client()


def come_back(client: FlaskClient, provider: Provider, next_address: str = "/", **changes: str) -> TestResponse:
    """Press the button, log in there, and return with what the provider gives."""
    button = get_page(client, f"/login?next={next_address}").links[BUTTON]
    address = client.get(button).location
    assert urlsplit(address).path == "/authorize"
    return client.get("/login/portal/callback", query_string=provider.approve(address) | changes, headers=BROWSER)


def who(client: FlaskClient) -> dict[str, Any]:
    return client.get("/profile/").json


def make_token(client: FlaskClient) -> int:
    """Fill the form of `/account`, also where it is not shown."""
    token = get_page(client, "/account").fields["csrf_token"]
    return client.post("/account/tokens", data={"name": "script", "scope": "read", "csrf_token": token}).status_code


def test_a_log_in_at_the_portal_leads_back(client: FlaskClient, provider: Provider) -> None:
    answer = come_back(client, provider, "/?site_id=cpt")
    assert (answer.status_code, answer.location) == (302, "/?site_id=cpt")
    assert who(client) == {"username": "ada", "profile": {"proposals": ["LAB-1"]}, "is_staff": False}
    assert provider.asked["redirect_uri"] == "http://localhost/login/portal/callback"
    page = get_page(client, "/account")
    assert "Your API token of the Observation Portal works here" in page.text
    assert "old_password" not in page.fields


def test_nobody_is_led_away(client: FlaskClient, provider: Provider) -> None:
    assert come_back(client, provider, "//evil.example/").location == "/"


def test_staff_are_operators(client: FlaskClient, provider: Provider) -> None:
    provider.profile = build_profile("staff", is_staff=True)
    come_back(client, provider)
    assert who(client)["is_staff"] is True


@pytest.mark.parametrize("changes", [{"state": "another"}, {"state": "é"}, {"code": ""}, {"code": "wrong"}])
def test_what_the_portal_has_not_said_logs_nobody_in(
    client: FlaskClient, provider: Provider, changes: dict[str, str]
) -> None:
    answer = come_back(client, provider, **changes)
    assert answer.location.startswith("/login")
    assert who(client)["username"] == ""


def test_another_browser_cannot_use_a_code(app: Flask, client: FlaskClient, provider: Provider) -> None:
    back = provider.approve(client.get("/login/portal").location)
    assert app.test_client().get("/login/portal/callback", query_string=back).location.startswith("/login")


def test_a_code_serves_once(client: FlaskClient, provider: Provider) -> None:
    come_back(client, provider)
    again = client.get("/login/portal/callback", query_string=provider.approve(client.get("/login/portal").location))
    assert again.location == "/"
    repeated = client.get("/login/portal/callback", query_string={"state": provider.asked["state"], "code": "the-code"})
    assert repeated.location.startswith("/login")


def test_who_has_a_token_of_the_portal_makes_none_here(client: FlaskClient, provider: Provider) -> None:
    come_back(client, provider)
    assert make_token(client) == 400


def test_a_local_account_is_not_taken_over(client: FlaskClient, provider: Provider, runner: FlaskCliRunner) -> None:
    run(runner, "user", "create", "ada", "--admin", typed=f"{PASSWORD}\n{PASSWORD}\n")
    answer = come_back(client, provider)
    assert "an account of its own" in HtmlPage(client.get(answer.location)).text
    assert who(client)["username"] == ""


def test_an_account_that_is_switched_off_stays_so(app: Flask, client: FlaskClient, provider: Provider) -> None:
    come_back(client, provider)
    with app.app_context():
        switch_off(get_user("ada"))
        db.session.commit()
    come_back(client, provider)
    assert who(client)["username"] == ""


def test_a_portal_that_is_broken_is_told_and_not_asked_again_at_once(client: FlaskClient, provider: Provider) -> None:
    provider.profile = {"detail": "down for maintenance"}
    for _ in range(2):  # the second is led there, too: that needs no answer
        answer = come_back(client, provider)
        assert (answer.status_code, "Observation Portal" in answer.text) == (503, True)
        assert who(client)["username"] == ""
        provider.profile = build_profile("ada")


def test_without_a_portal_there_is_no_button(make_app: MakeApp) -> None:
    client = make_app().test_client()
    assert BUTTON not in get_page(client, "/login").text
    assert client.get("/login/portal").status_code == 404


def test_half_of_the_settings_are_refused(make_app: MakeApp) -> None:
    with pytest.raises(SettingError, match="OAUTH_TOKEN_URL"):
        make_app(OAUTH_PROFILE_URL="https://p.example/", OAUTH_AUTHORIZE_URL="https://p.example/")


class TestOpenIdConnect:
    @pytest.mark.parametrize("place", ["claims", "profile"])
    def test_a_log_in(self, oidc_client: FlaskClient, provider: Provider, place: str) -> None:
        setattr(provider, place, {"sub": "7", "preferred_username": "grace", "surveys": ["B", "A"], "staff_view": True})
        assert come_back(oidc_client, provider).location == "/"
        assert who(oidc_client) == {"username": "grace", "profile": {"proposals": ["A", "B"]}, "is_staff": False}
        assert make_token(oidc_client) == 201

    @pytest.mark.parametrize(
        "claims", [{"nonce": "another"}, {"aud": "another"}, {"iss": "https://evil.example"}, {"exp": 1}], ids=str
    )
    def test_an_id_token_for_another_purpose(
        self, oidc_client: FlaskClient, provider: Provider, claims: dict[str, Any]
    ) -> None:
        provider.claims = {"preferred_username": "grace"} | claims
        assert come_back(oidc_client, provider).location.startswith("/login")
        assert who(oidc_client)["username"] == ""

    def test_an_id_token_that_another_has_signed(self, oidc_client: FlaskClient, provider: Provider) -> None:
        provider.claims = {"preferred_username": "grace"}
        published = provider.answer("/jwks", "", {})
        provider.key = ECKey.generate_key("P-256", {"kid": "one"})
        answer = provider.answer
        provider.answer = lambda path, *rest: published if path == "/jwks" else answer(path, *rest)
        assert come_back(oidc_client, provider).location.startswith("/login")
        assert who(oidc_client)["username"] == ""

    def test_a_userinfo_of_somebody_else(self, oidc_client: FlaskClient, provider: Provider) -> None:
        provider.claims = {"preferred_username": "grace"}
        provider.profile = {"sub": "8", "surveys": ["A"]}
        come_back(oidc_client, provider)
        assert who(oidc_client)["profile"]["proposals"] == []
