"""Fixtures of the portal's tests: a portal, and an archive that asks it."""

from collections.abc import Iterator

import pytest
from flask import Flask

from app.portal.client import Portal
from app.portal.turns import Turns
from tests.fixtures.application import MakeApp
from tests.portal.portal_server import PortalServer, portal_server

LONG_S, SHORT_S = 30.0, 0.3


@pytest.fixture
def portal() -> Iterator[PortalServer]:
    with portal_server() as server:
        yield server


@pytest.fixture
def app(make_app: MakeApp, portal: PortalServer) -> Flask:
    """An archive that knows a portal, and does not give it up because the machine is busy."""
    app = make_app(OAUTH_PROFILE_URL=portal.url)
    app.extensions["portal"] = Portal(portal.url, LONG_S, Turns(patience_s=LONG_S, pause_s=LONG_S))
    return app


@pytest.fixture
def portal_hangs(app: Flask, portal: PortalServer) -> None:
    """From now on it does not answer, and the archive gives up soon."""
    portal.mood = "hangs"
    app.extensions["portal"] = Portal(portal.url, SHORT_S, Turns(pause_s=LONG_S))
