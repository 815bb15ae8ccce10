"""An HTTP server for tests of clients: it answers what it was told to, in that order, and notes what it was asked."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.services import LOOPBACK


@dataclass
class ScriptedServer:
    """A server, its address, the answers it has left, and the requests it got: method, path, headers, body."""

    url: str
    answers: list[tuple[int, Any]] = field(default_factory=list)  # status, and a JSON value or a text
    requests: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    def answer(self, *answers: tuple[int, Any]) -> None:
        """Answer the next requests so; each status with its body."""
        self.answers[:] = answers
        self.requests.clear()


@contextmanager
def scripted_server() -> Iterator[ScriptedServer]:
    server = ThreadingHTTPServer((LOOPBACK, 0), _Handler)
    script = ScriptedServer(f"http://{LOOPBACK}:{server.server_port}/")
    server.script = script  # type: ignore[attr-defined]  # the handler knows only its server
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        script: ScriptedServer = self.server.script  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        script.requests.append((self.command, self.path, dict(self.headers), body))
        status, said = script.answers.pop(0)
        content = (said if isinstance(said, str) else json.dumps(said)).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        if status in {301, 302, 307, 308}:
            self.send_header("Location", "https://elsewhere.example/")
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def log_message(self, *_args: Any) -> None:
        """Say nothing on the terminal."""
