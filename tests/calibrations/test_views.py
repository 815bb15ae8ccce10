"""The page of a frame's calibrations, its JSON, and calibrations into the cart: by forms alone."""

import csv
import io
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.calibrations.test_queries import BINNED, LAST_MONTH, add
from tests.frames_factory import add_frame
from tests.html_page import BROWSER, HtmlPage, get_page


@pytest.fixture
def ids(app: Flask) -> dict[str, int]:
    """Two frames in different filters, their bias, a dark that a header names, and a flat of one of the filters."""
    with app.app_context():
        return {
            "bias": add("BIAS", LAST_MONTH, "the-bias"),
            "dark": add("DARK", LAST_MONTH, "the-dark", contents=("larger",)),
            "flat": add("SKYFLAT", LAST_MONTH, "the-flat"),
            "one": add("EXPOSE", basename="one", related_frame_filenames=["the-dark"]),
            "two": add("EXPOSE", basename="two", primary_optical_element="gp"),
            "bare": add_frame("bare", instrument_id="", headers=BINNED),
        }


def send(client: FlaskClient, path: str, **form: object) -> HtmlPage:
    token = get_page(client, "/login").fields["csrf_token"]
    data = {"csrf_token": token, "next": "/cart"} | form
    return HtmlPage(client.post(path, data=data, headers=BROWSER, follow_redirects=True))


def list_cart(client: FlaskClient) -> set[int]:
    return {int(row["id"]) for row in csv.DictReader(io.StringIO(client.get("/cart.csv").text))}


def test_the_page_says_why_and_adds_the_best(client: FlaskClient, ids: dict[str, int]) -> None:
    assert f"/frames/{ids['one']}/calibrations" in get_page(client, f"/frames/{ids['one']}/").html
    page = get_page(client, f"/frames/{ids['one']}/calibrations")
    assert "1 bias, 1 dark, 1 flat, 3 kB" in page.text
    assert "named in its header" in page.text
    assert "31 days before, in rp, binning 2×2" in page.text
    best = re.search(r'form="cart-add" name="frame_ids" value="([0-9 ]+)"', page.html)[1]
    assert "3 frames added" in send(client, "/cart/add", frame_ids=best).text
    assert list_cart(client) == {ids[name] for name in ("bias", "dark", "flat")}


def test_what_is_missing_is_named(client: FlaskClient, ids: dict[str, int]) -> None:
    page = get_page(client, f"/frames/{ids['two']}/calibrations")
    assert "No flat that suits this frame was taken within a year of it" in page.text
    assert page.links["All of this instrument"].count("configuration_type=") == 4
    assert "its instrument is not known" in get_page(client, f"/frames/{ids['bare']}/calibrations").text
    assert "is not calibrated with others" in get_page(client, f"/frames/{ids['bias']}/calibrations").text
    assert get_page(client, "/frames/4711/calibrations").status == 404


def test_the_record_for_programs(client: FlaskClient, ids: dict[str, int]) -> None:
    record = client.get(f"/frames/{ids['two']}/calibrations").json
    assert record["missing"] == ["flat"]
    kinds = [(each["kind"], each["is_own"], each["frame"]["id"]) for each in record["calibrations"]]
    assert kinds == [("bias", False, ids["bias"]), ("dark", False, ids["dark"])]
    assert record["calibrations"][0]["frame"]["url"].startswith("http")


def test_those_of_all_that_is_in_the_cart(client: FlaskClient, ids: dict[str, int]) -> None:
    send(client, "/cart/add", frame_ids=f"{ids['one']} {ids['two']} {ids['bias']}")
    assert "Add matching calibrations" in get_page(client, "/cart").html
    page = send(client, "/cart/add-calibrations")
    assert "2 frames, 2 kB, added to the cart: 1 dark, 1 flat. 1 was in it already. No flat suits two." in page.text
    assert list_cart(client) == {frame_id for name, frame_id in ids.items() if name != "bare"}
    assert "All 3 calibrations are in the cart already." in send(client, "/cart/add-calibrations").text


def test_those_of_a_page_of_a_search(client: FlaskClient, ids: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Add their calibrations" in get_page(client, "/?basename=one").html
    send(client, "/cart/add-calibrations", frame_ids=ids["one"])
    assert list_cart(client) == {ids[name] for name in ("bias", "dark", "flat")}
    text = send(client, "/cart/add-calibrations", frame_ids=ids["bare"]).text
    assert "No calibration was found. No bias suits bare. No dark suits bare. No flat suits bare." in text
    monkeypatch.setattr("app.carts.views.MOST_FRAMES", 1)
    page = send(client, "/cart/add-calibrations", frame_ids=f"{ids['one']} {ids['two']}")
    assert page.status == 400
    assert "at most 1 frames at a time, not of 2" in page.text
