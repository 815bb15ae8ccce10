"""The application's errors, each with its code and status, and the one place that renders them.

ArchiveError
├── BadRequest               400  a parameter or a body that can't be used
├── NotLoggedIn              401
├── NotAllowed               403
├── NotFound                 404  also for what the viewer may not see
├── TooLarge                 413
├── TooManyRequests          429  until retry_after_s are over
└── Unavailable              503  a part of the archive that is away
"""

import logging
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, jsonify, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from gunicorn.http.errors import ParseException
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException, SecurityError

from app.request_ids import get_request_id
from ocs_archive.storage.filestore import FileStoreConnectionError, FileStoreSpecificationError

log = logging.getLogger(__name__)


class ArchiveError(Exception):
    """An error that is told to whoever asked: its message names the thing and the mend."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    code = "internal"
    retry_after_s: int | None = None

    def __init__(self, message: str, *, code: str | None = None, fields: dict[str, list[Any]] | None = None):
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.fields = fields or {}


class BadRequest(ArchiveError):
    status, code = HTTPStatus.BAD_REQUEST, "bad_request"


class NotLoggedIn(ArchiveError):
    status, code = HTTPStatus.UNAUTHORIZED, "not_logged_in"


class NotAllowed(ArchiveError):
    status, code = HTTPStatus.FORBIDDEN, "not_allowed"


class NotFound(ArchiveError):
    status, code = HTTPStatus.NOT_FOUND, "not_found"


class TooLarge(ArchiveError):
    status, code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large"


class TooManyRequests(ArchiveError):
    status, code = HTTPStatus.TOO_MANY_REQUESTS, "throttled"

    def __init__(self, message: str, *, retry_after_s: int):
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unavailable(ArchiveError):
    status, code = HTTPStatus.SERVICE_UNAVAILABLE, "unavailable"
    retry_after_s = 10  # a part that is away is back by then, or takes long


class SlowBodyError(Exception):
    """A body comes more slowly than the web server waits for."""


HTTP_MESSAGES = {
    HTTPStatus.NOT_FOUND: "There is nothing at this address.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address does not answer to that method.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The request is larger than this address takes.",
}
#: What an answer says by its headers, beside its status.
TELLING_HEADERS = {"Allow", "Content-Range", "Retry-After"}


def wants_html() -> bool:
    """Say whether the answer goes to a browser: one that names HTML, before JSON, in what it accepts."""
    if request.args.get("format") == "json":
        return False
    accepted = request.accept_mimetypes
    return "text/html" in accepted.values() and accepted["text/html"] >= accepted["application/json"]


def register_error_handlers(app: Flask) -> None:
    app.register_error_handler(ArchiveError, _render)
    app.register_error_handler(CSRFError, lambda error: _render(BadRequest(error.description or "", code="csrf")))
    app.register_error_handler(SecurityError, _render_untrusted_host)
    app.register_error_handler(HTTPException, _render_http)
    app.register_error_handler(RecursionError, lambda _: _render(BadRequest("The body is nested too deeply.")))
    app.register_error_handler(ParseException, _render_broken_body)
    app.register_error_handler(SlowBodyError, _render_slow_body)
    app.register_error_handler(OperationalError, _render_database)
    app.register_error_handler(FileStoreConnectionError, _render_store)
    app.register_error_handler(FileStoreSpecificationError, _render_store)
    app.register_error_handler(Exception, _render_unforeseen)


def _render_http(error: HTTPException) -> Response:
    if error.code is None or error.code < HTTPStatus.BAD_REQUEST:  # a redirect
        return make_response(error.get_response())
    status = HTTPStatus(error.code)
    rendered = ArchiveError(HTTP_MESSAGES.get(status, error.description or status.phrase), code=_code(status))
    rendered.status = status
    response = _render(rendered)
    response.headers.update({name: value for name, value in error.get_headers() if name in TELLING_HEADERS})
    return response


def _render_untrusted_host(_error: SecurityError) -> Response:
    """Refuse a Host that TRUSTED_HOSTS does not name, always as JSON: no link of a page could be made."""
    refused = BadRequest("This archive is not served under that host: TRUSTED_HOSTS names those.", code="bad_host")
    return make_response(_render_json(refused), refused.status)


def _render_broken_body(error: ParseException) -> Response:
    """Tell of chunks without a length: gunicorn finds that out only while we read the body."""
    return _render(BadRequest(f"The body of the request can't be read: {error}.", code="broken_body"))


def _render_slow_body(_error: SlowBodyError) -> Response:
    """Answer so that OCS programs send the file again: a 408 they take for a fault of theirs."""
    return _render(Unavailable("The body of the request came too slowly; send it again.", code="slow_body"))


def _render_database(error: OperationalError) -> Response:
    log.error("the database did not answer: %s", error.orig)
    return _render(Unavailable("The archive's database does not answer at the moment; please try again."))


def _render_store(error: Exception) -> Response:
    log.error("the file store failed: %s", error)
    return _render(Unavailable("The archive's file store does not answer; please try again.", code="store_unavailable"))


def _render_unforeseen(error: Exception) -> Response:
    log.exception("unforeseen error at %s %s", request.method, request.path)
    return _render(ArchiveError("Something went wrong inside the archive; its log says what."))


def _render(error: ArchiveError) -> Response:
    response = make_response(_render_page(error) if wants_html() else _render_json(error), error.status)
    if error.status == HTTPStatus.UNAUTHORIZED and response.is_json:
        response.headers["WWW-Authenticate"] = "Token"
    if error.retry_after_s:
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _render_page(error: ArchiveError) -> str:
    facts = {"status": error.status, "title": error.status.phrase, "request_id": get_request_id()}
    return render_template("errors/error.html", error=error, **facts)


def _render_json(error: ArchiveError) -> Response:
    return jsonify({"request_id": get_request_id()} | build_error(error))


def build_error(error: ArchiveError) -> dict[str, Any]:
    """Return the JSON of an error. Field messages stand at the top level: there OCS programs look for them."""
    return {**_shape(error.fields), "detail": error.message, "code": error.code}


def _shape(messages: Any) -> Any:
    """Give the messages on the parts of a list as a list, as OCS programs know them; a part without fault has {}."""
    if not isinstance(messages, dict):
        return messages
    if messages and all(isinstance(key, int) for key in messages):
        return [_shape(messages.get(place, {})) for place in range(max(messages) + 1)]
    return {name: _shape(told) for name, told in messages.items()}


def _code(status: HTTPStatus) -> str:
    return status.phrase.lower().replace(" ", "_").replace("-", "_")
