"""What pytest loads first: the fixtures of every test."""

pytest_plugins = [
    "tests.fixtures.services",
    "tests.fixtures.application",
    "tests.fixtures.ingest",
    "tests.fixtures.live",
    "tests.fixtures.browser",
]
