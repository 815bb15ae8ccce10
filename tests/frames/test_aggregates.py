"""Which values the frames of a search have, as far as the viewer may see them."""

import datetime as dt

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.fixtures.ingest import Headers
from tests.frames_factory import add_frame


@pytest.fixture(autouse=True)
def frames(app: Flask) -> None:
    with app.app_context():
        add_frame("science", site_id="cpt", primary_optical_element="rp", observation_date="2026-11-01T03:00:00")
        add_frame("bias", site_id="coj", primary_optical_element="", configuration_type="BIAS")
        add_frame("secret", site_id="lsc", proposal_id="SECRET2026A-001", public_date="2100-01-01")
        add_frame("no file", contents=(), site_id="tfn")


@pytest.mark.parametrize("path", ["/frames/aggregate/", "/frames/aggregate"])
def test_each_value_once_in_order_and_no_empty_ones(client: FlaskClient, path: str) -> None:
    answer = client.get(path).json
    generated_at = dt.datetime.fromisoformat(answer.pop("generated_at"))
    assert dt.datetime.now(dt.UTC) - generated_at < dt.timedelta(minutes=1)
    assert answer == {
        "sites": ["coj", "cpt"],
        "telescopes": ["1m0a"],
        "filters": ["rp"],
        "instruments": ["fa01"],
        "obstypes": ["BIAS", "EXPOSE"],
        "proposals": ["OPEN2026A-001"],
    }


@pytest.mark.parametrize(
    ("search", "sites"),
    [
        ("start=2026-11-01&end=2026-11-02&site_id=cpt", ["cpt"]),
        ("SITEID=coj", ["coj"]),
        ("exclude_OBSTYPE=BIAS", ["cpt"]),
        ("target_name=nothing", []),
        ("public=false", []),
    ],
)
def test_under_any_filter(client: FlaskClient, search: str, sites: list[str]) -> None:
    assert client.get(f"/frames/aggregate/?{search}").json["sites"] == sites


def test_only_what_the_viewer_may_see(client: FlaskClient, as_member: Headers, as_operator: Headers) -> None:
    def sites(headers: Headers, search: str = "") -> list[str]:
        found: list[str] = client.get(f"/frames/aggregate/?{search}", headers=headers).json["sites"]
        return found

    assert sites(as_member) == sites(as_operator) == ["coj", "cpt", "lsc"]
    assert sites(as_member, "public=false") == ["lsc"]


@pytest.mark.parametrize("name", ["limit", "offset", "ordering", "cursor"])
def test_there_are_no_pages(client: FlaskClient, name: str) -> None:
    answer = client.get(f"/frames/aggregate/?{name}=1")
    assert answer.status_code == 400
    assert name in answer.json
