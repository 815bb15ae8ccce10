"""How many requests ask a portal at once, and how many after it has failed."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from app.portal.turns import PortalAwayError, Turns

FOR_EVER_S = 30.0


def test_some_ask_at_once_and_the_next_waits_until_one_has_its_answer() -> None:
    turns, answered, waiting = Turns(most=2, patience_s=FOR_EVER_S), ExitStack(), threading.Event()

    def ask() -> str:
        waiting.set()
        with turns.take():
            return "asked"

    with turns.take(), ThreadPoolExecutor(1) as thread:
        answered.enter_context(turns.take())
        third = thread.submit(ask)
        waiting.wait(FOR_EVER_S)
        assert not third.done()
        answered.close()
        assert third.result(FOR_EVER_S) == "asked"


def test_nobody_waits_behind_an_old_question() -> None:
    turns = Turns(most=1, patience_s=0.0)
    with turns.take(), pytest.raises(PortalAwayError), turns.take():
        pass
    with turns.take():  # it is over
        pass


def test_after_a_failure_everybody_is_refused_for_a_while() -> None:
    turns = Turns(pause_s=FOR_EVER_S)
    turns.note_failure()
    with pytest.raises(PortalAwayError), turns.take():
        pass


def test_then_one_tries_until_there_was_an_answer() -> None:
    turns = Turns(pause_s=0.0)
    turns.note_failure()
    with turns.take():
        with pytest.raises(PortalAwayError), turns.take():
            pass
        turns.note_answer()
        with turns.take():
            pass


def test_a_failure_sends_away_who_waits() -> None:
    turns, waiting = Turns(most=1, patience_s=FOR_EVER_S), threading.Event()

    def ask() -> None:
        waiting.set()
        with turns.take():
            pass

    with ThreadPoolExecutor(1) as thread:
        with turns.take():
            second = thread.submit(ask)
            waiting.wait(FOR_EVER_S)
            turns.note_failure()
        assert isinstance(second.exception(FOR_EVER_S), PortalAwayError)
