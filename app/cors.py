"""Cross-origin requests: pages of other sites may use the JSON API, as whoever their own token says, or as anybody.

Cookies are not part of it: to any origin a browser gives no answer that was asked for with them.
"""

from flask import Flask, request
from werkzeug.wrappers import Response

ALLOWED_HEADERS = "Authorization, Content-Type, If-None-Match"
EXPOSED_HEADERS = "Content-Disposition, Content-Length, ETag, Location, Retry-After, X-Request-Id"
PREFLIGHT_LIFE_S = 86400


def register_cors(app: Flask) -> None:
    app.after_request(_add_headers)


def _add_headers(response: Response) -> Response:
    is_preflight = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
    if is_preflight:
        response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "GET")
        response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
        response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_LIFE_S)
    is_page = response.mimetype == "text/html" and not 300 <= response.status_code < 400  # a redirect leads to a file
    if is_preflight or not is_page:
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
    return response
