"""Facets: each count is what the search finds with that value; several values of one; what is public by now."""

import random
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.viewer import ANONYMOUS, Viewer
from app.frames.facets import NAMES, count_facets
from app.frames.matching import find_matching
from app.frames.search import SearchSchema
from tests.frames_factory import add_frame, square

VALUES: dict[str, list[Any]] = {
    "site_id": ["cpt", "lsc", "ogg"],
    "telescope_id": ["1m0a", "2m0a"],
    "instrument_id": ["fa01", "fa02"],
    "primary_optical_element": ["rp", "gp", ""],
    "configuration_type": ["EXPOSE", "BIAS"],
    "reduction_level": [0, 91],
    "proposal_id": ["OPEN-1", "SECRET-1", "SECRET-2"],
}
NIGHTS = ["2026-10-01", "2026-10-02", "2026-10-03"]
MEMBER = Viewer(1, "member", proposals=frozenset({"SECRET-1"}))
OPERATOR = Viewer(2, "operator", is_admin=True)


@pytest.fixture
def frames(app: Flask) -> None:
    chance = random.Random(1)
    with app.app_context():
        for number in range(60):
            fields = {name: chance.choice(values) for name, values in VALUES.items()}
            night = chance.choice(NIGHTS)
            public = "2100-01-01" if fields["proposal_id"].startswith("SECRET") and number % 3 else "2026-10-01"
            area = square(20 * (number % 3), 0, 2) if number % 4 else None
            times = {"observation_day": night, "observation_date": f"{night}T03:00:00", "public_date": public}
            add_frame(f"frame-{number}", **fields, **times, area=area, exposure_time=number)


def make_search(chance: random.Random) -> dict[str, Any]:
    facets = {**VALUES, "dayobs": NIGHTS}
    asked = {name: chance.sample(facets[name], chance.randint(1, 2)) for name in chance.sample(sorted(facets), 2)}
    others = [{}, {"ra": 0, "dec": 0, "radius": 3}, {"exposure_time": 20}, {"exclude_configuration_type": ["BIAS"]}]
    availability = chance.choice([{}, {}, {"availability": "public"}, {"availability": "proprietary"}])
    return asked | chance.choice(others) | availability


@pytest.mark.usefixtures("frames")
def test_each_count_is_what_the_search_finds_with_that_value(app: Flask) -> None:
    chance = random.Random(2)
    with app.app_context():
        for viewer in (ANONYMOUS, MEMBER, OPERATOR):
            for _ in range(6):
                search = make_search(chance)
                for facet, counts in count_facets(viewer, SearchSchema().load(search)).items():
                    for value, count in counts.items():
                        asked = search | {facet: value if facet == "availability" else [str(value)]}
                        found = find_matching(viewer, SearchSchema().load(asked)).count(is_forced=True)[0]
                        assert count == found, (viewer.username, search, facet, value)


@pytest.mark.usefixtures("frames")
def test_values_that_nobody_may_see_are_not_told(app: Flask) -> None:
    with app.app_context():
        add_frame("hidden", proposal_id="SECRET-3", public_date="2100-01-01")
        assert count_facets(ANONYMOUS, {})["proposal_id"].keys() == {"OPEN-1", "SECRET-1", "SECRET-2"}
        assert count_facets(ANONYMOUS, {"site_id": ["nowhere"]})["configuration_type"] == {"EXPOSE": 0, "BIAS": 0}
        assert count_facets(ANONYMOUS, {})["availability"] == {}
        assert count_facets(MEMBER, {})["availability"]["proprietary"] > 0
        assert "SECRET-3" in count_facets(OPERATOR, {})["proposal_id"]


@pytest.mark.parametrize("facet", [name for name in NAMES if name != "availability"])
@pytest.mark.usefixtures("frames")
def test_programs_get_any_of_several_values(client: FlaskClient, facet: str) -> None:
    values = {**VALUES, "dayobs": NIGHTS}[facet][:2]

    def find(*asked: Any) -> set[int]:
        answer = client.get("/frames/", query_string={NAMES[facet][-1]: asked, "limit": 100}).json
        return {record["id"] for record in answer["results"]}

    one, other = (find(value) for value in values)
    assert one != other
    assert find(*values) == one | other


def test_what_is_wrong_with_one_of_several_is_told_as_of_one(client: FlaskClient) -> None:
    answer = client.get("/frames/?reduction_level=0&reduction_level=x")
    assert answer.json["reduction_level"] == ["Not a valid integer."]
    assert client.get("/frames/?dayobs=1").json["dayobs"] == ["'1' is no night: give 2026-11-20 or 20261120."]
    assert "Must be one of: public, proprietary." in client.get("/frames/?availability=x").json["availability"]
