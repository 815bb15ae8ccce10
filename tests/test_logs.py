"""What a line of the log looks like, what must not stand in it, and what stands beside its message."""

import datetime as dt
import io
import json
import logging
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient
from gunicorn.config import Config
from structlog.contextvars import bound_contextvars, clear_contextvars

from app.access_log import WebLogger
from app.logs import build_formatter
from app.settings import JSON, TEXT
from tests.fits_factory import write_fits
from tests.fixtures.ingest import Headers, Work, upload
from tests.live import LiveArchive

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"


@pytest.fixture(autouse=True)
def _no_context() -> None:
    """A request of another test has left its id in this thread."""
    clear_contextvars()


def write(log_format: str, message: str, *arguments: Any, **attributes: Any) -> str:
    record = logging.LogRecord(
        "app.room", logging.WARNING, __file__, 1, message, arguments, attributes.pop("exc", None)
    )
    vars(record).update(attributes)
    return build_formatter(log_format).format(record)


def test_a_line_for_a_person() -> None:
    with bound_contextvars(job_id=7, basename="a b"):
        line = write(TEXT, "%s is away", "the store", error_code="store.unavailable")
    assert re.fullmatch(
        TIME + r" WARNING app\.room: the store is away error_code=store\.unavailable (job_id=7 |basename=\"a b\" ?){2}",
        line + " ",
    )


def test_an_object_for_a_machine() -> None:
    with bound_contextvars(job_id=7):
        entry = json.loads(write(JSON, "%s is away", "the store", error_code="store.unavailable"))
    assert re.fullmatch(TIME, entry.pop("time"))
    assert entry == {
        "level": "warning",
        "logger": "app.room",
        "message": "the store is away",
        "error_code": "store.unavailable",
        "job_id": 7,
    }


@pytest.mark.parametrize("log_format", [TEXT, JSON])
@pytest.mark.parametrize("sign", ["\n", "\r", "\x1b[2J", "\x9b2J", "\u2028", "\x00", "\u202e"])
def test_a_name_makes_no_line_of_its_own(log_format: str, sign: str) -> None:
    forged = f"a.fits{sign}2026-01-01T00:00:00.000000Z INFO app: all is well"
    with bound_contextvars(basename=forged):
        line = write(log_format, "no preview for %s", forged)
    assert line.isprintable()


def test_a_traceback_is_indented_and_no_line_of_it_is_another_s() -> None:
    try:
        raise ValueError("bad name\n2026-01-01T00:00:00.000000Z INFO app: all is well")
    except ValueError:
        text, entry = (write(each, "unforeseen", exc=sys.exc_info()) for each in (TEXT, JSON))
    first, *others = text.splitlines()
    assert first.endswith("unforeseen")
    assert others[0] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") for line in others)
    assert "ValueError: bad name" in json.loads(entry)["exception"]


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ("GET /downloads/eyJ2IjoxfQ.Zx-y_z/a.fits", "GET /downloads/…/a.fits"),
        ("GET /pictures/eyJ2IjoxfQ.Zx-y_z/a-small.jpg", "GET /pictures/…/a-small.jpg"),
        ("GET /accounts/login?next=%2Fdownloads%2FeyJ2.Zx%2Fa", "GET /accounts/login?next=%2Fdownloads%2F…"),
        ("{'Authorization': 'Token 2PRhSwJnMUfxOCXDK1iR3A-CHTYah'}", "{'Authorization': 'Token …'}"),
        ("Bearer 2PRhSwJnMUfxOCXDK1iR3A refused", "Bearer … refused"),
        ("GET /frames/zip/?auth_token=abc&x=1", "GET /frames/zip/?auth_token=…&x=1"),
        ("GET /login/portal/callback?code=abc&state=x", "GET /login/portal/callback?code=…&state=x"),
        ("GET /frames/?key=abc&apikey=def", "GET /frames/?key=…&apikey=…"),
        ("GET /ingest/jobs?error_code=fits.truncated", "GET /ingest/jobs?error_code=fits.truncated"),
        ("https://s3.example/a?X-Amz-Signature=0a1b&x=1", "https://s3.example/a?X-Amz-Signature=…&x=1"),
        ("cannot reach amqp://user:secret@broker.example/", "cannot reach amqp://…@broker.example/"),
        ("the token in the header is unknown", "the token in the header is unknown"),
    ],
)
def test_what_opens_a_door_is_left_out(message: str, kept: str) -> None:
    assert write(TEXT, message).endswith(f"app.room: {kept}")
    assert json.loads(write(JSON, message))["message"] == kept


HEADERS = [("X-Request-Id", "night-7")]


@pytest.mark.parametrize("sent", [14400, 0], ids=["by gunicorn", "by the kernel"])
def test_an_answer_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: int) -> None:
    monkeypatch.setenv("LOG_FORMAT", JSON)
    config = Config()
    config.set("accesslog", str(tmp_path / "access.log"))
    response = SimpleNamespace(status="200 OK", sent=sent, response_length=14400, headers=HEADERS)
    environ = {
        "REQUEST_METHOD": "GET",
        "RAW_URI": "/downloads/eyJ2IjoxfQ.Zx/a.fits",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.7",
        "HTTP_USER_AGENT": "curl",
        "HTTP_AUTHORIZATION": "Token 2PRhSwJnMUfxOCXDK1iR3A",
    }
    with bound_contextvars(viewer="ada"):
        WebLogger(config).access(response, SimpleNamespace(headers=[]), environ, dt.timedelta(seconds=1.5))
    entry = json.loads((tmp_path / "access.log").read_text())
    assert entry.pop("time")
    assert entry == {
        "level": "info",
        "logger": "gunicorn.access",
        "message": "GET /downloads/…/a.fits",
        "status": 200,
        "sent_bytes": 14400,
        "duration_s": 1.5,
        "client": "192.0.2.7",
        "agent": "curl",
        "request_id": "night-7",
        "viewer": "ada",
    }


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What the worker's room logs, as JSON."""
    stream = io.StringIO()
    handler, room = logging.StreamHandler(stream), logging.getLogger("ingest_worker")
    handler.setFormatter(build_formatter(JSON))
    room.addHandler(handler)
    room.setLevel(logging.INFO)
    yield stream
    room.setLevel(logging.NOTSET)
    room.removeHandler(handler)


class TestRequestIds:
    def test_a_sane_one_is_kept_and_told(self, client: FlaskClient) -> None:
        answer = client.get("/frames/1", headers={"X-Request-Id": "night-7"})
        assert (answer.status_code, answer.headers["X-Request-Id"], answer.json["request_id"]) == (
            404,
            "night-7",
            "night-7",
        )
        page = client.get("/frames/1", headers={"X-Request-Id": "night-7", "Accept": "text/html"})
        assert "this number: <code>night-7</code>" in page.text

    @pytest.mark.parametrize("sent", ["", "a b", "x" * 65, "<script>", "é"])
    def test_another_is_replaced(self, client: FlaskClient, sent: str) -> None:
        told = [client.get("/health/", headers={"X-Request-Id": sent}).headers["X-Request-Id"] for _ in range(2)]
        assert all(re.fullmatch("[0-9a-f]{32}", request_id) for request_id in told)
        assert told[0] != told[1]

    def test_a_job_s_lines_name_the_request_that_brought_it(
        self, client: FlaskClient, as_operator: Headers, work: Work, tmp_path: Path, written: io.StringIO
    ) -> None:
        headers = as_operator | {"X-Request-Id": "night-7"}
        job_id = upload(client, headers, write_fits(tmp_path / "a-frame.fits"))
        clear_contextvars()  # the worker is another process
        work()
        entries = [json.loads(line) for line in written.getvalue().splitlines()]
        (entry,) = [entry for entry in entries if entry["logger"] == "ingest_worker.jobs"]
        assert (entry["job_id"], entry["basename"], entry["request_id"]) == (job_id, "a-frame", "night-7")
        assert entry["message"].endswith("archived")

    def test_the_access_log_names_it(self, live_archive: LiveArchive) -> None:
        log, deadline_s = live_archive.data_dir / "log" / "access.log", time.monotonic() + 10
        live_archive.request("GET", "/health/?token=abc", headers={"X-Request-Id": "night-8"})
        while "night-8" not in log.read_text() and time.monotonic() < deadline_s:
            time.sleep(0.05)
        (line,) = [line for line in log.read_text().splitlines() if "night-8" in line]
        assert "gunicorn.access: GET /health/?token=… status=200 " in line
