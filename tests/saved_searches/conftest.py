"""Fixtures: the application with a mail server, a user who keeps searches, and what goes out."""

import datetime as dt
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.accounts.actions import create_user
from app.extensions import db
from app.saved_searches.cli import run_once
from app.saved_searches.models import AlertMessage, SavedSearch
from tests.fixtures.application import MakeApp
from tests.fixtures.ingest import log_in
from tests.frames_factory import add_frame
from tests.html_page import BROWSER, HtmlPage
from tests.services import LOOPBACK
from tests.smtp_server import MailBox, smtp_server

PUBLIC_URL = "http://archive.example/science"
ADDRESS = "pi@observatory.example"
HIDDEN = {"public_date": "2999-01-01T00:00:00", "proposal_id": "theirs"}
LINK = re.compile(r"http://archive\.example/science(/alerts/[^\s>\"]+)")


@dataclass
class Person:
    """A user with a browser without JavaScript."""

    app: Flask
    client: FlaskClient

    def open(self, path: str) -> HtmlPage:
        return HtmlPage(self.client.get(path, headers=BROWSER))

    def send(self, path: str, **form: Any) -> HtmlPage:
        """Send a form of one of the pages, and follow where it leads."""
        token = self.open("/searches").fields["csrf_token"]
        data = {"csrf_token": token} | form
        answer = self.client.post(path, data=data, headers=BROWSER)
        location = answer.headers.get("Location")
        return (
            HtmlPage(answer)
            if location is None
            else self.open(location.removeprefix(PUBLIC_URL).removeprefix("/science"))
        )

    def save(self, query: str = "site_id=cpt", name: str = "Mine") -> int:
        """Keep a search and return its number."""
        before = set(self.list_ids())
        page = self.send(f"/searches?{query}", name=name)
        assert page.status == 200, page.text
        (search_id,) = set(self.list_ids()) - before
        return search_id

    def list_ids(self) -> list[int]:
        with self.app.app_context():
            return list(db.session.scalars(select(SavedSearch.id)))

    def alert(self, search_id: int, **form: Any) -> HtmlPage:
        return self.send(f"/searches/{search_id}/alert", **form)

    def tell(self) -> None:
        """Let the alerts look and send once, as often as they do in a quarter of a minute."""
        tell(self.app)


def tell(app: Flask) -> None:
    with app.test_request_context(base_url=PUBLIC_URL):
        run_once(threading.Event())


def add(app: Flask, basename: str, **fields: Any) -> int:
    with app.app_context():
        return add_frame(basename, **fields)


def find(app: Flask, search_id: int) -> SavedSearch:
    with app.app_context():
        search = db.session.get_one(SavedSearch, search_id)
        db.session.expunge(search)
        return search


def let_pass(app: Flask, **time: float) -> None:
    """Let what is to be tried again be due."""
    with app.app_context():
        earlier = dt.datetime.now(dt.UTC) - dt.timedelta(**time or {"seconds": 1})
        db.session.execute(update(AlertMessage).where(AlertMessage.sent.is_(None)).values(due=earlier))
        db.session.execute(update(SavedSearch).values(due=earlier))
        db.session.commit()


@pytest.fixture
def mailbox() -> Iterator[MailBox]:
    with smtp_server() as box:
        yield box


@pytest.fixture
def mailing_app(make_app: MakeApp, mailbox: MailBox) -> Flask:
    """The application with a mail server that speaks without TLS."""
    settings = {"SMTP_HOST": LOOPBACK, "SMTP_PORT": str(mailbox.port), "SMTP_SECURITY": "none"}
    return make_app(PUBLIC_URL=PUBLIC_URL, MAIL_FROM="archive@observatory.example", **settings)


def make_person(app: Flask, username: str, *proposals: str, **rights: Any) -> Person:
    with app.app_context():
        create_user(username, "a long password", proposals=proposals, **rights)
        db.session.commit()
    client = app.test_client()
    log_in(client, username)
    return Person(app, client)


@pytest.fixture
def pi(mailing_app: Flask) -> Person:
    return make_person(mailing_app, "pi", "mine")


@pytest.fixture
def search_id(pi: Person, mailbox: MailBox) -> int:
    """A search for which mails are sent at once."""
    number = pi.save()
    pi.alert(number, way="mail", mail=ADDRESS)
    pi.tell()
    (asking,) = mailbox.take()
    confirm = LINK.search(asking.get_body(("plain",)).get_content())[1]
    assert pi.client.post(confirm).status_code == 200
    return number
