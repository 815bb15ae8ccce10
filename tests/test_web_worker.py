"""The web server and clients that are slow: they keep no thread, and not for ever."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import requests
from flask import Flask

from app.extensions import db
from tests.fixtures.ingest import make_headers
from tests.stored_frames import add_stored_frame
from tests.web_server import WebServer, running_web_server

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

IMPATIENT = "import app.slow_clients as s; s.GRACE_S = {}; from gunicorn.app.wsgiapp import run; run()"
DEFERENTIAL = "import app.web_worker as w; w.DEFERENCE_S = 0.2; from gunicorn.app.wsgiapp import run; run()"
HEAD = b"POST /api-token-auth/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
#: What slow clients begin with; none of it is a whole request.
BEGINNINGS = {
    "nothing": b"",
    "a head": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ",
    "a body": HEAD + b"Content-Length: 90\r\n\r\n{",
    "a large body": HEAD + b"Content-Length: 900000\r\n\r\n" + b" " * 5000,
    "chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
    "a word before the body": HEAD + b"Expect: 100-continue\r\nContent-Length: 90\r\n\r\n",
    "a second request": b"GET /health/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET / HT",
}


GET = b"GET /health/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
#: What is refused, with its status; one that ends too early gets no answer.
REFUSED = [
    (GET.replace(b"/health/", b"/" + b"a" * 8190), 414),
    (GET + b"X-A: 1\r\n" * 100, 431),
    (GET + b"X-A: " + b"a" * 8190 + b"\r\n", 431),
    (GET + (b"X-A: " + b"a" * 4000 + b"\r\n") * 17, 431),
    (GET + b"Host: evil.example\r\n", 400),
    (GET + b"X A: 1\r\n", 400),
    (HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
    (HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (HEAD + b"Content-Length: 1e3\r\n\r\n{}", 400),
    (HEAD + b"Content-Length: -2\r\n\r\n{}", 400),
    (HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n{}", 413),
    (HEAD + b"Content-Length: 2000000\r\n\r\n" + b" " * 2_000_000, 413),
    (HEAD + b"Transfer-Encoding: chunked\r\n\r\nnothing\r\n\r\n", 400),
    (HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n\r\n", 400),
    (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}{}\r\n0\r\n\r\n", 400),
    (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"10000\r\n" + (b" " * 2**16 + b"\r\n10000\r\n") * 40, 400),
    (HEAD + b"Transfer-Encoding: sideways\r\n\r\n{}", 501),
    (HEAD + b"Content-Length: 90\r\n\r\n{}", None),
    (HEAD + b"Transfer-Encoding: chunked\r\n\r\n10\r\n{}", None),
]


@pytest.fixture
def server(request: pytest.FixtureRequest, app: Flask, tmp_path: Path) -> Iterator[WebServer]:
    """One process of four threads, with as many seconds of patience as the test says."""
    with running_web_server({}, tmp_path / "web.log", ("-c", IMPATIENT.format(request.param))) as running:
        yield running


def connect(server: WebServer, sent: bytes, receive_buffer: int = 2**16) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.settimeout(30)
    client.connect(("127.0.0.1", int(server.url.rpartition(":")[2])))
    client.sendall(sent)
    return client


def read_to_end(client: socket.socket) -> bytes:
    received = b""
    with suppress(ConnectionError):
        while data := client.recv(2**16):
            received += data
    return received


@pytest.mark.parametrize("server", [20], indirect=True)
def test_slow_clients_keep_nobody_waiting(server: WebServer) -> None:
    with ExitStack() as stack:
        for beginning in BEGINNINGS.values():
            for _ in range(4):
                stack.enter_context(connect(server, beginning))
        for _ in range(5):
            assert requests.get(f"{server.url}/health/", timeout=4).ok


@pytest.mark.parametrize("server", [1], indirect=True)
def test_slow_clients_are_hung_up_on(app: Flask, server: WebServer) -> None:
    with app.app_context():
        add_stored_frame("large", bytes(2**25))
        db.session.commit()
    link = requests.get(f"{server.url}/frames/1/", timeout=10).json()["url"]
    token = make_headers(app, "operator", is_admin=True)["Authorization"]
    upload = f"POST /ingest/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {token}\r\n" + (
        "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1073741824\r\n\r\n"
        '--x\r\nContent-Disposition: form-data; name="file"; filename="a.fits"\r\n\r\n'
    )
    with ExitStack() as stack:
        reader = stack.enter_context(connect(server, f"GET {link} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode(), 4096))
        sender = stack.enter_context(connect(server, upload.encode() + bytes(2**20)))
        clients = {name: stack.enter_context(connect(server, begun)) for name, begun in BEGINNINGS.items()}
        ends = {name: read_to_end(client) for name, client in clients.items()}
        assert ends.pop("a second request").startswith(b"HTTP/1.1 200")
        assert ends.pop("a word before the body") == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert set(ends.values()) == {b""}
        while "does not take an answer" not in server.log.read_text():
            reader.recv(1)
        assert len(read_to_end(reader)) < 2**25
        answer = read_to_end(sender)
        assert answer.startswith(b"HTTP/1.1 503")  # so that the file is sent again
        assert b'"code":"slow_body"' in answer
    assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize("server", [20], indirect=True)
def test_what_is_too_large_or_no_http_is_refused(server: WebServer) -> None:
    server.forget_peak()
    before = server.measure_memory_mib()
    for request, status in REFUSED:
        with suppress(ConnectionError), connect(server, request + b"\r\n" * (b"\r\n\r\n" not in request)) as client:
            client.shutdown(socket.SHUT_WR)
            answer = read_to_end(client)
            assert answer.startswith(f"HTTP/1.1 {status}".encode() if status else b""), (request[:200], answer)
            assert bool(answer) == bool(status)
    assert server.measure_peak_mib() < before + 32
    assert requests.get(f"{server.url}/health/", timeout=10).ok
    assert "Traceback" not in server.log.read_text()


def test_a_connection_is_left_to_the_process_that_has_less_to_do(app: Flask, tmp_path: Path) -> None:
    with running_web_server({}, tmp_path / "web.log", ("-c", DEFERENTIAL), processes=2) as server:
        wait_until(lambda: server.log.read_text().count("Booting worker") == 2)
        time.sleep(1)  # until both listen
        before = server.count_sockets()
        for _ in range(12):
            with connect(server, b"GET /"), connect(server, b"GET /"):
                wait_until(lambda: sum(server.count_sockets()) >= sum(before) + 2)
                assert server.count_sockets() == [count + 1 for count in before]
            wait_until(lambda: server.count_sockets() == before)
            time.sleep(0.4)  # until no process leaves connections to the other


def wait_until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
