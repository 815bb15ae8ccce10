"""Where the choices of a configuration type come from."""

import time

import pytest

from app.frames.configuration_types import ConfigurationTypes
from tests.fixtures.application import MakeApp
from tests.frames_factory import add_frame
from tests.html_page import get_page
from tests.scripted_server import ScriptedServer, scripted_server

ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def build_answer(*codes: str) -> dict[str, object]:
    return {"results": [{"instrument_type": {"configuration_types": [{"code": code}]}} for code in codes]}


def wait_for(types: ConfigurationTypes, expected: set[str], server: ScriptedServer) -> None:
    """Ask until the answers that the server has are used up, and the last is known."""
    deadline_s = time.monotonic() + 30
    while types.get_known() != expected or server.answers:
        assert time.monotonic() < deadline_s, types.get_known()
        time.sleep(0.01)


def test_the_configuration_database_is_asked_and_its_last_good_answer_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.frames.configuration_types.PAUSE_S", 0.0)
    monkeypatch.setattr("app.frames.configuration_types.LIFE_S", 0.0)
    with scripted_server() as server:
        bad = [(503, "away"), (200, "no JSON"), (200, []), (200, {"results": [{}]})]
        server.answer((200, build_answer("EXPOSE", "ARC")), *bad, (200, build_answer("LAMP_FLAT")))
        types = ConfigurationTypes(f"{server.url}api", ["BIAS"])
        assert types.get_known() == {"BIAS"}
        wait_for(types, {"LAMP_FLAT"}, server)
        assert server.requests[0][1] == "/api/instruments/"


@ONE_DATABASE
def test_the_form_offers_them_beside_those_of_frames(make_app: MakeApp) -> None:
    app = make_app(CONFIGURATION_TYPES="ZERO, ARC")
    with app.app_context():
        add_frame("a-frame", configuration_type="EXPOSE")
    html = get_page(app.test_client(), "/").html
    assert html.index("<span>ARC<") < html.index("<span>EXPOSE<") < html.index("<span>ZERO<")
