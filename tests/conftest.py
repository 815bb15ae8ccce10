"""What pytest loads first: the fixtures of every test."""

import os
import signal
from collections.abc import Iterator

import pytest

from tests.services import NO_LIMITS

os.environ |= NO_LIMITS | {"ALADIN_LITE_DIR": ""}  # also for the programs that tests start

pytest_plugins = [
    "tests.fixtures.services",
    "tests.fixtures.application",
    "tests.fixtures.ingest",
    "tests.fixtures.live",
    "tests.fixtures.browser",
]


@pytest.fixture(autouse=True)
def _keep_signal_handlers() -> Iterator[None]:
    """Give back what commands that run in this process make of signals: its forks would be deaf to them."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)
