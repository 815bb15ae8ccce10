"""The id of each HTTP request, the client's own or a new one: its answer, errors, logs and jobs carry it."""

import re
import uuid
from typing import Any

from flask import Flask
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

HEADER = "X-Request-Id"
SANE = re.compile(r"[\w.:=/+-]{1,64}", re.ASCII)


def follow_requests(app: Flask) -> None:
    """Give each request to an application its id, and tell it by the header X-Request-Id of the answer."""
    inner = app.wsgi_app

    def wsgi_app(environ: Any, start_response: Any) -> Any:
        request_id = choose_request_id(environ.get("HTTP_X_REQUEST_ID", ""))
        clear_contextvars()  # this thread may have had another request before
        bind_contextvars(request_id=request_id)

        def start_answer(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            return start_response(status, [*headers, (HEADER, request_id)], *error)

        return inner(environ, start_answer)

    app.wsgi_app = wsgi_app  # type: ignore[method-assign]  # Flask's documented way to wrap an application


def choose_request_id(sent: str) -> str:
    """Return the id that a client or a proxy sent, if it is short and plain, else a new one."""
    return sent if SANE.fullmatch(sent) else uuid.uuid4().hex


def get_request_id() -> str:
    """Return the id of the request that is being answered; empty outside one."""
    request_id: str = get_contextvars().get("request_id", "")
    return request_id
