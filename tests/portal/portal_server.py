"""A small Observation Portal over HTTP: it knows some tokens, and can be slow, broken or away."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.services import LOOPBACK

DRIP_S = 0.02


def build_profile(username: str, *proposals: str, is_staff: bool = False) -> dict[str, Any]:
    return {
        "username": username,
        "email": f"{username}@example.org",
        "proposals": [{"id": proposal, "title": "A survey", "current": True} for proposal in proposals],
        "profile": {"staff_view": is_staff, "institution": "An observatory"},
        "tokens": {"api_token": f"api-{username}"},
    }


@dataclass
class PortalServer:
    """The portal, its address, the profile of each Authorization header, and how it is today."""

    url: str
    profiles: dict[str, dict[str, Any]] = field(default_factory=dict)
    mood: str = "well"
    """well, hangs, drips, drips_headers, or what it answers to everybody: a status or a body."""
    asked: list[str] = field(default_factory=list)
    """The Authorization headers that it was asked about."""
    released: threading.Event = field(default_factory=threading.Event)
    """Ends what hangs."""


@contextmanager
def portal_server() -> Iterator[PortalServer]:
    server = ThreadingHTTPServer((LOOPBACK, 0), _Handler)
    portal = PortalServer(f"http://{LOOPBACK}:{server.server_port}/api/profile/")
    server.portal = portal
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield portal
    finally:
        portal.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        portal: PortalServer = self.server.portal
        authorization = self.headers.get("Authorization", "")
        portal.asked.append(authorization)
        if portal.mood == "hangs":
            portal.released.wait()
        elif portal.mood.startswith("drips"):
            self._drip(portal)
        elif portal.mood.isdigit():
            self._answer(int(portal.mood), "{}")
        elif portal.mood != "well":
            self._answer(200, portal.mood)
        elif authorization in portal.profiles:
            self._answer(200, json.dumps(portal.profiles[authorization]))
        else:
            self._answer(401, '{"detail": "Invalid token."}')

    def _answer(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Location", "https://elsewhere.example/")
        self.end_headers()
        self.wfile.write(body.encode())

    def _drip(self, portal: PortalServer) -> None:
        """Send a byte now and then, so that no single one is late."""
        head = "HTTP/1.0 200 OK\r\nX-Slow: " if portal.mood == "drips_headers" else "HTTP/1.0 200 OK\r\n\r\n"
        self.wfile.write(head.encode())
        try:
            while not portal.released.wait(DRIP_S):
                self.wfile.write(b" ")
        except OSError:  # whoever asked has gone
            return

    def log_message(self, *_args: Any) -> None:
        """Say nothing on the terminal."""
