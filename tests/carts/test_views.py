"""Carts: by forms alone, on both databases; whose they are, what they count, and when they go."""

import csv
import datetime as dt
import io
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from app.accounts.actions import create_user
from app.carts.actions import prune_carts
from app.carts.models import Cart, CartFrame
from app.extensions import db
from app.frames.models import Frame
from tests.fixtures.application import MakeApp
from tests.frames_factory import add_frame
from tests.html_page import BROWSER, HtmlPage

HIDDEN = {"public_date": "2999-01-01T00:00:00", "proposal_id": "theirs"}
SUMMARY = re.compile(r"Cart: <span data-cart-summary>(.*?)</span>")


class Browser:
    """A browser without JavaScript."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()

    def open(self, path: str) -> HtmlPage:
        return HtmlPage(self.client.get(path, headers=BROWSER))

    def send(self, path: str, **form: object) -> HtmlPage:
        """Send a form, as the page with it does, and follow where it leads."""
        token = self.open("/login").fields["csrf_token"]
        data = {"csrf_token": token, "next": "/cart"} | form
        return HtmlPage(self.client.post(path, data=data, headers=BROWSER, follow_redirects=True))

    def count(self) -> str:
        """Return what every page says of the cart."""
        return SUMMARY.search(self.open("/redoc/").html)[1]

    def log_in(self, name: str) -> None:
        assert self.send("/login", username=name, password=name).status == 200

    def list_ids(self) -> set[int]:
        return {int(row["id"]) for row in csv.DictReader(io.StringIO(self.client.get("/cart.csv").text))}


@pytest.fixture
def ids(app: Flask) -> list[int]:
    """Three frames, the last of another proposal, and the users member (of that proposal) and stranger."""
    with app.app_context():
        create_user("member", "member", proposals=["theirs"])
        create_user("stranger", "stranger")
        return [add_frame("one"), add_frame("two", site_id="lsc"), add_frame("hidden", **HIDDEN)]


@pytest.fixture
def browser(app: Flask, ids: list[int]) -> Browser:
    return Browser(app)


def test_frames_go_in_and_out(browser: Browser, ids: list[int]) -> None:
    assert browser.count() == "0 frames"
    assert "The cart is empty" in browser.open("/cart").text
    page = browser.send("/cart/add", frame_ids=ids[0])
    assert "1 frame added to the cart." in page.text
    assert browser.count() == "1 frame, 1 kB"
    assert "All of that is in the cart already" in browser.send("/cart/add", frame_ids=ids[0]).text
    browser.send("/cart/add", frame_ids=f"{ids[0]} {ids[1]} ")
    assert browser.count() == "2 frames, 2 kB"
    assert "1 frame removed" in browser.send("/cart/remove", frame_ids=ids[0]).text
    assert browser.list_ids() == {ids[1]}
    browser.send("/cart/empty")
    assert browser.count() == "0 frames"


def test_all_that_a_search_finds(browser: Browser, ids: list[int], make_app: MakeApp) -> None:
    browser.send("/cart/add-all?site_id=lsc")
    assert browser.list_ids() == {ids[1]}
    browser.send("/cart/add-all")
    assert browser.list_ids() == set(ids[:2])
    small = Browser(make_app(CART_MOST_FRAMES="1"))
    assert "A cart takes at most 1 frames, not 2" in small.send("/cart/add-all").text
    small.send("/cart/add", frame_ids=ids[0])
    assert "it would have 2" in small.send("/cart/add", frame_ids=ids[1]).text
    assert small.list_ids() == {ids[0]}


def test_what_is_hidden_is_neither_taken_nor_counted(app: Flask, browser: Browser, ids: list[int]) -> None:
    browser.send("/cart/add", frame_ids=" ".join(map(str, ids)))
    assert browser.list_ids() == set(ids[:2])
    with app.app_context():
        later = dt.datetime(2999, 1, 1, tzinfo=dt.UTC)
        db.session.execute(update(Frame).where(Frame.id == ids[0]).values(public_date=later))
        db.session.commit()
    assert browser.count() == "1 frame, 1 kB"
    assert "no preview M 42 one" not in browser.open("/cart").text
    assert browser.list_ids() == {ids[1]}


def test_log_in_brings_the_cart_along(app: Flask, browser: Browser, ids: list[int]) -> None:
    browser.send("/cart/add", frame_ids=ids[0])
    browser.log_in("member")
    assert browser.list_ids() == {ids[0]}
    browser.send("/cart/add", frame_ids=ids[2])
    assert browser.count() == "2 frames, 2 kB"
    browser.send("/logout")
    assert browser.count() == "0 frames"
    elsewhere = Browser(app)
    elsewhere.send("/cart/add", frame_ids=ids[1])
    elsewhere.log_in("member")
    assert elsewhere.list_ids() == set(ids)
    stranger = Browser(app)
    stranger.log_in("stranger")
    assert stranger.count() == "0 frames"


def test_the_cookie_is_nobody_elses(browser: Browser, ids: list[int], app: Flask) -> None:
    token = browser.open("/login").fields["csrf_token"]
    answer = browser.client.post("/cart/add", data={"csrf_token": token, "frame_ids": ids[0]})
    (cookie,) = (value for value in answer.headers.getlist("Set-Cookie") if value.startswith("cart="))
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    key = re.match("cart=([^;]+)", cookie)[1]
    with app.app_context():
        assert key not in db.session.scalars(select(Cart.key_hash)).one()
    assert answer.json == {"message": "1 frame added to the cart.", "cart": "1 frame, 1 kB", "count": 1}
    assert browser.client.post("/cart/add", data={"frame_ids": ids[1]}).json["code"] == "csrf"


@pytest.mark.parametrize("text", ["", "x", "-1", "1 x", "9" * 30, "²"])
def test_what_is_no_frame_is_refused(browser: Browser, text: str) -> None:
    assert browser.send("/cart/add", frame_ids=text).status == 400


def test_no_form_leads_elsewhere(browser: Browser, ids: list[int]) -> None:
    token = browser.open("/login").fields["csrf_token"]
    form = {"csrf_token": token, "frame_ids": ids[0], "next": "//evil.example.org"}
    answer = browser.client.post("/cart/add", data=form, headers=BROWSER)
    assert (answer.status_code, answer.location) == (302, "/")


def test_the_search_page_has_the_buttons(browser: Browser, ids: list[int]) -> None:
    browser.send("/cart/add", frame_ids=ids[0])
    html = browser.open("/?limit=1").html
    assert "Add all 2</button>" in html
    html = browser.open("/").html
    assert re.search(rf'form="cart-remove" name="frame_ids" value="{ids[0]}"', html)
    assert re.search(rf'form="cart-add" name="frame_ids" value="{ids[1]}"', html)
    assert re.search(rf'form="cart-add" name="frame_ids" value="({ids[0]} {ids[1]}|{ids[1]} {ids[0]}) "', html)


def test_old_carts_go(app: Flask, browser: Browser, ids: list[int]) -> None:
    browser.send("/cart/add", frame_ids=ids[0])
    with app.app_context():
        prune_carts()
        assert db.session.scalar(select(func.count()).select_from(CartFrame)) == 1
        db.session.execute(update(Cart).values(used=dt.datetime.now(dt.UTC) - dt.timedelta(days=91)))
        prune_carts()
        db.session.commit()
        assert db.session.scalar(select(func.count()).select_from(CartFrame)) == 0
    assert browser.count() == "0 frames"
