"""When frames become public, with a real server in the portal's place."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from ocs_archive.input.file import FileSpecificationException
from ocs_archive.input.headerdata import HeaderData
from ocs_archive.input.publicdate import find_public_date

OBSERVED = "2024-02-19T13:56:05.261"
AFTER_A_YEAR = "2025-02-18T13:56:05.261000"
NEVER = "3022-06-22T13:56:05.261000"


def find(basename: str = "coj1m011-kb05-20240219-0125-e91", **headers) -> str | None:
    frame = {"DATE-OBS": OBSERVED, "PROPID": "DEMO2024A-001", "OBSTYPE": "EXPOSE"}
    return find_public_date(HeaderData(frame | headers), basename)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, AFTER_A_YEAR),
        ({"OBSTYPE": "BIAS"}, OBSERVED),
        ({"OBSTYPE": "SKYFLAT"}, OBSERVED),
        ({"PROPID": "LCOEPO2014B-010"}, OBSERVED),
        ({"PROPID": "calibrate"}, OBSERVED),
        ({"PROPID": "LCOEngineering"}, NEVER),
        ({"PROPID": "LCOEngineering-pointing"}, OBSERVED),
        ({"PROPID": "LCOEngineering", "OBSTYPE": "DARK"}, OBSERVED),
        ({"basename": "tfn0m414-kb29-20151216-0380-t00"}, NEVER),
        ({"basename": "tfn0m414-kb29-20151216-0380-x00", "PROPID": "EPO"}, OBSERVED),
    ],
)
def test_rules_without_a_portal(headers, expected):
    assert find(**headers) == expected


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        ("2024-02-19T13:56:05Z", "2025-02-18T13:56:05+00:00"),
        ("2024-02-19T13:56:05-05:00", "2025-02-18T13:56:05-05:00"),
        ("2016-12-31T23:59:60", "2018-01-01T00:00:00"),
    ],
)
def test_utc_offset_stays(observed, expected):
    assert find(**{"DATE-OBS": observed}) == expected


def test_no_observation_date_no_public_date():
    assert find(**{"DATE-OBS": None}) is None


def test_date_beyond_the_calendar_is_named():
    with pytest.raises(FileSpecificationException, match="DATE-OBS is '9999-06-01'") as caught:
        find(**{"DATE-OBS": "9999-06-01"})
    assert caught.value.code == "header.bad_date"


@pytest.mark.parametrize(
    ("setting", "value", "headers", "expected"),
    [
        ("DAYS_UNTIL_PUBLIC", "1", {}, "2024-02-20T13:56:05.261000"),
        ("CALIBRATION_TYPES", "EXPOSE", {}, OBSERVED),
        ("PUBLIC_PROPOSALS", "DEMO", {}, OBSERVED),
        ("PRIVATE_PROPOSALS", "DEMO", {}, NEVER),
        ("PRIVATE_FILE_TYPES", "-e91", {}, NEVER),
    ],
)
def test_rules_come_from_the_settings(monkeypatch, setting, value, headers, expected):
    monkeypatch.setenv(setting, value)
    assert find(**headers) == expected


@pytest.fixture
def portal(monkeypatch) -> Iterator[dict[str, tuple[int, object]]]:
    """A portal: what it answers, status and JSON, by path. It refuses requests without the archive's token."""
    answers: dict[str, tuple[int, object]] = {}

    class Portal(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_known = self.headers["Authorization"] == "Token secret"
            status, body = answers.get(self.path, (404, {})) if is_known else (401, {})
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode() if body is not None else b"no json")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Portal) as server:
        Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        monkeypatch.setenv("OBSERVATION_PORTAL_BASE_URL", f"http://127.0.0.1:{server.server_port}/")
        monkeypatch.setenv("OBSERVATION_PORTAL_API_TOKEN", "secret")
        yield answers
        server.shutdown()


@pytest.mark.parametrize(
    ("tags", "headers", "expected"),
    [
        (["private"], {"OBSTYPE": "BIAS"}, NEVER),
        (["internal", "public"], {}, NEVER),
        (["public"], {"basename": "x-t00"}, OBSERVED),
        (["other"], {}, AFTER_A_YEAR),
        ([], {"OBSTYPE": "BIAS"}, OBSERVED),
    ],
)
def test_tags_go_before_the_rules(portal, tags, headers, expected):
    portal["/api/proposals/DEMO2024A-001"] = (200, {"tags": tags})
    assert find(**headers) == expected


def test_tags_that_count_come_from_the_settings(portal, monkeypatch):
    portal["/api/proposals/DEMO2024A-001"] = (200, {"tags": ["open"]})
    monkeypatch.setenv("PUBLIC_PROPOSAL_TAGS", "open")
    assert find() == OBSERVED


def test_proposal_id_is_no_way_to_another_path(portal):
    portal["/api/proposals/a%2F..%2Fb"] = (200, {"tags": ["public"]})
    assert find(PROPID="a/../b") == OBSERVED


@pytest.mark.parametrize("answer", [(404, {}), (500, {"tags": ["public"]}), (200, None), (200, ["public"]), (200, {})])
def test_portal_that_fails_leaves_it_to_the_rules(portal, answer):
    portal["/api/proposals/DEMO2024A-001"] = answer
    assert find() == AFTER_A_YEAR


def test_portal_out_of_reach_leaves_it_to_the_rules(portal, monkeypatch):
    monkeypatch.setenv("OBSERVATION_PORTAL_BASE_URL", "http://127.0.0.1:1")
    assert find() == AFTER_A_YEAR


def test_portal_is_asked_only_with_a_token(portal, monkeypatch):
    portal["/api/proposals/DEMO2024A-001"] = (200, {"tags": ["public"]})
    monkeypatch.delenv("OBSERVATION_PORTAL_API_TOKEN")
    assert find() == AFTER_A_YEAR
