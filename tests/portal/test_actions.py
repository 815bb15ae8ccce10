"""Whoever the portal knows is somebody here, for as long as it is remembered."""

import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import func, select, update

from app.accounts.actions import switch_off
from app.accounts.models import User
from app.accounts.queries import get_user
from app.extensions import db
from app.portal.models import PortalToken
from tests.accounts.test_cli import PASSWORD, refuse, run
from tests.fixtures.application import MakeApp
from tests.fixtures.ingest import Headers
from tests.frames_factory import add_frame
from tests.portal.portal_server import PortalServer, build_profile

ADA = {"Authorization": "Bearer ada-oauth"}
STAFF = {"Authorization": "Token staff-api"}


@pytest.fixture(autouse=True)
def users(portal: PortalServer) -> None:
    portal.profiles[ADA["Authorization"]] = build_profile("ada", "LAB-1", "LAB-2")
    portal.profiles[STAFF["Authorization"]] = build_profile("staff", is_staff=True)


@pytest.fixture
def frame_id(app: Flask) -> int:
    """A frame of LAB-1 that is not public."""
    with app.app_context():
        return add_frame("secret", proposal_id="LAB-1", public_date="2999-01-01")


@pytest.fixture
def later(app: Flask) -> Callable[[], None]:
    """A function that makes what is remembered old."""

    def make_old() -> None:
        with app.app_context():
            db.session.execute(update(PortalToken).values(expires=dt.datetime.now(dt.UTC)))
            db.session.commit()

    return make_old


def ask(client: FlaskClient, headers: Headers, path: str = "/profile/") -> int:
    return client.get(path, headers=headers).status_code


def test_a_bearer_sees_what_the_portal_says(client: FlaskClient, frame_id: int) -> None:
    answer = client.get("/profile/", headers=ADA)
    said = {"username": "ada", "profile": {"proposals": ["LAB-1", "LAB-2"]}, "is_staff": False}
    assert (answer.status_code, answer.json) == (200, said)
    assert (ask(client, ADA, f"/frames/{frame_id}/"), ask(client, {}, f"/frames/{frame_id}/")) == (200, 404)


def test_staff_are_operators(client: FlaskClient, frame_id: int) -> None:
    assert client.get("/profile/", headers=STAFF).json["is_staff"] is True
    assert (ask(client, STAFF, "/ingest/jobs"), ask(client, ADA, "/ingest/jobs")) == (200, 403)


def test_the_scheme_is_sent_on_as_it_came(client: FlaskClient, portal: PortalServer) -> None:
    assert ask(client, {"Authorization": "Token ada-oauth"}) == 401
    assert ask(client, {"Authorization": "bearer ada-oauth"}) == 200
    assert portal.asked == ["Token ada-oauth", "Bearer ada-oauth"]


def test_a_token_in_the_body_counts(client: FlaskClient, frame_id: int) -> None:
    body = {"frame_ids": [frame_id]}
    for token, status in (("staff-api", 200), ("nobody's", 404)):
        assert client.post("/frames/zip/", json=body | {"auth_token": token}).status_code == status


def test_an_answer_is_remembered_by_its_hash(
    app: Flask, client: FlaskClient, portal: PortalServer, later: Callable[[], None]
) -> None:
    assert [ask(client, ADA) for _ in range(3)] == [200] * 3
    assert len(portal.asked) == 1
    with app.app_context():
        kept = db.session.scalars(select(PortalToken)).one()
        assert "ada" not in kept.token_hash
        assert 290 < (kept.expires - dt.datetime.now(dt.UTC)).total_seconds() <= 300
    later()
    assert (ask(client, ADA), len(portal.asked)) == (200, 2)


def test_a_refusal_is_remembered_for_a_minute(
    app: Flask, client: FlaskClient, portal: PortalServer, later: Callable[[], None]
) -> None:
    wrong = {"Authorization": "Token wrong"}
    assert ([ask(client, wrong) for _ in range(3)], len(portal.asked)) == ([401] * 3, 1)
    with app.app_context():
        kept = db.session.scalars(select(PortalToken)).one()
        assert 50 < (kept.expires - dt.datetime.now(dt.UTC)).total_seconds() <= 60
    later()
    portal.profiles[wrong["Authorization"]] = build_profile("new")
    assert ask(client, wrong) == 200


def test_what_the_portal_takes_away_is_gone_at_the_next_answer(
    client: FlaskClient, portal: PortalServer, frame_id: int, later: Callable[[], None]
) -> None:
    ask(client, ADA), ask(client, STAFF)
    portal.profiles[ADA["Authorization"]] = build_profile("ada", "LAB-2", "LAB-3")
    portal.profiles[STAFF["Authorization"]] = build_profile("staff")
    assert ask(client, ADA, f"/frames/{frame_id}/") == 200
    later()
    assert ask(client, ADA, f"/frames/{frame_id}/") == 404
    assert client.get("/profile/", headers=ADA).json["profile"]["proposals"] == ["LAB-2", "LAB-3"]
    assert ask(client, STAFF, "/ingest/jobs") == 403


def test_what_is_over_is_deleted(app: Flask, client: FlaskClient, later: Callable[[], None]) -> None:
    ask(client, STAFF)
    later()
    ask(client, ADA)
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(PortalToken)) == 1


@pytest.mark.parametrize("token", ["", "two words", "ü", "x" * 5000, "a\x7f"])
def test_what_can_be_no_token_is_nothing_to_ask_about(client: FlaskClient, portal: PortalServer, token: str) -> None:
    assert (ask(client, {"Authorization": f"Bearer {token}"}), portal.asked) == (401, [])


def test_other_schemes_are_refused(client: FlaskClient, portal: PortalServer) -> None:
    assert (ask(client, {"Authorization": "Basic YTpi"}), portal.asked) == (401, [])


def test_without_a_portal_nobody_is_asked(make_app: MakeApp, portal: PortalServer) -> None:
    client = make_app(OAUTH_PROFILE_URL="").test_client()
    assert (ask(client, ADA), portal.asked) == (401, [])


def test_many_at_once_make_one_user(app: Flask, portal: PortalServer) -> None:
    with ThreadPoolExecutor(4) as threads:
        statuses = list(threads.map(lambda _: ask(app.test_client(), ADA), range(12)))
    assert set(statuses) == {200}
    assert len(portal.asked) <= 2
    with app.app_context():
        assert [user.username for user in db.session.scalars(select(User))] == ["ada"]


class TestAway:
    def test_who_needs_the_portal_is_told(self, client: FlaskClient, portal: PortalServer) -> None:
        portal.mood = "500"
        answer = client.get("/profile/", headers=ADA)
        assert (answer.status_code, answer.json["code"]) == (503, "portal_unavailable")
        assert "Observation Portal" in client.get("/", headers=ADA | {"Accept": "text/html"}).text

    def test_nothing_is_remembered_of_a_failure(self, app: Flask, client: FlaskClient, portal: PortalServer) -> None:
        portal.mood = "500"
        ask(client, ADA)
        portal.mood = "well"
        app.extensions["portal"].turns.note_answer()
        assert ask(client, ADA) == 200

    @pytest.mark.usefixtures("portal_hangs")
    def test_the_next_are_refused_without_a_question(self, client: FlaskClient, portal: PortalServer) -> None:
        assert [ask(client, {"Authorization": f"Token {number}"}) for number in range(5)] == [503] * 5
        assert len(portal.asked) == 1

    def test_it_opens_and_closes_nothing_for_others(
        self, client: FlaskClient, portal: PortalServer, as_member: Headers, frame_id: int, request
    ) -> None:
        assert ask(client, ADA, f"/frames/{frame_id}/") == 200
        request.getfixturevalue("portal_hangs")
        assert ask(client, {"Authorization": "Token unknown"}, f"/frames/{frame_id}/") == 503
        assert [ask(client, headers, "/frames/") for headers in ({}, as_member, ADA)] == [200] * 3
        seen = [ask(client, headers, f"/frames/{frame_id}/") for headers in ({}, as_member, ADA)]
        assert (seen, len(portal.asked)) == ([404, 404, 200], 2)

    def test_a_token_of_the_portal_is_not_replaced_here(self, client: FlaskClient, portal: PortalServer) -> None:
        assert (client.post("/revoke_token/", headers=ADA).status_code, portal.asked) == (401, [])

    def test_a_token_of_ours_is_never_shown_to_the_portal(
        self, app: Flask, client: FlaskClient, portal: PortalServer, as_member: Headers
    ) -> None:
        assert (ask(client, as_member), portal.asked) == (200, [])
        with app.app_context():
            switch_off(get_user("member"))
            db.session.commit()
        assert (ask(client, as_member), portal.asked) == (401, [])


class TestAccounts:
    @pytest.fixture
    def local_ada(self, runner: FlaskCliRunner) -> None:
        run(runner, "user", "create", "ada", "--admin", typed=f"{PASSWORD}\n{PASSWORD}\n")

    @pytest.mark.usefixtures("local_ada")
    def test_a_local_account_is_not_taken_over(self, app: Flask, client: FlaskClient, portal: PortalServer) -> None:
        answer = client.get("/profile/", headers=ADA)
        assert (answer.status_code, answer.json["code"], ask(client, ADA)) == (401, "name_taken", 401)
        assert len(portal.asked) == 1
        with app.app_context():
            assert (get_user("ada").is_admin, get_user("ada").memberships) == (True, [])
        assert client.post("/api-token-auth/", json={"username": "ada", "password": PASSWORD}).status_code == 200

    @pytest.mark.usefixtures("local_ada")
    def test_an_operator_may_hand_it_over(self, client: FlaskClient, runner: FlaskCliRunner) -> None:
        credentials = {"username": "ada", "password": PASSWORD}
        token = client.post("/api-token-auth/", json=credentials).json["token"]
        run(runner, "user", "hand-to-portal", "ada")
        assert client.post("/api-token-auth/", json=credentials).status_code == 400
        assert ask(client, {"Authorization": f"Token {token}"}) == 401
        assert client.get("/profile/", headers=ADA).json["is_staff"] is False

    @pytest.mark.parametrize("password", ["", PASSWORD])
    def test_nobody_logs_in_by_password(self, client: FlaskClient, password: str) -> None:
        assert ask(client, ADA) == 200
        credentials = {"username": "ada", "password": password}
        assert client.post("/api-token-auth/", json=credentials).status_code == 400

    def test_the_shell_shows_and_keeps_what_is_the_portals(self, client: FlaskClient, runner: FlaskCliRunner) -> None:
        ask(client, ADA)
        assert "user, of the portal" in run(runner, "user", "list")
        assert "Portal" in refuse(runner, "user", "set-password", "ada", typed=f"{PASSWORD}\n{PASSWORD}\n")
        assert "Portal" in refuse(runner, "proposal", "add", "LAB-9", "ada")

    def test_an_operator_keeps_a_user_out(self, app: Flask, client: FlaskClient, later: Callable[[], None]) -> None:
        assert ask(client, ADA) == 200
        with app.app_context():
            switch_off(get_user("ada"))
            db.session.commit()
        assert ask(client, ADA) == 401
        later()
        assert ask(client, ADA) == 401
