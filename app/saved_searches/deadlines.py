"""An end to waiting for others, however slowly they answer: the time-outs of sockets begin anew at each byte."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

AGAIN_S = 1.0  # in case the first alarm is lost in somebody's clean-up


@contextmanager
def deadline(limit_s: float) -> Iterator[None]:
    """Raise TimeoutError where the program then is, once so many seconds are over. For a program's main thread only."""

    def end(*_signal: object) -> None:
        raise TimeoutError(f"no answer within {limit_s:g} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, limit_s, AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
