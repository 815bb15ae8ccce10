"""Where the time of a request goes: each statement that it sends, and what the database says of that."""

import time
from typing import Any

from flask import Flask
from sqlalchemy import event, text

from app.extensions import db
from bench.http_client import Request

TOLD = 160  # characters of a statement
WARM_UPS = 2


def explain(app: Flask, request: Request) -> dict[str, Any]:
    """Answer a request in this process, once more with its statements noted, and explain those.

    Returns
    -------
    dict
        ``total_ms`` of the request, and ``statements``: of each its ``sql``, its ``ms`` with the round trip and the
        fetching of the first row, and the ``plan`` with buffers, where it is PostgreSQL's.
    """
    noted: list[tuple[str, Any, float]] = []

    def begin(connection: Any, _cursor: Any, _statement: str, _parameters: Any, _context: Any, _many: bool) -> None:
        connection.info["begin_s"] = time.perf_counter()

    def end(connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        noted.append((statement, parameters, (time.perf_counter() - connection.info["begin_s"]) * 1000))

    headers = dict(line.split(": ", 1) for line in request.headers.splitlines())
    client = app.test_client()
    for _ in range(WARM_UPS):
        client.get(request.path, headers=headers, base_url="http://127.0.0.1")
    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", begin)
    event.listen(engine, "after_cursor_execute", end)
    begin_s = time.perf_counter()
    client.get(request.path, headers=headers, base_url="http://127.0.0.1")
    total_ms = (time.perf_counter() - begin_s) * 1000
    event.remove(engine, "before_cursor_execute", begin)
    event.remove(engine, "after_cursor_execute", end)
    with app.app_context():
        statements = [_explain(*each) for each in noted]
    return {"path": request.path, "total_ms": round(total_ms, 1), "statements": statements}


def _explain(statement: str, parameters: Any, took_ms: float) -> dict[str, Any]:
    told = {"sql": " ".join(statement.split())[:TOLD], "ms": round(took_ms, 1)}
    if db.engine.dialect.name != "postgresql" or not statement.lstrip().upper().startswith(("SELECT", "WITH")):
        return told
    with db.engine.connect() as connection:
        connection.execute(text("SET LOCAL jit = off"))
        explained = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS) {statement}", parameters)
        return told | {"plan": [line for (line,) in explained]}
