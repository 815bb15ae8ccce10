"""What a door needs and may be without for a while: said once when it goes, and once when it is back."""

import logging

log = logging.getLogger(__name__)

LONGEST_WAIT_S = 10.0
MOST_DOUBLINGS = 10


class Outage:
    """One thing that may be away, with waits between the tries that grow."""

    def __init__(self, thing: str) -> None:
        self._thing = thing
        self._failures = 0

    def note(self, reason: object) -> float:
        """Note a failure, and return the seconds until the next try."""
        if not self._failures:
            first_line = str(getattr(reason, "orig", None) or reason).partition("\n")[0]
            log.error("%s is away, and is waited for: %s", self._thing, first_line)
        self._failures += 1
        return min(2.0 ** min(self._failures - 1, MOST_DOUBLINGS), LONGEST_WAIT_S)

    def end(self) -> None:
        """Note that it answers."""
        if self._failures:
            log.info("%s is back", self._thing)
        self._failures = 0
