"""Pages of other sites may use the JSON API, but not with a user's cookies."""

import pytest
from flask.testing import FlaskClient

ELSEWHERE = {"Origin": "https://viewer.example"}
PREFLIGHT = ELSEWHERE | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


@pytest.mark.parametrize("path", ["/frames/", "/frames/9/", "/frames/?limit=none", "/profile/", "/health/"])
def test_any_origin_may_read_answers_and_errors(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers=ELSEWHERE)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("path", ["/api-token-auth/", "/ingest/jobs"])
def test_a_browser_may_ask_beforehand(client: FlaskClient, path: str) -> None:
    answer = client.options(path, headers=PREFLIGHT)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert answer.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type, If-None-Match"


def test_pages_are_for_their_own_site(client: FlaskClient) -> None:
    answer = client.get("/", headers=ELSEWHERE | {"Accept": "text/html"})
    assert "Access-Control-Allow-Origin" not in answer.headers
