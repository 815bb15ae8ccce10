"""Lists of targets: what is found of each, for whom, by forms alone and for programs; on both databases."""

import csv
import io
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.actions import create_user
from app.targets import matching, resolving
from tests.fixtures.application import MakeApp
from tests.fixtures.ingest import log_in
from tests.frames_factory import add_frame, square
from tests.html_page import BROWSER, HtmlPage, get_page
from tests.scripted_server import scripted_server

ORION, ANDROMEDA, NOWHERE = (83.82, -5.39), (10.685, 41.27), (200.0, 60.0)
HIDDEN = {"public_date": "2999-01-01T00:00:00", "proposal_id": "theirs"}
VEGA = "%J 279.23473 +38.78368 = 18:36:56.33 +38:47:01.2\n"
LIST = "M 42\nmine, 10.685, 41.27\n200 +60\nno such thing\n"


@pytest.fixture(params=["columns", "sql"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the columns in memory, and as long as these are being made."""
    if request.param == "sql":
        monkeypatch.setattr(matching, "select_frames", lambda viewer, condition: None)


@pytest.fixture
def ids(app: Flask) -> dict[str, int]:
    with app.app_context():
        create_user("member", "member", proposals=["theirs"])
        return {
            "orion": add_frame("orion", area=square(*ORION, 0.5)),
            "later": add_frame(
                "later",
                area=square(*ORION, 0.5),
                observation_date="2026-11-03T03:00:00",
                primary_optical_element="gp",
            ),
            "beside": add_frame("beside", area=square(ORION[0], ORION[1] + 0.6, 0.5)),
            "andromeda": add_frame("andromeda", area=square(*ANDROMEDA, 0.5), target_name="no such thing, really"),
            "hidden": add_frame("hidden", area=square(*ANDROMEDA, 0.5), **HIDDEN),
            "placeless": add_frame("placeless"),
        }


def post(client: FlaskClient, **form: Any) -> HtmlPage:
    return HtmlPage(client.post("/targets/", data=form, headers=BROWSER, follow_redirects=True))


def ask(client: FlaskClient, *targets: Any, **body: Any) -> Any:
    answer = client.post("/targets/", json={"targets": list(targets), **body})
    assert answer.status_code == 200, answer.text
    return answer.json


def count(client: FlaskClient, *targets: Any, **body: Any) -> list[int]:
    return [each["count"] for each in ask(client, *targets, **body)["targets"]]


def test_each_target_is_answered(way: None, client: FlaskClient, ids: dict[str, int]) -> None:
    page = post(client, targets=LIST)
    assert page.status == 200
    assert "2 of 4 targets found: 3 frames" in page.text
    assert "M 42 M 42 · NGC 1976 (OpenNGC)" in page.text
    assert "decimal position" in page.text
    assert "2026-11-03 03:00:00 gp, rp" in page.text
    assert "No frame of 1 target 200 +60" in page.text
    assert re.search("Line 4, no such thing ?: No object is known as", page.text), page.text
    assert page.links["1 frame has it in the target's name"] == "/?target_name=no+such+thing"
    found = get_page(client, page.links["2"])
    assert "2 frames" in found.text
    assert "later" in found.text


def test_counts_are_those_of_searches(way: None, client: FlaskClient, ids: dict[str, int]) -> None:
    places = [
        f"{ORION[0] + x} {ORION[1] + y:+}" for x in (-0.3, -0.249, 0, 0.251, 0.5) for y in (-0.3, 0, 0.3, 0.351, 0.9)
    ]
    for radius in (0, 0.05, 0.4, 170):
        wanted = [
            client.get("/frames/", query_string={"position": place, "radius": radius}).json["count"] for place in places
        ]
        assert count(client, *places, radius=radius) == wanted
    assert sum(wanted) > 0


def test_programs_send_lists(client: FlaskClient, ids: dict[str, int]) -> None:
    named = {"name": "mine", "ra": 83.82, "dec": -5.39, "radius": 0.5}
    answer = ask(client, "M 42", named, {"name": "M 31"}, {"ra": "5:35:17", "dec": "-5:23:28"}, "unknown thing")
    assert answer["count"] == 4
    assert [each["count"] for each in answer["targets"]] == [2, 3, 1, 2, 0]
    assert answer["targets"][1] | {"newest": None} == {
        "line": 2,
        "text": "83.82 -5.39",
        "name": "mine",
        "ra": 83.82,
        "dec": -5.39,
        "source": "decimal",
        "read_as": "83.82° −5.39°",
        "radius": 0.5,
        "count": 3,
        "newest": None,
        "filters": ["gp", "rp"],
        "error": None,
    }
    assert answer["targets"][4]["ra"] is None
    assert "No object is known" in answer["targets"][4]["error"]
    assert client.post("/targets/", data={"targets": "M 42"}).json["count"] == 2


def test_frames_are_narrowed(way: None, client: FlaskClient, ids: dict[str, int]) -> None:
    assert count(client, "M 42", primary_optical_element="gp") == [1]
    assert count(client, "M 42", start="2026-11-02") == [1]
    assert count(client, "M 42", request_id=1) == [0]
    page = post(client, targets="M 42", primary_optical_element="gp", radius="0.1")
    assert "1 of 1 target found: 1 frame" in page.text
    assert "primary_optical_element=gp" in page.links["1"]
    assert page.fields["primary_optical_element"] == "gp"


def test_who_may_see_more_finds_more(way: None, client: FlaskClient, ids: dict[str, int]) -> None:
    assert count(client, "M 31") == [1]
    log_in(client, "member")
    assert count(client, "M 31") == [2]
    assert count(client, "M 31", availability="proprietary") == [1]


def test_a_short_list_has_an_address(client: FlaskClient, ids: dict[str, int]) -> None:
    answer = client.post("/targets/", data={"targets": LIST, "radius": "0.1"}, headers=BROWSER)
    assert answer.status_code == 303
    assert "3 frames" in get_page(client, answer.location).text
    assert "address can be shared" in get_page(client, answer.location).text
    page = post(client, targets="M 42\n" * 1000)
    assert "1 000 of 1 000 targets found: 2 frames" in page.text
    assert "address can be shared" not in page.text


def test_files(client: FlaskClient, ids: dict[str, int]) -> None:
    table = "Name;RA;Dec\nÄpfel;83,82;-5,39\n".encode("latin-1")
    assert "Äpfel" in post(client, file=(io.BytesIO(table), "list.csv")).text
    page = post(client, file=(io.BytesIO(b"\x7fELF\x00\x01"), "list.csv"), radius="0.5")
    assert page.status == 400
    assert "This file is no text" in page.text
    assert page.fields["radius"] == "0.5"
    both = post(client, targets="M 42", file=(io.BytesIO(b"M 31"), "list.csv"))
    assert "Given twice" in both.text
    answer = client.post("/targets/", data={"file": (io.BytesIO(b"M 42\n" * 2**21), "list.csv")}, headers=BROWSER)
    assert answer.status_code == 413
    assert "may have 2 MiB, and 1,000 targets" in answer.text


WRONG_FORMS = [
    ({"targets": "M 42\n" * 1001}, "at most 1,000 targets, this one has 1,001"),
    ({"targets": "M 42", "radius": "x"}, "Not a valid number."),
    ({"targets": "M 42", "start": "soon"}, "is no time"),
    ({"targets": "M 42", "colour": "blue"}, "There is no such parameter"),
    ({"targets": " "}, "The list is empty"),
]
WRONG_LISTS = [[], ["M 42"] * 1001, [1], [{"colour": "blue"}], [{"name": "x", "radius": "wide"}], [""], "M 42", [{}]]


def test_what_can_t_be_looked_for_keeps_the_form(client: FlaskClient) -> None:
    for form, told in WRONG_FORMS:
        page = post(client, **form)
        assert page.status == 400
        assert told in page.text
        assert form["targets"].strip()[:4] in page.html
        answer = client.post("/targets/", data=form)
        assert (answer.status_code, answer.is_json) == (400, True)


def test_what_is_no_list_for_programs(client: FlaskClient) -> None:
    for targets in WRONG_LISTS:
        answer = client.post("/targets/", json={"targets": targets})
        assert answer.status_code == 400
        assert "targets" in answer.json


def test_all_that_is_found_goes_home(client: FlaskClient, ids: dict[str, int]) -> None:
    page = post(client, targets=LIST + "M 42 3d")
    (wanted,) = re.findall(r'name="frame_ids" value="([0-9 ]+)"', page.html)
    assert {int(frame_id) for frame_id in wanted.split()} == {
        ids[name] for name in ("orion", "later", "beside", "andromeda")
    }
    answer = client.post("/targets/frames.csv", data={"targets": LIST + "M 42 3d"})
    rows = [(row["target"], row["basename"]) for row in csv.DictReader(io.StringIO(answer.text))]
    first = [("M 42", "orion"), ("M 42", "later")]
    assert rows == [*first, ("mine", "andromeda"), *first, ("M 42", "beside")]
    answer = client.post("/targets/targets.csv", data={"targets": LIST})
    table = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["line"], row["name"], row["count"]) for row in table][:2] == [("1", "M 42", "2"), ("2", "mine", "1")]
    assert "No object is known" in table[3]["error"]


def test_too_much_is_refused(client: FlaskClient, ids: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "MOST_FOUND", 7)
    assert count(client, "M 42", "M 31", "M 33", radius=0.5) == [3, 1, 0]
    page = post(client, targets="M 42\nM 31", radius="180")
    assert page.status == 400
    assert "more than 7 frames together: give smaller radii" in page.text


def test_a_radius_of_more_than_the_sky(client: FlaskClient) -> None:
    assert "between 0° and 180°" in ask(client, {"name": "M 42", "radius": 200})["targets"][0]["error"]


def test_the_resolver_is_asked_for_what_is_not_known(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "MOST_ASKED", 2)
    with scripted_server() as server:
        server.answer((200, VEGA), (200, VEGA))
        client = make_app(NAME_RESOLVER_URL=server.url).test_client()
        targets = ask(client, "M 42", "my-star", "my-star", "their-star", "third-star", "83.82 -5.39")["targets"]
    assert [each["source"] for each in targets] == ["OpenNGC", "Sesame", "Sesame", "Sesame", None, "decimal"]
    assert sorted(path for _, path, *_ in server.requests) == ["/my-star", "/their-star"]
    assert "2 names at a time" in targets[4]["error"]


def test_a_slow_resolver_holds_nobody_up(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "PATIENCE_S", 0.0)
    with scripted_server() as server:
        server.answer((200, VEGA))
        client = make_app(NAME_RESOLVER_URL=server.url).test_client()
        (target,) = ask(client, "slow-star-of-mine")["targets"]
    assert "did not answer within 0 s" in target["error"]
