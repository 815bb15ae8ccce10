"""Whose turn it is to ask the portal: a few requests at a time, so that a slow portal holds up nobody else."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from app.errors import Unavailable


class PortalAwayError(Unavailable):
    """The portal has not said whose a token is."""

    code = "portal_unavailable"

    def __init__(self) -> None:
        super().__init__(
            "The Observation Portal, which this archive must ask whose token or log-in this is, does not answer at the "
            "moment: try again in some seconds. What is public needs no token."
        )


class Turns:
    """Lets requests wait for one another, but not for a portal that is slow or away.

    A web process has few threads, and each request that asks the portal, or waits for its turn, keeps one from all
    others. So nobody waits behind a question that is old already; and after a failure everybody is refused at once
    for a while, and then one request at a time tries, until the portal has answered again.

    Parameters
    ----------
    most
        Requests that may ask at once.
    patience_s
        Age of a question in seconds from which nobody waits for its end.
    pause_s
        Seconds after a failure in which the portal is left alone.
    """

    def __init__(self, most: int = 2, patience_s: float = 1.0, pause_s: float = 10.0) -> None:
        self._most, self._patience_s, self._pause_s = most, patience_s, pause_s
        self._begun: list[float] = []
        self._is_failing, self._paused_until = False, 0.0
        self._changed = threading.Condition()

    @contextmanager
    def take(self) -> Iterator[None]:
        """Wait for a turn, and have it.

        Raises
        ------
        PortalAwayError
            If none comes soon.
        """
        begun = self._wait()
        try:
            yield
        finally:
            with self._changed:
                self._begun.remove(begun)
                self._changed.notify_all()

    def note_failure(self) -> None:
        """Leave the portal alone for a while; whoever waits is refused."""
        with self._changed:
            self._is_failing, self._paused_until = True, time.monotonic() + self._pause_s
            self._changed.notify_all()

    def note_answer(self) -> None:
        """Let several requests ask again."""
        with self._changed:
            self._is_failing, self._paused_until = False, 0.0

    def _wait(self) -> float:
        with self._changed:
            while not self._is_free():
                self._changed.wait(self._find_wait_s())
            begun = time.monotonic()
            self._begun.append(begun)
            return begun

    def _is_free(self) -> bool:
        if self._is_failing and (self._begun or time.monotonic() < self._paused_until):
            raise PortalAwayError
        return len(self._begun) < self._most

    def _find_wait_s(self) -> float:
        """Return how long the oldest question may still be waited for."""
        wait_s = self._begun[0] + self._patience_s - time.monotonic()
        if wait_s <= 0:
            raise PortalAwayError
        return wait_s
