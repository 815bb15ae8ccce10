"""The permission matrix: every viewer at every address, about every frame, and not a byte of what is hidden."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.downloads.actions import redeem_link, redeem_thumbnail_link
from tests.access.rows import ROWS, Row, Who
from tests.access.stock import KINDS, MISSING, OTHERS, PUBLIC, VIEWERS, Archive, Viewer

EITHER_WAY = {"HEAD", "OPTIONS"}  # a GET's, and what Flask answers by itself
SIGNED_TOKEN = re.compile(r"/(downloads|pictures)/([\w-]+\.[\w.-]+)/")
REDEEM = {"downloads": redeem_link, "pictures": redeem_thumbnail_link}
COMPARED = {"", OTHERS}  # one hidden frame is enough
CHANGING = re.compile(r'name="csrf_token" value="[^"]*"')


@dataclass(frozen=True)
class Cell:
    """A viewer's request by one row of the table, about one frame if it is of one."""

    archive: Archive
    client: FlaskClient
    name: str
    method: str
    row: Row
    kind: str

    @property
    def viewer(self) -> Viewer:
        return VIEWERS[self.name]

    def __str__(self) -> str:
        return f"{self.name}: {self.method} {self.path} {self.row.json or ''} {self.kind}"

    @property
    def wanted(self) -> int:
        return self.row.expect(self.viewer, self.kind)

    @property
    def path(self) -> str:
        return self._fill_in(self.row.path)

    def send(self, method: str = "", beyond: int = 0) -> TestResponse:
        """Ask; `beyond` asks for numbers that nothing has."""
        return self.client.open(
            self._fill_in(self.row.path, beyond),
            method=method or self.method,
            json=_deep(self.row.json, lambda text: self._fill_in(text, beyond)),
            data=self.row.form,
            headers={**self.archive.headers[self.name], **(self.row.headers or {})},
        )

    def find_faults(self) -> Iterator[str]:
        """Ask, and tell what is wrong with the answer."""
        answer = self.send()
        if answer.status_code != self.wanted:
            yield f"{answer.status_code} instead of {self.wanted}: {answer.text[:300]}"
        if leaks := self._find_leaks(answer):
            yield f"leaks {leaks}: {answer.data[:2000]!r}"
        if self.method == "GET" and self.kind in COMPARED and self.row.who is not Who.ANYBODY:
            yield from self._compare(answer)
        if answer.status_code == HTTPStatus.OK and self.row.who is Who.HOLDERS:  # it has ended the token
            self.archive.headers[self.name] = {"Authorization": f"Token {answer.json['token']}"}

    def _find_leaks(self, answer: TestResponse) -> list[str]:
        asked = f"{self.path} {self.row.json} {self.row.form}"
        asked += f" {self.archive.ids[self.kind]}" if self.kind else ""
        asked += f" {self.archive.ids[self.row.written]}" if self.row.written else ""
        text = answer.data.decode("latin-1")
        told = f"{answer.headers} {text}".replace(answer.headers["X-Request-Id"], "")  # random: it may have any digits
        leaks = self.archive.find_leaks(told, self.name, asked)
        with self.archive.app.app_context():
            granted = {str(REDEEM[kind](token)) for kind, token in SIGNED_TOKEN.findall(text)}
        return leaks + self.archive.find_leaks(" ".join(granted), self.name, "")

    def _compare(self, answer: TestResponse) -> Iterator[str]:
        """A HEAD tells what the GET does, and a hidden frame is like one that is not there."""
        head = self.send("HEAD")
        if (head.status_code, head.data) != (answer.status_code, b""):
            yield f"HEAD: {head.status_code} {head.data!r}"
        if self.kind in self.viewer.hidden:
            other = self.send(beyond=MISSING)
            if _normalize(self, answer, 0) != _normalize(self, other, MISSING):
                yield f"unlike what is not there: {answer.text!r} and {other.text!r}"

    def _fill_in(self, pattern: str, beyond: int = 0) -> str:
        return self.archive.fill_in(pattern, self.kind or KINDS[0], beyond)


def _deep(value: Any, change: Any) -> Any:
    """Change every text in a JSON value."""
    if isinstance(value, dict):
        return {name: _deep(part, change) for name, part in value.items()}
    if isinstance(value, list):
        return [_deep(part, change) for part in value]
    return change(value) if isinstance(value, str) else value


def _normalize(cell: Cell, answer: TestResponse, beyond: int) -> Any:
    """Return an answer without the numbers that were asked for, and what differs each time."""
    text = CHANGING.sub("", answer.text.replace(answer.headers["X-Request-Id"], ""))
    for number in (2, 1, 0):  # the last one's digits are in the others
        text = text.replace(str(cell.archive.ids[cell.kind] + number * 10**9 + beyond), "N")
    headers = {name for name, _ in answer.headers}
    return answer.status_code, headers, text


def list_cells(archive: Archive, viewer: str, endpoint: str, method: str) -> list[Cell]:
    """List the requests of a row; of several frames that nothing of is shown to a viewer, two are enough."""
    client, kinds = archive.make_client(viewer), KINDS if VIEWERS[viewer].is_known else (PUBLIC, OTHERS)
    return [
        Cell(archive, client, viewer, method, row, kind)
        for row in ROWS[endpoint, method]
        for kind in (kinds if row.is_of_a_frame else ("",))
        if kind not in row.not_shown or kind in VIEWERS[viewer].hidden
    ]


def test_no_route_is_without_a_row(archive: Archive) -> None:
    routes = {
        (rule.endpoint, method)
        for rule in archive.app.url_map.iter_rules()
        for method in (rule.methods or set()) - EITHER_WAY
    }
    assert routes == ROWS.keys()


@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize(("endpoint", "method"), ROWS)
def test_matrix(archive: Archive, endpoint: str, method: str, viewer: str) -> None:
    with archive.at_its_time(viewer):
        cells = list_cells(archive, viewer, endpoint, method)
        may_change = method == "GET" or any(cell.wanted < HTTPStatus.BAD_REQUEST for cell in cells)
        before = {} if may_change else archive.dump()
        faults = [f"{cell}: {fault}" for cell in cells for fault in cell.find_faults()]
        after = {} if may_change else archive.dump()
        faults += [f"changed {table}" for table in before if before[table] != after[table]]
    assert not faults, "\n".join(faults)
