"""Searches that one keeps, by forms alone; whose they are; and the links of mails."""

import pytest
from flask import Flask

from tests.fixtures.application import MakeApp
from tests.html_page import BROWSER, HtmlPage
from tests.saved_searches.conftest import ADDRESS, LINK, Person, add, find, make_person
from tests.smtp_server import MailBox


def test_from_the_search_to_the_list_and_away(pi: Person) -> None:
    add(pi.app, "a-frame")
    page = pi.open("/?q=M+42&site_id=cpt")
    assert "Save this search" in page.text
    saved = pi.send("/searches?target_name=M+42&site_id=cpt&site_id=lsc&ordering=-id", name="Orion ")
    assert "The search is saved." in saved.text
    (number,) = pi.list_ids()
    listed = pi.open("/searches")
    assert "Target: M 42 · Site: cpt · Site: lsc" in listed.text
    (address,) = [link for text, link in listed.links.items() if text.startswith("Orion")]
    found = pi.open(address.removeprefix("/science"))
    assert (found.status, "a-frame" in found.text) == (200, True)
    assert "Winter" in pi.send(f"/searches/{number}/name", name="Winter").text
    assert "is deleted" in pi.send(f"/searches/{number}/delete").text
    assert pi.list_ids() == []


def test_one_that_finds_nothing_can_be_saved(pi: Person) -> None:
    assert "Save this search" in pi.open("/?site_id=nowhere").text


def test_nobody_saves_without_log_in(pi: Person) -> None:
    add(pi.app, "a-frame")
    nobody = pi.app.test_client()
    page = HtmlPage(nobody.get("/", headers=BROWSER))
    assert "Log in to save it" in page.text
    token = HtmlPage(nobody.get("/login", headers=BROWSER)).fields["csrf_token"]
    assert nobody.post("/searches?site_id=cpt", data={"csrf_token": token, "name": "x"}).status_code == 401


def test_a_bad_search_or_name_is_refused(pi: Person) -> None:
    assert pi.send("/searches?colour=blue", name="x").status == 400
    assert pi.send("/searches?site_id=cpt", name=" ").status == 400
    number = pi.save()
    page = pi.send(f"/searches/{number}/name", name="x" * 101)
    assert (page.status, find(pi.app, number).name) == (400, "Mine")


def test_no_more_than_the_setting_allows(make_app: MakeApp) -> None:
    person = make_person(make_app(SAVED_SEARCHES_PER_USER="1"), "pi")
    person.save()
    assert "You keep 1 searches already" in person.send("/searches?site_id=cpt", name="Another").text


def test_somebody_elses_is_not_there(pi: Person, search_id: int) -> None:
    other = make_person(pi.app, "other")
    other.save("site_id=lsc", "Theirs")
    page = other.open(f"/searches/{search_id}")
    assert (page.status, f"You have no saved search {search_id}." in page.text) == (404, True)
    assert "You have no saved search 4711." in other.open("/searches/4711").text
    for path in ("name", "alert", "confirmation", "pause", "resume", "delete"):
        assert other.send(f"/searches/{search_id}/{path}", name="x", way="").status == 404
    assert find(pi.app, search_id).name == "Mine"
    assert "Mine" not in other.open("/searches").text


@pytest.mark.parametrize(
    "form",
    [
        {"way": "mail"},
        {"way": "mail", "mail": "nobody"},
        {"way": "mail", "mail": "a@b.example\r\nBcc: c@d.example"},
        {"way": "mail", "mail": "a@b.example,c@d.example"},
        {"way": "webhook", "webhook": "http://hooks.example/x"},
        {"way": "webhook", "webhook": "https://127.0.0.1/x"},
        {"way": "webhook", "webhook": "https://[::ffff:10.0.0.1]/x"},
        {"way": "webhook", "webhook": "https://localhost/"},
        {"way": "webhook", "webhook": "https://metadata.internal/"},
        {"way": "webhook", "webhook": "https://me:secret@hooks.example/"},
        {"way": "webhook", "webhook": "https://[x/"},
        {"way": "pigeon"},
        {"way": "mail", "mail": ADDRESS, "often": "daily", "hour": "24"},
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_bad_address_is_refused(pi: Person, form: dict[str, str]) -> None:
    number = pi.save()
    assert pi.alert(number, **form).status == 400
    assert find(pi.app, number).way == ""


def test_without_a_mail_server_mail_can_not_be_chosen(make_app: MakeApp) -> None:
    person = make_person(make_app(), "pi")
    number = person.save()
    assert "have set no mail server" in person.open(f"/searches/{number}").text
    page = person.alert(number, way="mail", mail=ADDRESS)
    assert (page.status, "has no mail server" in page.text) == (400, True)


def test_nothing_goes_to_an_address_before_its_reader_agrees(pi: Person, mailbox: MailBox) -> None:
    number = pi.save()
    assert "asks whether the address is right" in pi.alert(number, way="mail", mail=ADDRESS).text
    add(pi.app, "before")
    pi.tell()
    (asking,) = mailbox.take()
    assert (asking["To"], "List-Unsubscribe" in asking) == (ADDRESS, False)
    link = LINK.search(asking.get_body(("plain",)).get_content())[1]
    stranger = pi.app.test_client()  # mail is read elsewhere
    assert "Yes, mail me" in stranger.get(link).text
    add(pi.app, "looked-at")
    pi.tell()
    assert (mailbox.take(), find(pi.app, number).confirmed) == ([], None)
    assert "Thank you" in stranger.post(link).text
    add(pi.app, "afterwards")
    pi.tell()
    (mail,) = mailbox.take()
    text = mail.get_body(("plain",)).get_content()
    assert ("afterwards" in text, "looked-at" in text, "before\n" in text) == (True, False, False)


def test_another_address_needs_another_confirmation(pi: Person, search_id: int, mailbox: MailBox) -> None:
    pi.alert(search_id, way="mail", mail="other@observatory.example")
    add(pi.app, "a-frame")
    pi.tell()
    (asking,) = mailbox.take()
    assert (asking["To"], find(pi.app, search_id).confirmed) == ("other@observatory.example", None)
    pi.alert(search_id, way="mail", mail=ADDRESS)
    link = LINK.search(asking.get_body(("plain",)).get_content())[1]
    assert pi.client.post(link).status_code == 404  # the search has another address by now


def test_a_confirmed_address_is_known_at_ones_next_search(pi: Person, search_id: int) -> None:
    number = pi.save("site_id=lsc", "Second")
    pi.alert(number, way="mail", mail=ADDRESS)
    assert find(pi.app, number).confirmed is not None
    other = make_person(pi.app, "other")
    theirs = other.save("site_id=lsc", "Theirs")
    other.alert(theirs, way="mail", mail=ADDRESS)
    assert find(pi.app, theirs).confirmed is None


def test_nobodys_mailbox_is_filled_by_asking(pi: Person, mailbox: MailBox) -> None:
    number = pi.save()
    pi.alert(number, way="mail", mail=ADDRESS)
    for _ in range(7):
        page = pi.send(f"/searches/{number}/confirmation")
    assert "try again tomorrow" in page.text
    pi.tell()
    assert len(mailbox.take()) == 5
    pi.send(f"/searches/{number}/delete")
    other = make_person(pi.app, "other")
    theirs = other.save()
    assert other.alert(theirs, way="mail", mail=ADDRESS).status == 400  # the address was asked often enough today


def test_unsubscribing_by_one_click(pi: Person, search_id: int, mailbox: MailBox) -> None:
    add(pi.app, "first")
    pi.tell()
    (mail,) = mailbox.take()
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = LINK.fullmatch(mail["List-Unsubscribe"].strip("<>"))[1]
    program = pi.app.test_client()
    assert "Send no more alerts" in program.get(link).text
    assert find(pi.app, search_id).way == "mail"  # a look at the link is no wish
    assert program.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    add(pi.app, "second")
    pi.tell()
    assert (mailbox.take(), find(pi.app, search_id).way) == ([], "")
    assert "No more alerts" in program.post(link).text
    assert program.post(link[:-1]).status_code == 404
    pi.send(f"/searches/{search_id}/delete")
    assert program.get(link).status_code == 200


def test_a_link_of_one_kind_is_none_of_another(pi: Person, search_id: int, mailbox: MailBox) -> None:
    add(pi.app, "first")
    pi.tell()
    token = mailbox.take()[0]["List-Unsubscribe"].strip("<>").rpartition("/")[2]
    assert pi.client.get(f"/alerts/confirm/{token}").status_code == 404


def test_pause_and_resume(pi: Person, search_id: int, mailbox: MailBox) -> None:
    pi.send(f"/searches/{search_id}/pause")
    add(pi.app, "meanwhile")
    pi.tell()
    assert "Paused" in pi.open(f"/searches/{search_id}").text
    pi.send(f"/searches/{search_id}/resume")
    add(pi.app, "afterwards")
    pi.tell()
    (mail,) = mailbox.take()
    assert mail["Subject"] == "1 new frame: Mine"
    assert "afterwards" in mail.get_body(("plain",)).get_content()


def test_saved_searches_can_be_switched_off(make_app: MakeApp) -> None:
    app: Flask = make_app(SAVED_SEARCHES_PER_USER="0")
    add(app, "a-frame")
    assert "Save this search" not in make_person(app, "pi").open("/").text
