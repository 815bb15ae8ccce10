"""Rulings on public dates: which one counts, what survives them, and that no frame slips by while one is made."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from app.accounts.actions import create_token, create_user
from app.accounts.models import Scope
from app.embargoes.actions import rule_on_frame, rule_on_proposal
from app.embargoes.schemas import build_ruling
from app.extensions import db
from app.frames.actions import save_frame, save_thumbnail
from app.frames.schemas import NewFrameSchema
from tests.fixtures.ingest import Headers
from tests.frames_factory import A_FRAME, add_frame
from tests.posted_frames import build_post

PROPOSAL, OTHER = "LAB2026B-007", "LAB2026B-008"
LONG_AGO, FAR = "2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"
PATIENCE_S = 20


def rule(subject: int | str, until: str = "") -> None:
    """Set the public date of a frame, by its id, or of a proposal; without a date, clear it."""
    ruling = build_ruling({"public_date": until, "reason": "asked for"}, stands=bool(until), username="operator")
    if isinstance(subject, int):
        rule_on_frame(subject, ruling)
    else:
        rule_on_proposal(subject, ruling)


def decide(subject: int | str, until: str = "") -> None:
    rule(subject, until)
    db.session.commit()


@pytest.fixture
def public_date(client: FlaskClient, as_operator: Headers) -> Callable[[int], str | None]:
    """A function that tells when a frame becomes public."""

    def ask(frame_id: int) -> str | None:
        shown: str | None = client.get(f"/frames/{frame_id}/", headers=as_operator).json["public_date"]
        return shown

    return ask


def test_the_ruling_on_a_frame_goes_before_that_on_its_proposal(app: Flask, public_date: Any) -> None:
    with app.app_context():
        frame_id = add_frame("a", proposal_id=PROPOSAL, public_date=LONG_AGO)
        other_id = add_frame("b", proposal_id=PROPOSAL, public_date=FAR)
        elsewhere_id = add_frame("c", proposal_id=OTHER, public_date=LONG_AGO)
        seen = []
        for subject, until in [
            (PROPOSAL, "never"),
            (frame_id, "2030-01-01"),
            (PROPOSAL, "2031-01-01"),
            (frame_id, ""),
            (frame_id, "2032-01-01"),
            (PROPOSAL, ""),
            (frame_id, ""),
        ]:
            decide(subject, until)
            seen.append((public_date(frame_id), public_date(other_id)))
            assert public_date(elsewhere_id) == LONG_AGO
    assert seen == [
        (None, None),
        ("2030-01-01T00:00:00Z", None),
        ("2030-01-01T00:00:00Z", "2031-01-01T00:00:00Z"),
        ("2031-01-01T00:00:00Z", "2031-01-01T00:00:00Z"),
        ("2032-01-01T00:00:00Z", "2031-01-01T00:00:00Z"),
        ("2032-01-01T00:00:00Z", FAR),
        (LONG_AGO, FAR),
    ]


def test_hidden_means_hidden_and_opened_means_open(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        open_id, hidden_id = add_frame("a", public_date=LONG_AGO), add_frame("b", public_date=FAR)
        decide(open_id, "never")
        decide(hidden_id, LONG_AGO)
    assert client.get(f"/frames/{open_id}/").status_code == 404
    assert [record["id"] for record in client.get("/frames/").json["results"]] == [hidden_id]


@pytest.mark.parametrize("subject", ["frame", "proposal"])
def test_what_arrives_opens_nothing_and_is_kept(
    app: Flask, client: FlaskClient, as_operator: Headers, public_date: Any, subject: str
) -> None:
    with app.app_context():
        frame_id = add_frame("a", proposal_id=PROPOSAL, public_date=FAR)
        decide(frame_id if subject == "frame" else PROPOSAL, "never")
        add_frame("a", contents=("second",), proposal_id=PROPOSAL, public_date="2021-01-01")
        assert public_date(frame_id) is None
        add_frame("a", contents=(), proposal_id=PROPOSAL, public_date="2022-01-01")
        assert public_date(frame_id) is None
        posted = build_post("a", b"pixels", proposal_id=PROPOSAL, public_date="2023-01-01")
        assert client.post("/frames/", json=posted, headers=as_operator).json["public_date"] is None
        token = create_token(create_user("tcs", "secret"), "ingest", Scope.INGEST)
        db.session.commit()
    posted["version_set"] = []
    answer = client.post("/frames/", json=posted, headers={"Authorization": f"Token {token}"})
    assert answer.json["public_date"] == "2023-01-01T00:00:00Z"  # who may not see the frame is told what they said
    with app.app_context():
        decide(frame_id if subject == "frame" else PROPOSAL)
    assert public_date(frame_id) == "2023-01-01T00:00:00Z"


def test_frames_to_come_are_under_the_ruling(app: Flask, public_date: Any) -> None:
    record = NewFrameSchema().load({**A_FRAME, "basename": "early", "proposal_id": PROPOSAL, "public_date": LONG_AGO})
    with app.app_context():
        decide(PROPOSAL, "never")
        frame_id = add_frame("a", proposal_id=PROPOSAL, public_date=LONG_AGO)
        stored = {"key": "1", "md5": "", "extension": ".jpg", "store_path": "p"}
        early_id = save_thumbnail("early", "small", record, **stored).frame_id
        db.session.commit()
        assert (public_date(frame_id), public_date(early_id)) == (None, None)
        decide(PROPOSAL)
    assert (public_date(frame_id), public_date(early_id)) == (LONG_AGO, LONG_AGO)


def test_a_frame_that_goes_to_another_proposal_goes_under_its_ruling(app: Flask, public_date: Any) -> None:
    with app.app_context():
        frame_id = add_frame("a", proposal_id=PROPOSAL, public_date=LONG_AGO)
        decide(PROPOSAL, "never")
        add_frame("a", contents=("second",), proposal_id=OTHER, public_date=LONG_AGO)
        assert public_date(frame_id) == LONG_AGO
        decide(PROPOSAL, "2030-01-01")
        decide(PROPOSAL)
        assert public_date(frame_id) == LONG_AGO
        decide(PROPOSAL, "never")
        add_frame("a", contents=("third",), proposal_id=PROPOSAL, public_date=LONG_AGO)
        assert public_date(frame_id) is None


def test_a_record_that_opens_a_frame_early_is_warned_of(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    def warnings() -> list[str]:
        found = [record.message for record in caplog.records if record.name == "app.embargoes.actions"]
        caplog.clear()
        return found

    with app.app_context():
        frame_id = add_frame("a", public_date=FAR)
        add_frame("a", contents=("second",), public_date="2998-01-01")
        assert warnings() == [
            f"frame {frame_id}: its new record makes it public from 2998-01-01T00:00:00Z on, and not from {FAR} on"
        ]
        add_frame("a", contents=("third",), public_date=FAR)
        decide(frame_id, "2997-01-01")
        add_frame("a", contents=("fourth",), public_date=LONG_AGO)
        add_frame("b", public_date=LONG_AGO, related_frame_filenames=["c"])
        add_frame("c", public_date=LONG_AGO)
        assert warnings() == []


def save(basename: str, **fields: Any) -> None:
    save_frame(NewFrameSchema().load({**A_FRAME, "basename": basename, "proposal_id": PROPOSAL, **fields}))


@contextmanager
def running(app: Flask, work: Callable[[], None]) -> Iterator[threading.Event]:
    """Do some work in a thread with a connection of its own, and commit it; tell when that is done."""
    done = threading.Event()

    def run() -> None:
        with app.app_context():
            work()
            db.session.commit()
        done.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield done
    thread.join(PATIENCE_S)
    assert done.is_set()


def waits_for_lock() -> bool:
    """Say whether somebody waits for a lock by now."""
    waiting = db.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with db.engine.connect() as connection:
        return bool(connection.scalar(waiting))


def wait_for_lock(done: threading.Event) -> None:
    """Wait until the other side is stopped by ours; SQLite tells of no locks, and there it can only not be done."""
    for _ in range(int(PATIENCE_S / 0.02)):
        if db.engine.dialect.name == "sqlite" or waits_for_lock():
            break
        threading.Event().wait(0.02)
    assert not done.wait(0.2)


@pytest.mark.parametrize("is_known", [True, False], ids=["known frame", "new frame"])
@pytest.mark.parametrize("first", ["ruling", "frame"])
def test_a_frame_that_arrives_at_the_moment_of_a_ruling(
    app: Flask, public_date: Any, first: str, is_known: bool
) -> None:
    with app.app_context():
        save("a" if is_known else "another", public_date=FAR)
        db.session.commit()

        def archive() -> None:
            save("a", public_date=LONG_AGO)

        def embargo() -> None:
            rule(PROPOSAL, "never")

        ours, theirs = (embargo, archive) if first == "ruling" else (archive, embargo)
        ours()
        with running(app, theirs) as done:
            wait_for_lock(done)
            db.session.commit()
        frame_id = db.session.scalar(db.text("SELECT id FROM frame WHERE basename = 'a'"))
    assert public_date(frame_id) is None


def test_a_frame_that_leaves_a_proposal_at_the_moment_of_its_ruling(app: Flask, public_date: Any) -> None:
    with app.app_context():
        frame_id = add_frame("a", proposal_id=PROPOSAL, public_date=FAR)
        rule(PROPOSAL, "never")
        with running(app, lambda: save("a", proposal_id=OTHER, public_date=LONG_AGO)) as done:
            wait_for_lock(done)
            db.session.commit()
        assert public_date(frame_id) == LONG_AGO
        decide(PROPOSAL)
    assert public_date(frame_id) == LONG_AGO


def test_two_records_of_an_embargoed_frame_come_at_once(app: Flask, public_date: Any) -> None:
    with app.app_context():
        frame_id = add_frame("a", proposal_id=PROPOSAL, public_date=FAR)
        decide(PROPOSAL, "never")
        save("a", public_date="2030-01-01")
        with running(app, lambda: save("a", public_date=LONG_AGO)) as done:
            wait_for_lock(done)
            db.session.commit()
        decide(PROPOSAL)
    assert public_date(frame_id) == LONG_AGO


def test_ingest_asks_little(app: Flask) -> None:
    with app.app_context():
        statements: list[str] = []
        event.listen(db.engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
        add_frame("a")
    assert len([statement for statement in statements if "embargo" in statement]) <= 2
