"""Breaking off: at once inside the block, at its beginning if it was wanted before, and once only."""

from collections.abc import Callable

import pytest

from ingest_worker.interrupts import Interrupted, interrupt, interruptible


def run(body: Callable[[], None]) -> None:
    with interruptible():
        body()


def fail() -> None:
    pytest.fail("the block went on")


def interrupt_and_go_on() -> None:
    interrupt()
    fail()


def interrupt_and_clear_up() -> None:
    try:
        interrupt()
    finally:
        interrupt()


def test_a_block_is_broken_off() -> None:
    with pytest.raises(Interrupted):
        run(interrupt_and_go_on)


def test_what_must_not_be_broken_off_goes_on_until_the_next_block() -> None:
    interrupt()
    with pytest.raises(Interrupted):
        run(fail)
    run(lambda: None)


def test_what_clears_up_after_it_is_not_broken_off_again() -> None:
    with pytest.raises(Interrupted):
        run(interrupt_and_clear_up)
    with pytest.raises(Interrupted):  # the second was only put off
        run(fail)
