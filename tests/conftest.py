"""What pytest loads first: the fixtures of every test."""

pytest_plugins = [
    "tests.fixtures.services",
    "tests.fixtures.application",
    "tests.fixtures.live",
    "tests.fixtures.browser",
]
