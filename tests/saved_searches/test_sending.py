"""What is sent: one mail for many frames, at once or daily; what is tried again, and when it is given up."""

import base64
import datetime as dt
import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from flask import Flask
from sqlalchemy import select, update

from app.extensions import db
from app.processes import PROJECT_DIR
from app.saved_searches import sending
from app.saved_searches.models import AlertMessage
from app.saved_searches.public_hosts import is_public, open_public_session
from tests.fixtures.application import MakeApp
from tests.saved_searches.conftest import HIDDEN, PUBLIC_URL, Person, add, find, let_pass, make_person
from tests.scripted_server import ScriptedServer, scripted_server
from tests.services import LOOPBACK
from tests.smtp_server import MailBox, smtp_server

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # where the database makes no difference
A_DAY = {"hours": 24}


@pytest.fixture
def hook() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture
def caller(make_app: MakeApp) -> Person:
    """A user of an archive whose webhooks may be on this machine."""
    return make_person(make_app(PUBLIC_URL=PUBLIC_URL, ALERT_WEBHOOKS_INTERNAL="true"), "pi", "mine")


def call(person: Person, url: str) -> int:
    number = person.save()
    person.tell()
    assert person.alert(number, way="webhook", webhook=url).status == 200
    return number


def count_unsent(app: Flask) -> int:
    with app.app_context():
        return len(db.session.scalars(select(AlertMessage.id).where(AlertMessage.sent.is_(None))).all())


def test_many_frames_are_one_mail_whose_link_finds_them(pi: Person, search_id: int, mailbox: MailBox) -> None:
    add(pi.app, "too-early", observation_date="2026-10-31T00:00:00")
    pi.tell()
    mailbox.take()
    for number in range(25):
        add(pi.app, f"frame-{number:02}", observation_date=f"2026-11-02T{number // 2:02}:{30 * (number % 2):02}:00.125")
    add(pi.app, "hidden-one", observation_date="2026-11-02T05:00:00", **HIDDEN)
    pi.tell()
    (mail,) = mailbox.take()
    text, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert mail["Subject"] == "25 new frames: Mine"
    for body in (text, html):
        assert "hidden" not in body
        assert len(set(re.findall(r"frame-\d\d", body))) == 20
        assert "and 5 more" in body
    assert "frame-24" in text
    assert not re.search(r"<(img|link|script)|url\(", html)
    address = re.search(r"http://archive\.example/science(/\?\S+)", text)[1]
    assert parse_qs(urlsplit(address).query)["site_id"] == ["cpt"]
    assert "1–25 of 25 frames" in pi.open(address).text
    frame = re.search(r"http://archive\.example/science(/frames/\d+/)", text)[1]
    assert pi.open(frame).status == 200


@on_sqlite
def test_the_mail_says_who_it_is_from_and_can_be_read_by_old_programs(
    pi: Person, search_id: int, mailbox: MailBox
) -> None:
    pi.send(f"/searches/{search_id}/name", name="Überriesen <b>& Co")
    add(pi.app, "a-frame", target_name="<script>η Car")
    mailbox.raw.clear()
    pi.tell()
    (mail,), (raw,) = mailbox.take(), mailbox.raw
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) < 998
    assert mail["Subject"] == "1 new frame: Überriesen <b>& Co"
    assert mail["From"] == "Science Archive <archive@observatory.example>"
    assert (mail["Auto-Submitted"], mail["Message-ID"][-21:]) == ("auto-generated", "@observatory.example>")
    assert "η Car" in mail.get_body(("plain",)).get_content()
    html = mail.get_body(("html",)).get_content()
    assert "&lt;script&gt;η Car" in html
    assert "<script" not in html


def test_daily_is_one_mail_a_day(pi: Person, search_id: int, mailbox: MailBox) -> None:
    pi.alert(search_id, way="mail", mail=find(pi.app, search_id).recipient, often="daily", hour="5")
    assert "daily at 05:00 UTC" in pi.open("/searches").text
    add(pi.app, "first")
    pi.tell()
    add(pi.app, "second")
    pi.tell()
    assert mailbox.take() == []
    let_pass(pi.app, **A_DAY)
    pi.tell()
    assert [mail["Subject"] for mail in mailbox.take()] == ["2 new frames: Mine"]
    let_pass(pi.app, **A_DAY)
    pi.tell()  # nothing is new
    add(pi.app, "third")
    pi.tell()
    assert mailbox.take() == []  # its hour is over for today
    assert find(pi.app, search_id).due.hour == 5


def test_more_mails_than_an_hour_may_have_become_one(
    make_app: MakeApp, pi: Person, search_id: int, mailbox: MailBox
) -> None:
    pi.app.config["ARCHIVE"] = make_app(ALERT_MAILS_PER_HOUR="2").config["ARCHIVE"]
    for number in range(4):
        add(pi.app, f"frame-{number}")
        pi.tell()
    assert [mail["Subject"] for mail in mailbox.take()] == ["1 new frame: Mine"] * 2
    with pi.app.app_context():
        earlier = dt.datetime.now(dt.UTC) - sending.ONE_HOUR
        db.session.execute(update(AlertMessage).values(made=earlier))
        db.session.commit()
    pi.tell()
    assert [mail["Subject"] for mail in mailbox.take()] == ["2 new frames: Mine"]


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("MAIL", "451 4.3.0 come back later"),
        ("MAIL", "550 5.7.1 not from you"),
        ("RCPT", "450 4.2.1 greylisted"),
        ("DATA", "421 4.3.2 no"),
        ("DATA.", "452 4.2.2 full"),
        ("", "554 no service"),
    ],
)
@on_sqlite
def test_a_server_that_has_no_time_is_tried_again(
    pi: Person, search_id: int, mailbox: MailBox, command: str, answer: str
) -> None:
    mailbox.answers[command] = answer
    add(pi.app, "first")
    pi.tell()
    page = pi.open(f"/searches/{search_id}").text
    assert ("The last try failed, and is made again" in page, answer[:3] in page) == (True, True)
    mailbox.answers.clear()
    add(pi.app, "second")
    pi.tell()
    assert mailbox.take() == []  # it waits
    let_pass(pi.app)
    pi.tell()
    pi.tell()
    mails = mailbox.take()
    assert [mail["Subject"] for mail in mails] == ["1 new frame: Mine", "1 new frame: Mine"]
    assert "reached you already" not in mails[0].get_body(("plain",)).get_content()
    assert find(pi.app, search_id).error == ""


@pytest.mark.parametrize(("command", "answer"), [("RCPT", "550 5.1.1 nobody here"), ("DATA.", "554 5.7.1 spam")])
@on_sqlite
def test_an_address_that_is_refused_pauses_the_search(
    pi: Person, search_id: int, mailbox: MailBox, command: str, answer: str
) -> None:
    mailbox.answers[command] = answer
    add(pi.app, "first")
    pi.tell()
    assert f"Paused. It could not be sent: {LOOPBACK} answered {answer}" in pi.open(f"/searches/{search_id}").text
    let_pass(pi.app)
    count = len(mailbox.commands)
    pi.tell()
    assert len(mailbox.commands) == count
    mailbox.answers.clear()
    pi.send(f"/searches/{search_id}/resume")
    pi.tell()
    assert [mail["Subject"] for mail in mailbox.take()] == ["1 new frame: Mine"]


@pytest.mark.parametrize("command", ["", "EHLO", "RCPT", "DATA"])
@on_sqlite
def test_a_server_that_hangs_holds_up_nobody_for_long(
    pi: Person, search_id: int, mailbox: MailBox, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.saved_searches.mail.TIMEOUT_S", 0.2)
    number = pi.save("target_name=M+42", "Second")
    pi.alert(number, way="mail", mail=find(pi.app, search_id).recipient)
    mailbox.hangs_at = command
    add(pi.app, "first")
    pi.tell()
    errors = [find(pi.app, one).error for one in (search_id, number)]
    assert ("timed out" in errors[0], errors[1]) == (True, "")  # the second was not tried any more
    mailbox.hangs_at = None
    let_pass(pi.app)
    pi.tell()
    assert len(mailbox.take()) == 2


@on_sqlite
def test_a_server_that_drips_is_left(
    pi: Person, search_id: int, mailbox: MailBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "LONGEST_TRY_S", 0.4)
    mailbox.drips = True
    add(pi.app, "first")
    pi.tell()
    assert "no answer within 0.4 s" in find(pi.app, search_id).error


@on_sqlite
def test_a_mail_whose_taking_is_unknown_says_so_when_it_comes_again(
    pi: Person, search_id: int, mailbox: MailBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.saved_searches.mail.TIMEOUT_S", 0.2)
    mailbox.hangs_at = "DATA."
    add(pi.app, "first")
    pi.tell()
    mailbox.hangs_at = None
    let_pass(pi.app)
    pi.tell()
    first, again = mailbox.take()
    assert first["Message-ID"] == again["Message-ID"]
    assert "reached you already" in again.get_body(("plain",)).get_content()


def test_a_process_that_dies_between_sending_and_noting_tells_it_again(
    pi: Person, search_id: int, mailbox: MailBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(pi.app, "first")
    with monkeypatch.context() as patch:
        patch.setattr(sending, "_note_success", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            pi.tell()
    pi.tell()
    (first,) = mailbox.take()  # not yet: perhaps somebody is at it still
    let_pass(pi.app)
    pi.tell()
    (again,) = mailbox.take()
    assert first["Message-ID"] == again["Message-ID"]
    assert "reached you already" in again.get_body(("plain",)).get_content()
    let_pass(pi.app)
    pi.tell()
    assert mailbox.take() == []


@on_sqlite
def test_one_that_fails_for_days_is_paused(
    pi: Person, search_id: int, mailbox: MailBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "MOST_FAILURES", 2)
    mailbox.answers["MAIL"] = "451 later"
    add(pi.app, "first")
    for _ in range(2):
        pi.tell()
        let_pass(pi.app)
    assert "It could not be sent" in find(pi.app, search_id).pause


def test_a_webhook_is_called_once_with_a_signature(caller: Person, hook: ScriptedServer) -> None:
    number = call(caller, f"{hook.url}new?key=x")
    add(caller.app, "first")
    add(caller.app, "hidden-one", **HIDDEN)
    hook.answer((204, ""))
    caller.tell()
    ((method, path, headers, body),) = hook.requests
    told = json.loads(body)
    assert (method, path, told["type"]) == ("POST", "/new?key=x", "saved_search.matched")
    assert ([frame["basename"] for frame in told["data"]["frames"]], told["data"]["count"]) == (["first"], 1)
    assert told["data"]["search"]["name"] == "Mine"
    assert headers["webhook-id"] == told["id"]
    page = caller.open(f"/searches/{number}")
    secret = re.search(r'secret: <code class="break">([^<]+)<', page.html)[1].replace("&#43;", "+")
    signed = f"{told['id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert "1 frame" in page.text


def test_a_webhook_that_fails_gets_the_same_message_again(caller: Person, hook: ScriptedServer) -> None:
    number = call(caller, hook.url)
    add(caller.app, "first")
    hook.answer((503, "secret of somebody"), (301, ""), (200, "ok"))
    for error in ("HTTP 503", "HTTP 301", ""):
        caller.tell()
        assert find(caller.app, number).error == error
        let_pass(caller.app)
    ids = {headers["webhook-id"] for _, _, headers, _ in hook.requests}
    assert (len(ids), len(hook.requests)) == (1, 3)
    caller.tell()
    assert count_unsent(caller.app) == 0


@on_sqlite
def test_a_webhook_that_refuses_is_paused(caller: Person, hook: ScriptedServer) -> None:
    number = call(caller, hook.url)
    add(caller.app, "first")
    hook.answer((410, "gone"))
    caller.tell()
    assert find(caller.app, number).pause == "It could not be sent: HTTP 410"


@on_sqlite
def test_a_webhook_that_drips_is_left(caller: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "LONGEST_TRY_S", 0.4)
    with smtp_server() as box:
        number = call(caller, f"http://{LOOPBACK}:{box.port}/")
        box.drips = True
        add(caller.app, "first")
        caller.tell()
        assert find(caller.app, number).error != ""
        assert count_unsent(caller.app) == 1


@on_sqlite
def test_a_name_that_leads_into_our_network_is_not_called(pi: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    number = pi.save()
    pi.tell()
    with smtp_server() as box:
        pi.alert(number, way="webhook", webhook=f"https://hooks.example:{box.port}/")
        places = [(2, 1, 6, "", ("93.184.215.14", box.port)), (2, 1, 6, "", (LOOPBACK, box.port))]
        monkeypatch.setattr("app.saved_searches.public_hosts.socket.getaddrinfo", lambda *_, **__: places)
        add(pi.app, "first")
        pi.tell()
        assert "is no host of the public internet" in find(pi.app, number).error
        assert box.commands == []


@pytest.mark.parametrize(
    ("address", "is_so"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("64:ff9b::5db8:d70e", True),
        *((address, False) for address in ("127.0.0.1", "10.1.2.3", "169.254.169.254", "100.64.0.1", "0.0.0.0")),
        *((address, False) for address in ("224.0.0.1", "::1", "fe80::1", "fc00::1", "::ffff:10.0.0.1", "ff02::1")),
        *((address, False) for address in ("2002:7f00:1::", "64:ff9b::7f00:1")),
    ],
)
def test_what_is_public(address: str, is_so: bool) -> None:
    assert is_public(ip_address(address)) is is_so


def test_nothing_but_https_is_spoken_in_public() -> None:
    with open_public_session() as session, pytest.raises(requests.exceptions.InvalidSchema):
        session.get(f"http://{LOOPBACK}/", timeout=1)


def test_the_program_looks_and_leaves(make_app: MakeApp) -> None:
    make_app(PUBLIC_URL=PUBLIC_URL)
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "alerts", "--once"]
    environ = os.environ | {"FLASK_SKIP_DOTENV": "1"}
    subprocess.run(command, cwd=PROJECT_DIR, env=environ, check=True, timeout=60)
