"""Somebody who speaks HTTP over a bare socket: no library mends what they send, and each answer is looked at."""

import json
import re
import socket
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlencode, urlsplit

from app.processes import PROJECT_DIR

HTML = {"Accept": "text/html"}
PATIENCE_S = 30.0
#: What no answer may tell of the inside of the archive.
INSIDE = re.compile(rf"Traceback|site-packages|sqlalchemy|psycopg|sqlite3|{re.escape(str(PROJECT_DIR))}", re.IGNORECASE)
#: In every text of what the attackers may not see; it may stand in an answer only if it did in the request.
HIDDEN = "vqhidden"


@dataclass(frozen=True)
class Answer:
    """What came back; a status of 0 means that the connection was closed without a word."""

    status: int
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    rest: bytes = b""  # what came after it on the same connection

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def get(self, name: str) -> str:
        """Return a header, several of one name joined; empty if there is none."""
        return ", ".join(value for known, value in self.headers if known.lower() == name.lower())

    def __str__(self) -> str:
        """Name it as the document does: by its status, and an error's code."""
        if not self.status:
            return "connection closed"
        is_error = self.get("Content-Type") == "application/json" and self.status >= 400
        return f"{self.status} `{self.json['code']}`" if is_error else str(self.status)


@dataclass(frozen=True)
class Attacker:
    """Who asks the archive at a URL, always with these headers.

    Raises
    ------
    AssertionError
        From whatever asks, if an answer is the archive's own fault, or shows what the attackers may not see.
    """

    url: str
    headers: Mapping[str, str]
    may_see_all: bool = False

    def ask(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        **content: Any,
    ) -> Answer:
        """Send a request, as `build` makes it, whose target and headers go out as they are."""
        return self.send(self.build(method, target, headers, **content))

    def get(self, target: str, headers: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> Answer:
        return self.ask("GET", target, headers)

    def build(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        *,
        body: bytes = b"",
        form: Any = None,
        json: Any = None,
    ) -> bytes:
        """Return the bytes of a request; Host, Connection and the body's own headers are added where none are given."""
        usual = {"Host": urlsplit(self.url).netloc, "Connection": "close"}
        if form is not None:
            body, usual["Content-Type"] = urlencode(form, doseq=True).encode(), "application/x-www-form-urlencoded"
        elif json is not None:
            body, usual["Content-Type"] = _dump(json), "application/json"
        if body:
            usual["Content-Length"] = str(len(body))
        given = [*self.headers.items(), *(headers.items() if isinstance(headers, Mapping) else headers)]
        names = {name.lower() for name, _ in given}
        sent = [*((name, value) for name, value in usual.items() if name.lower() not in names), *given]
        head = "".join(f"{name}: {value}\r\n" for name, value in sent)
        return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1", "replace") + body

    def send(self, request: bytes) -> Answer:
        """Send bytes, and look at what comes back."""
        address = urlsplit(self.url)
        with socket.create_connection((address.hostname, address.port), PATIENCE_S) as connection:
            answer = _exchange(connection, request)
        self._look_at(answer, request)
        return answer

    def _look_at(self, answer: Answer, request: bytes) -> None:
        said = f"{answer.headers} {answer.text}"
        assert answer.status < 500 or answer.status == 501, (request[:500], answer)
        assert not INSIDE.search(said), (request[:500], answer)
        if not self.may_see_all and HIDDEN.encode() not in request.lower():
            assert HIDDEN not in said.lower(), (request[:500], answer)


def _dump(value: Any) -> bytes:
    return json.dumps(value).encode()


def _exchange(connection: socket.socket, request: bytes) -> Answer:
    with suppress(OSError):  # it may be refused before its end; then the answer is there
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)  # nobody waits for more
    response = HTTPResponse(connection)
    try:
        response.begin()
        body = response.read()
        rest = response.fp.read() if response.fp else b""
    except (HTTPException, OSError):
        return Answer(0)
    return Answer(response.status, response.getheaders(), body, rest)
