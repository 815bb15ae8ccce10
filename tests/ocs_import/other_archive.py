"""An OCS archive as others run it: it gives what the contract promises, behind a proxy, and sometimes it is busy."""

import json
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.frames_factory import A_FRAME
from tests.posted_frames import NIGHT_PATH, build_version, put_into_store
from tests.services import LOOPBACK

TOKEN = "an admin's"
DATES = {
    "observation_date": "2026-11-01T03:00:00Z",
    "public_date": "2026-11-01T03:00:00Z",
    "observation_day": "2026-11-01",
    "modified": "2026-11-02T00:00:00Z",
}
Record = dict[str, Any]


@dataclass
class OtherArchive:
    """What the archive has, and what it was asked. A header that is a number is the status of the answer."""

    url: str = ""
    listed: list[Record] = field(default_factory=list)
    unlisted: list[Record] = field(default_factory=list)
    headers: dict[int, Any] = field(default_factory=dict)
    thumbnails: dict[int, list[Record]] = field(default_factory=dict)
    forgotten_cursors: set[str] = field(default_factory=set)
    refused_cursors: set[str] = field(default_factory=set)  # 401
    asked: Counter[str] = field(default_factory=Counter)

    def add(self, frame_id: int, basename: str, contents: Sequence[bytes] = (b"pixels",), **fields: Any) -> Record:
        """Add a frame, its newest file first, and put its files into the store as the OCS does."""
        folder = "processed" if fields.get("reduction_level") else "raw"
        versions: list[Record] = []
        for number, content in enumerate(contents, start=1):
            content += basename.encode()
            put_into_store(f"{NIGHT_PATH}/{folder}/{basename}.fits.fz", content)
            created = f"2026-11-0{number + 1}T03:00:00.{frame_id:06}Z"
            versions.insert(0, {"id": frame_id * 10 - number, "created": created} | build_version(content))
        self.headers[frame_id] = fields.pop("headers", A_FRAME["headers"])
        record = {name: value for name, value in A_FRAME.items() if name != "headers"} | DATES
        record |= {"id": frame_id, "basename": basename, "area": None, "related_frames": [], "version_set": versions}
        record |= fields
        (self.listed if versions else self.unlisted).append(record)
        return record

    def answer(self, path: str, query: dict[str, str], host: str) -> tuple[int, Any]:
        """Return the status and the body of an answer."""
        name, *rest = path.strip("/").split("/")
        if name == "profile":
            return 200, {"username": "admin", "profile": {"proposals": []}, "is_staff": True}
        if name != "frames":
            return 403, {"detail": "You do not have permission to perform this action."}
        if not rest:
            return self._list(query, host)
        frame_id = int(rest[0])
        if rest[1:] == ["headers"]:
            header = self.headers[frame_id]
            return (header, {}) if isinstance(header, int) else (200, {"data": header})
        records = (record for record in self.listed + self.unlisted if isinstance(record, dict))
        found = [record for record in records if record.get("id") == frame_id]
        return (200, found[0]) if found else (404, {"detail": "Not found."})

    def _list(self, query: dict[str, str], host: str) -> tuple[int, Any]:
        """Page by cursor, which has no count; `next` has the scheme that the proxy speaks to the archive."""
        if query.get("pagination_style") != "cursor":
            return 200, {"count": len(self.listed), "results": self.listed[:1]}
        assert query["ordering"] == "id"
        if (cursor := query.get("cursor", "")) in self.forgotten_cursors | self.refused_cursors:
            return (400 if cursor in self.forgotten_cursors else 401), {"detail": "Invalid cursor"}
        begin = int(cursor.removeprefix("after=") or 0)
        end = begin + int(query["limit"])
        page = [self._show(record, query) for record in self.listed[begin:end]]
        link = f"https://inner.{host}/frames/?cursor=after%3D{end}&limit={query['limit']}"
        return 200, {"next": link if end < len(self.listed) else None, "previous": None, "results": page}

    def _show(self, record: Any, query: dict[str, str]) -> Any:
        if not isinstance(record, dict):
            return record
        shown = dict(record)
        if query["include_related_frames"] == "false":
            shown.pop("related_frames", None)
        if query["include_thumbnails"] == "true":
            shown["thumbnails"] = self.thumbnails.get(record.get("id"), [])
        return shown


class _Handler(BaseHTTPRequestHandler):
    """Answers each path at first that it is busy, or that it is starting."""

    def do_GET(self) -> None:
        archive: OtherArchive = self.server.archive  # type: ignore[attr-defined]  # the handler knows only its server
        place = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(place.query).items()}
        archive.asked[place.path] += 1
        if archive.asked[place.path] == 1:
            status, said = 429, {"detail": "Request was throttled."}
        elif self.headers.get("Authorization") != f"Token {TOKEN}":
            status, said = 401, {"detail": "Invalid token."}
        else:
            status, said = archive.answer(place.path, query, self.headers["Host"])
        content = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        if status == 429:
            self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args: Any) -> None:
        """Say nothing on the terminal."""


@contextmanager
def other_archive() -> Iterator[OtherArchive]:
    server = ThreadingHTTPServer((LOOPBACK, 0), _Handler)
    archive = OtherArchive(f"http://{LOOPBACK}:{server.server_port}")
    server.archive = archive  # type: ignore[attr-defined]  # the handler knows only its server
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield archive
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
