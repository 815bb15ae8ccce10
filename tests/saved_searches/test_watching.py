"""What is new for whom: what arrived and what became public, once, and never what is hidden."""

import datetime as dt

import pytest
from flask import Flask
from sqlalchemy import delete, select, update

from app.accounts.actions import switch_off, switch_on
from app.accounts.models import ProposalMember
from app.accounts.queries import get_user
from app.embargoes.actions import rule_on_proposal
from app.embargoes.schemas import build_ruling
from app.extensions import db
from app.frames.models import Frame
from app.processes import name_process
from app.saved_searches.leases import claim, release
from app.saved_searches.models import AlertMessage, FoundFrame, SavedSearch
from app.saved_searches.sending import send_due
from app.saved_searches.watching import look, prune
from tests.frames_factory import add_frame
from tests.saved_searches.conftest import ADDRESS, HIDDEN, PUBLIC_URL, Person, add, find, let_pass, make_person
from tests.smtp_server import MailBox

MINE = HIDDEN | {"proposal_id": "mine"}
LONG_AGO = dt.datetime.now(dt.UTC) - dt.timedelta(days=365)
ME = name_process()


def read(mailbox: MailBox) -> str:
    """Return what the mails that came say, and forget them."""
    return "\n".join(mail.get_body(("plain",)).get_content() for mail in mailbox.take())


def publish(app: Flask, frame_id: int, when: dt.datetime) -> None:
    with app.app_context():
        db.session.execute(update(Frame).where(Frame.id == frame_id).values(public_date=when))
        db.session.commit()


def rule(app: Flask, date: str, *, stands: bool = True) -> None:
    with app.app_context():
        rule_on_proposal("theirs", build_ruling({"public_date": date, "reason": "x"}, stands=stands, username="x"))
        db.session.commit()


def test_what_arrives_is_told_once(pi: Person, search_id: int, mailbox: MailBox) -> None:
    add(pi.app, "new-one")
    add(pi.app, "elsewhere", site_id="lsc")
    pi.tell()
    text = read(mailbox)
    assert ("new-one" in text, "elsewhere" in text) == (True, False)
    add(pi.app, "new-one", contents=("second",))
    pi.tell()
    assert mailbox.take() == []


def test_what_was_there_before_is_not_new(pi: Person, mailbox: MailBox) -> None:
    add(pi.app, "old-one")
    number = pi.save()
    with pi.app.app_context():
        search = db.session.get_one(SavedSearch, number)
        now = dt.datetime.now(dt.UTC)
        search.way, search.recipient, search.confirmed, search.watched_since = "mail", ADDRESS, now, now
        db.session.commit()
    add(pi.app, "new-one")  # before the first look of all
    pi.tell()
    text = read(mailbox)
    assert ("new-one" in text, "old-one" in text) == (True, False)
    add(pi.app, "old-one", contents=("second",))
    pi.tell()
    assert mailbox.take() == []


def test_what_arrives_in_pieces_is_told_when_it_is_whole(pi: Person, search_id: int, mailbox: MailBox) -> None:
    add(pi.app, "in-pieces", contents=())
    pi.tell()
    assert mailbox.take() == []
    add(pi.app, "in-pieces")
    pi.tell()
    assert "in-pieces" in read(mailbox)


def test_what_becomes_public_is_new_for_those_who_could_not_see_it(
    pi: Person, search_id: int, mailbox: MailBox
) -> None:
    hidden, own = add(pi.app, "theirs", **HIDDEN), add(pi.app, "ours", **MINE)
    pi.tell()
    text = read(mailbox)
    assert ("ours" in text, "theirs" in text) == (True, False)
    for frame_id in (hidden, own):
        publish(pi.app, frame_id, dt.datetime.now(dt.UTC))
    pi.tell()
    text = read(mailbox)
    assert ("ours" in text, "theirs" in text) == (False, True)
    pi.tell()
    assert mailbox.take() == []


def test_what_was_seen_as_a_member_is_not_told_again_afterwards(pi: Person, search_id: int, mailbox: MailBox) -> None:
    frame_id = add(pi.app, "ours", **MINE)
    pi.tell()
    assert "ours" in read(mailbox)
    with pi.app.app_context():
        db.session.execute(delete(ProposalMember))
        db.session.commit()
    publish(pi.app, frame_id, dt.datetime.now(dt.UTC))
    pi.tell()
    assert mailbox.take() == []


def test_what_a_ruling_opens_is_new_and_what_was_open_is_not(pi: Person, search_id: int, mailbox: MailBox) -> None:
    add(pi.app, "hidden-one", **HIDDEN)
    add(pi.app, "open-one", proposal_id="theirs")
    pi.tell()
    text = read(mailbox)
    assert ("hidden-one" in text, "open-one" in text) == (False, True)
    number = pi.save("site_id=cpt", "Begun later")
    pi.alert(number, way="mail", mail=ADDRESS)
    rule(pi.app, "2021-04-01")
    pi.tell()
    mails = mailbox.take()
    assert [mail["Subject"] for mail in mails] == ["1 new frame: Mine", "1 new frame: Begun later"]
    assert all("hidden-one" in mail.get_body(("plain",)).get_content() for mail in mails)
    rule(pi.app, "never")
    rule(pi.app, "", stands=False)  # each has its own date again: one is open, one hidden
    pi.tell()
    assert [mail["Subject"] for mail in mailbox.take()] == ["1 new frame: Begun later"]  # new for this search


def test_who_may_not_see_it_any_longer_is_not_told(pi: Person, search_id: int, mailbox: MailBox) -> None:
    frame_id = add(pi.app, "ours", **MINE)
    with pi.app.test_request_context(base_url=PUBLIC_URL):
        assert claim(ME)
        assert look(ME) == 1
        db.session.execute(delete(ProposalMember))
        db.session.commit()
        assert send_due(ME, lambda: False) == 0
        assert db.session.scalars(select(FoundFrame.frame_id)).all() == []
    publish(pi.app, frame_id, dt.datetime.now(dt.UTC))
    pi.tell()
    assert "ours" in read(mailbox)


def test_who_is_shut_out_is_told_nothing(pi: Person, search_id: int, mailbox: MailBox) -> None:
    with pi.app.test_request_context(base_url=PUBLIC_URL):
        add_frame("before")
        assert claim(ME)
        look(ME)
        switch_off(get_user("pi"))
        db.session.commit()
        add_frame("during")
        look(ME)
        assert send_due(ME, lambda: False) == 0
        switch_on(get_user("pi"))
        db.session.commit()
    pi.tell()
    assert "during" not in read(mailbox)


def test_operators_are_told_of_what_is_hidden(pi: Person, search_id: int, mailbox: MailBox) -> None:
    operator = make_person(pi.app, "operator", is_admin=True)
    number = operator.save("proposal_id=theirs", "All")
    with pi.app.app_context():
        search = db.session.get_one(SavedSearch, number)
        now = dt.datetime.now(dt.UTC)
        search.way, search.recipient, search.confirmed, search.watched_since = "mail", ADDRESS, now, now
        db.session.commit()
    add(pi.app, "theirs", **HIDDEN)
    pi.tell()
    assert [mail["Subject"] for mail in mailbox.take()] == ["1 new frame: All"]


def test_a_search_that_can_not_be_read_is_paused_and_says_so(pi: Person, search_id: int, mailbox: MailBox) -> None:
    with pi.app.app_context():
        db.session.execute(update(SavedSearch).values(query="colour=blue"))
        db.session.commit()
    number = pi.save("site_id=cpt", "Good")
    pi.alert(number, way="mail", mail=ADDRESS)
    add(pi.app, "new-one")
    pi.tell()
    assert [mail["Subject"] for mail in mailbox.take()] == ["1 new frame: Good"]
    assert "can't read this search any longer: colour" in pi.open("/searches").text


def test_nothing_is_lost_where_changes_can_not_be_told_one_by_one(
    pi: Person, search_id: int, mailbox: MailBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.saved_searches.watching.MOST_CHANGES", 1)
    for number in range(3):
        add(pi.app, f"new-{number}")
    pi.tell()
    assert [mail["Subject"] for mail in mailbox.take()] == ["3 new frames: Mine"]
    pi.tell()
    assert mailbox.take() == []


def test_what_one_look_does_not_end_the_next_does(
    pi: Person, search_id: int, mailbox: MailBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.saved_searches.watching.AT_A_TIME", 2)
    for number in range(5):
        add(pi.app, f"new-{number}")
    with pi.app.test_request_context():
        claim(ME)
        assert look(ME) == 5
    pi.tell()
    assert [mail["Subject"] for mail in mailbox.take()] == ["5 new frames: Mine"]


def test_one_process_at_a_time(pi: Person, search_id: int, mailbox: MailBox) -> None:
    with pi.app.app_context():
        assert not claim("another")
        release(ME)
        assert claim("another")
    add(pi.app, "new-one")
    pi.tell()
    assert mailbox.take() == []
    with pi.app.app_context():
        release("another")
    pi.tell()
    assert "new-one" in read(mailbox)


def test_what_serves_no_more_is_forgotten(pi: Person, search_id: int, mailbox: MailBox) -> None:
    add(pi.app, "public-one")
    add(pi.app, "own-one", **MINE)
    pi.tell()
    with pi.app.app_context():
        db.session.execute(update(FoundFrame).values(found=LONG_AGO))
        db.session.execute(update(AlertMessage).values(sent=LONG_AGO))
        db.session.execute(update(Frame).where(Frame.proposal_id != "mine").values(public_date=LONG_AGO))
        db.session.commit()
        prune()
        frames = select(Frame.basename).join(FoundFrame, FoundFrame.frame_id == Frame.id)
        assert db.session.scalars(frames).all() == ["own-one"]  # it may become public, and was told
        assert db.session.scalars(select(AlertMessage)).all() == []
    let_pass(pi.app)
    add(pi.app, "public-one", contents=("second",))
    mailbox.take()
    pi.tell()
    assert find(pi.app, search_id).error == ""
