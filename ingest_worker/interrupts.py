"""Breaking off the file in hand: while it is read and stored, and never while its job is taken or marked."""

from collections.abc import Iterator
from contextlib import contextmanager


class Interrupted(BaseException):
    """A worker is told to end at once. No `Exception`: nothing may take it for something wrong with the file."""


class _State:
    """What the signal's handler and the code that it interrupts tell each other; both run in the main thread."""

    is_allowed = False
    is_wanted = False


def interrupt() -> None:
    """Break off what runs in an `interruptible` block, now, or as soon as one is entered.

    Raises
    ------
    Interrupted
        Once for each block.
    """
    _State.is_wanted = True
    _raise_if_allowed()


@contextmanager
def interruptible() -> Iterator[None]:
    """Let `interrupt` break off the block.

    Raises
    ------
    Interrupted
    """
    _State.is_allowed = True
    try:
        if _State.is_wanted:
            _raise_if_allowed()
        yield
    finally:
        _State.is_allowed = False


def _raise_if_allowed() -> None:
    if _State.is_allowed:
        _State.is_allowed = _State.is_wanted = False
        raise Interrupted
