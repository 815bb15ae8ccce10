"""A small provider of log-ins over HTTP: OAuth 2 as the portal does it, and OpenID Connect."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey

from tests.services import LOOPBACK

CLIENT_ID, CLIENT_SECRET = "the-archive", "known to both"


@dataclass
class Provider:
    """The provider, its key, and what it answers."""

    url: str
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "one"}))
    profile: dict[str, Any] = field(default_factory=dict)
    """At /profile and /userinfo, for the token of a log-in."""
    claims: dict[str, Any] = field(default_factory=dict)
    """Of the ID token, beside and over those that it must have."""
    asked: dict[str, str] = field(default_factory=dict)
    """What the browser brought from the archive."""

    def approve(self, address: str) -> dict[str, str]:
        """Log somebody in who comes with an address, and return what the browser takes back."""
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        return {"state": self.asked["state"], "code": "the-code"}

    def answer(self, path: str, authorization: str, form: dict[str, str]) -> tuple[int, Any]:
        if path == "/token":
            return self._give_token(authorization, form)
        if path in {"/profile", "/userinfo"}:
            return (200, self.profile) if authorization == "Bearer the-access-token" else (401, {})
        return 200, {"/jwks": {"keys": [self.key.as_dict(private=False)]}, "/configuration": self._describe()}[path]

    def _give_token(self, authorization: str, form: dict[str, str]) -> tuple[int, Any]:
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        is_right = (
            self.asked["code_challenge_method"] == "S256"
            and base64.urlsafe_b64encode(digest).decode().rstrip("=") == self.asked["code_challenge"]
            and base64.b64decode(authorization.removeprefix("Basic ")).decode() == f"{CLIENT_ID}:{CLIENT_SECRET}"
            and form["code"] == "the-code"
            and form["redirect_uri"] == self.asked["redirect_uri"]
        )
        if not is_right:
            return 400, {"error": "invalid_grant"}
        token = {"access_token": "the-access-token", "token_type": "Bearer"}
        return 200, token | ({"id_token": self._sign()} if "nonce" in self.asked else {})

    def _sign(self) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "sub": "7", "aud": CLIENT_ID, "iat": now, "exp": now + 600}
        return jwt.encode({"alg": "ES256"}, claims | {"nonce": self.asked["nonce"]} | self.claims, self.key)

    def _describe(self) -> dict[str, str]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/jwks",
        }


@contextmanager
def running_provider() -> Iterator[Provider]:
    server = ThreadingHTTPServer((LOOPBACK, 0), _Handler)
    server.provider = Provider(f"http://{LOOPBACK}:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        provider: Provider = self.server.provider
        status, answer = provider.answer(self.path, self.headers.get("Authorization", ""), form)
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def log_message(self, *_args: Any) -> None:
        """Say nothing on the terminal."""
