"""The floor of the bench of searches: a bare WSGI program, with psycopg and orjson, and an empty Flask route.

It answers a question (`bench.floor_statements`), which stands in the address as JSON, with what the archive answers:
the same rows with their files and related frames, the same fields, but its links are not signed. It knows no accounts,
checks nothing, and counts nothing for a list. Each thread keeps a connection.
"""

import datetime as dt
import os
import struct
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote

import flask
import orjson
import psycopg

from app.frames.records import OLD_NAMES
from bench import floor_statements as statements
from bench.floor_statements import FACETS, FRAME_FIELDS, VERSION_FIELDS, Question

EMPTY = "/empty"
RING = struct.Struct("<10d")
WKB_HEADER_BYTES = 13
CONNECTION = "-c timezone=UTC -c jit=off"
AREA = FRAME_FIELDS.index("area")
Record = dict[str, Any]

_threads = threading.local()
_flask = flask.Flask(__name__)


@_flask.get(EMPTY)
def answer_nothing() -> flask.Response:
    """What any route of Flask costs."""
    return flask.Response(b"{}", mimetype="application/json")


def app(environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer a question."""
    if environ["PATH_INFO"] == EMPTY:
        return _flask(environ, start_response)
    question = orjson.loads(unquote(environ["QUERY_STRING"]))
    body = ANSWERS[question["kind"]](question)
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def answer_frame(question: Question) -> bytes:
    row = _fetch(statements.select_one(question["viewer"]), question)[0]
    versions = zip(*row[len(FRAME_FIELDS) : -1], strict=True)
    return _dump(_build_record(row, [_build_version(version) for version in versions], row[-1] or []))


def answer_header(question: Question) -> bytes:
    ((text,),) = _fetch(statements.select_header(question["viewer"]), question)
    return _dump({"data": orjson.Fragment(text)})


def answer_list(question: Question) -> bytes:
    """Answer a page: its ids by one statement, then all that is shown of them in one round trip."""
    by_plan = not statements.UNORDERED.keys().isdisjoint(question)
    select_page = statements.select_page(question, is_plentiful=by_plan and _is_plentiful(question))
    found = _fetch(select_page, question | {"limit": question["limit"] + 1}, prepare=not by_plan)
    ids = [row[0] for row in found[: question["limit"]]]
    records = _show(ids, question) if ids else []
    return _dump({"next": len(found) > len(ids), "previous": None, "results": records})


def answer_count(question: Question) -> bytes:
    return _dump({"count": _fetch(statements.select_count(question["viewer"]), question)[0][0]})


def answer_facets(question: Question) -> bytes:
    statement = statements.select_facets(question, question["days"])
    (values,) = _fetch(statement, question, prepare=False)
    found = {name: [value for value in of if value] for name, of in zip(FACETS, values, strict=True)}
    return _dump(found | {"generated_at": dt.datetime.now(dt.UTC)})


ANSWERS: dict[str, Callable[[Question], bytes]] = {
    "frame": answer_frame,
    "header": answer_header,
    "list": answer_list,
    "count": answer_count,
    "facets": answer_facets,
}


def _is_plentiful(question: Question) -> bool:
    probe = statements.probe(question)
    if probe is None:
        return False
    ((told,),) = _fetch(probe, question, prepare=False)
    number: int = told if isinstance(told, int) else told[0]["Plan"]["Plan Rows"]
    return number >= statements.PLENTY


def _show(ids: list[int], question: Question) -> list[Record]:
    connection, wanted = _connect(), question | {"ids": ids}
    with connection.pipeline():
        rows = connection.cursor(binary=True)
        rows.execute(statements.select_rows(question["viewer"]), _bind(wanted), prepare=True)
        versions = connection.cursor(binary=True)
        versions.execute(statements.select_versions(), wanted, prepare=True)
        related = connection.cursor(binary=True)
        if question["related"]:
            related.execute(statements.select_related(question["viewer"]), _bind(wanted), prepare=True)
        by_id = {row[0]: row for row in rows}
        versions_of, related_of = defaultdict(list), defaultdict(list)
        for frame_id, *version in versions:
            versions_of[frame_id].append(_build_version(version))
        for frame_id, other in related if question["related"] else ():
            related_of[frame_id].append(other)
    return [
        _build_record(by_id[frame_id], versions_of[frame_id], related_of[frame_id] if question["related"] else None)
        for frame_id in ids
    ]


def _build_record(row: Any, versions: list[Record], related: list[int] | None) -> Record:
    record = dict(zip(FRAME_FIELDS, row, strict=False))
    if area := record["area"]:
        ring = RING.unpack_from(area, WKB_HEADER_BYTES)
        corners = [[ra % 360, dec] for ra, dec in zip(ring[::2], ring[1::2], strict=True)]
        record["area"] = {"type": "Polygon", "coordinates": [corners]}
    for version in versions:
        version["url"] = f"/downloads/unsigned-{version['id']}/{record['basename']}{version['extension']}"
    record["version_set"] = versions
    record["filename"] = f"{record['basename']}{versions[0]['extension']}"
    record["url"] = versions[0]["url"]
    if related is not None:
        record["related_frames"] = related
    for old, new in OLD_NAMES.items():
        record[old] = record[new]
    return record


def _build_version(version: Iterable[Any]) -> Record:
    return dict(zip(VERSION_FIELDS, version, strict=True))


def _dump(answer: Any) -> bytes:
    return orjson.dumps(answer, option=orjson.OPT_UTC_Z)


def _fetch(statement: str, question: Question, *, prepare: bool = True) -> list[Any]:
    return _connect().cursor(binary=True).execute(statement, _bind(question), prepare=prepare).fetchall()


def _bind(question: Question) -> Question:
    """Add the parameters that are parts of others."""
    after_time, after_id = question.get("after", (None, None))
    return question | {"own": question["viewer"], "after_time": after_time, "after_id": after_id}


def _connect() -> psycopg.Connection:
    if not hasattr(_threads, "connection"):
        url = os.environ["DATABASE_URL"].replace("postgresql+psycopg:", "postgresql:")
        _threads.connection = psycopg.connect(url, autocommit=True, options=CONNECTION)
    return _threads.connection
