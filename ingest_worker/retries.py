"""When a file is tried again: each kind of error says whether, and how often it has been tried says when."""

import random

from app.extensions import get_config
from ingest_worker.exceptions import BackoffRetryError, IngestError, RetryError

JITTER = 0.2  # so that the files of an outage do not all come back at once


def find_wait_s(error: IngestError, attempts: int) -> float | None:
    """Return the seconds until the next try of a file that has been tried `attempts` times; None for never."""
    config = get_config()
    if attempts >= config.ingest_attempts or not isinstance(error, RetryError | BackoffRetryError):
        return None
    growth = _growth(config.ingest_attempts) if isinstance(error, BackoffRetryError) else 1.0
    wait_s = config.ingest_first_retry_s * growth ** (attempts - 1)
    return wait_s * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  # no secret


def _growth(attempts: int) -> float:
    """Return the factor by which the waits grow from the first one to the last."""
    config = get_config()
    waits = attempts - 1
    if waits < 2:
        return 1.0
    growth: float = (config.ingest_last_retry_s / config.ingest_first_retry_s) ** (1 / (waits - 1))
    return growth
