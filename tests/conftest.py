"""What pytest loads first: the fixtures of every test."""

import os

from tests.services import NO_LIMITS

os.environ |= NO_LIMITS  # also for the programs that tests start

pytest_plugins = [
    "tests.fixtures.services",
    "tests.fixtures.application",
    "tests.fixtures.ingest",
    "tests.fixtures.live",
    "tests.fixtures.browser",
]
