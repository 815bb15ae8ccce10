"""An S3 server that fails: a proxy in front of a good one, which can be told to misbehave."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from urllib.parse import urlsplit

from tests.services import LOOPBACK

SLOW_S = 1.5
UPSTREAM_PATIENCE_S = 30.0
ANSWER_500 = b"<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>"
ANSWER_503 = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
NOT_PASSED_ON = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect"}


class FaultProxy(ThreadingHTTPServer):
    """Passes requests on to an S3 server, and of a share of them makes what `misbehave` says."""

    daemon_threads = True

    def __init__(self, upstream_url: str, seed: int) -> None:
        super().__init__((LOOPBACK, 0), Exchange)
        self.upstream = urlsplit(upstream_url).netloc
        self.url = f"http://{LOOPBACK}:{self.server_port}"
        self._random = Random(seed)
        self._fault: Callable[[Exchange], None] = Exchange.pass_on
        self._share = 0.0

    @contextmanager
    def misbehave(self, fault: "Callable[[Exchange], None]", share: float) -> Iterator[None]:
        """Treat a share of the requests, 0 to 1, by another function than `Exchange.pass_on`."""
        self._fault, self._share = fault, share
        try:
            yield
        finally:
            self._fault, self._share = Exchange.pass_on, 0.0

    def choose(self) -> "Callable[[Exchange], None]":
        """Return what is to be done with the next request."""
        return self._fault if self._random.random() < self._share else Exchange.pass_on

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that were killed in the middle of a request."""


class Exchange(BaseHTTPRequestHandler):
    """One connection of a client; each of its requests is passed on, or treated by one of the faults below."""

    protocol_version = "HTTP/1.1"
    timeout = UPSTREAM_PATIENCE_S
    server: FaultProxy

    def _treat(self) -> None:
        self.server.choose()(self)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _treat

    def pass_on(self) -> None:
        """Do what S3 does."""
        status, headers, body = self._ask(self._read_body())
        self._answer(status, headers, body)

    def answer_500(self) -> None:
        """Refuse: an error inside S3."""
        self._read_body()
        self._answer(500, [("Content-Type", "application/xml")], ANSWER_500)

    def answer_503(self) -> None:
        """Refuse: too many requests."""
        self._read_body()
        self._answer(503, [("Content-Type", "application/xml")], ANSWER_503)

    def answer_slowly(self) -> None:
        """Do what S3 does, after a while."""
        time.sleep(SLOW_S)
        self.pass_on()

    def cut_request(self) -> None:
        """Close the connection when half of what the client sends has come; S3 never hears of it."""
        self.rfile.read(self._request_size // 2)
        self.close_connection = True

    def cut_answer(self) -> None:
        """Do what S3 does, but close the connection in the middle of the answer: the client can't tell."""
        status, headers, body = self._ask(self._read_body())
        self._answer(status, headers, body, sent_bytes=len(body) // 2)
        self.close_connection = True

    def drop_answer(self) -> None:
        """Do what S3 does, but close the connection without a word of answer: the client can't tell."""
        self._ask(self._read_body())
        self.close_connection = True

    def keep_half(self) -> None:
        """Store half of a file, and say that all is well, as no server should."""
        body = self._read_body()
        status, headers, answer = self._ask(body[: len(body) // 2] if self.command == "PUT" else body)
        self._answer(status, headers, answer)

    @property
    def _request_size(self) -> int:
        return int(self.headers.get("Content-Length") or 0)

    def _read_body(self) -> bytes:
        return self.rfile.read(self._request_size)

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """Ask the good server; return its status, headers and body."""
        connection = HTTPConnection(self.server.upstream, timeout=UPSTREAM_PATIENCE_S)
        try:
            connection.request(self.command, self.path, body, dict(self._keep(self.headers.items())))
            answer = connection.getresponse()
            return answer.status, self._keep(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def _keep(self, headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return the headers that go on to the other side; the length of a body is told anew, if there is one."""
        dropped = NOT_PASSED_ON - {"content-length"} if self.command == "HEAD" else NOT_PASSED_ON
        return [(name, value) for name, value in headers if name.lower() not in dropped]

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes, sent_bytes: int | None = None) -> None:
        """Send an answer, or only the first bytes of its body."""
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:sent_bytes])

    def log_message(self, *_: object) -> None:
        """Keep the terminal clear."""


@contextmanager
def fault_proxy(upstream_url: str, seed: int) -> Iterator[FaultProxy]:
    """Run a proxy in threads of its own."""
    with FaultProxy(upstream_url, seed) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
