"""What a token is good for: what its scope and its owner's rights both allow."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.actions import create_token, create_user
from app.accounts.models import Scope
from app.accounts.queries import get_user
from app.extensions import db
from tests.fits_factory import write_fits
from tests.fixtures.ingest import Headers, upload

A_RECORD = {
    "basename": "a",
    "observation_date": "2026-11-01T03:00:00",
    "public_date": "2999-01-01T00:00:00",
    "proposal_id": "LAB-1",
    "instrument_id": "fa01",
    "site_id": "cpt",
    "telescope_id": "1m0a",
    "configuration_type": "EXPOSE",
    "observation_day": "2026-11-01",
    "observation_id": 1,
    "version_set": [],
}


def with_token(app: Flask, username: str, scope: Scope, **rights: bool) -> Headers:
    with app.app_context():
        token = create_token(create_user(username, "secret", **rights), "test", scope)
        db.session.commit()
    return {"Authorization": f"Token {token}"}


@pytest.fixture
def as_tcs(app: Flask) -> Headers:
    """A telescope control system, which is no operator: an operator has given it a token to ingest with."""
    return with_token(app, "tcs", Scope.INGEST)


@pytest.fixture
def as_monitor(app: Flask) -> Headers:
    """An operator's token that may only read."""
    return with_token(app, "monitor", Scope.READ, is_admin=True)


class TestIngest:
    def test_it_sends_files_and_sees_its_own_jobs(
        self, client: FlaskClient, as_tcs: Headers, as_operator: Headers, tmp_path
    ) -> None:
        file = write_fits(tmp_path / "a.fits")
        own, others = upload(client, as_tcs, file), upload(client, as_operator, file)
        assert client.get(f"/ingest/jobs/{own}", headers=as_tcs).json["state"] == "queued"
        assert client.get(f"/ingest/jobs/{others}", headers=as_tcs).status_code == 404
        listed = client.get("/ingest/jobs", headers=as_tcs).json
        assert ([job["id"] for job in listed["results"]], listed["counts"]["queued"]) == ([own], 1)
        assert len(client.get("/ingest/jobs", headers=as_operator).json["results"]) == 2

    def test_it_sends_records_and_sees_afterwards_what_its_owner_sees(
        self, client: FlaskClient, as_tcs: Headers
    ) -> None:
        answer = client.post("/frames/", json=A_RECORD, headers=as_tcs)
        assert (answer.status_code, answer.json.get("proposal_id")) == (201, "LAB-1")
        assert client.get(f"/frames/{answer.json['id']}/", headers=as_tcs).status_code == 404
        assert client.get("/versions/?md5=0", headers=as_tcs).json["count"] == 0

    @pytest.mark.parametrize("path", ["/metrics", "/ingest", "/proposals"])
    def test_what_operators_see_it_does_not(self, client: FlaskClient, as_tcs: Headers, path: str) -> None:
        assert client.get(path, headers=as_tcs).status_code == 403


class TestRead:
    @pytest.mark.parametrize("path", ["/metrics", "/ingest", "/ingest/jobs", "/versions/", "/proposals"])
    def test_an_operators_shows_what_operators_see(self, client: FlaskClient, as_monitor: Headers, path: str) -> None:
        assert client.get(path, headers=as_monitor).status_code == 200

    @pytest.mark.parametrize("path", ["/frames/", "/thumbnails/", "/ingest/jobs", "/ingest/jobs/1/retry"])
    def test_it_changes_nothing(self, client: FlaskClient, as_monitor: Headers, path: str) -> None:
        refused = client.post(path, json=A_RECORD, headers=as_monitor)
        assert (refused.status_code, "scope “ingest”" in refused.json["detail"]) == (403, True)

    def test_it_sees_what_its_owner_sees(self, app: Flask, client: FlaskClient, as_member: Headers) -> None:
        with app.app_context():
            token = create_token(get_user("member"), "read", Scope.READ)
            db.session.commit()
        headers = {"Authorization": f"Token {token}"}
        assert client.get("/profile/", headers=headers).json == client.get("/profile/", headers=as_member).json


def test_the_pages_of_an_operator_are_changed_by_the_scope_admin_only(app: Flask, client: FlaskClient) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    headers = with_token(app, "shift", Scope.INGEST, is_admin=True)
    refused = client.post("/proposals/members", data={"proposal_id": "A", "username": "shift"}, headers=headers)
    assert (refused.status_code, "“admin”" in refused.json["detail"]) == (403, True)
