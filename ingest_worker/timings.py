"""How long the parts of one attempt take."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Timings(dict[str, float]):
    """Seconds by the column of `IngestAttempt`: read_s, store_s, database_s. What is done twice counts twice."""

    @contextmanager
    def measure(self, column: str) -> Iterator[None]:
        """Add the time that the block takes, also where it fails."""
        begun_s = time.perf_counter()
        try:
            yield
        finally:
            self[column] = self.get(column, 0.0) + time.perf_counter() - begun_s
