"""Compression of what is text: JSON, pages, style sheets and scripts; never of files, which are compressed already.

A body that holds a secret beside what somebody else has put into the request tells, by its length, whether the two are
alike (the attack BREACH). That takes a browser that sends requests at another site's word, with its cookie: so what is
asked for with a cookie is compressed only if the browser says that nobody else made it ask, but for the archive's own
style sheet and scripts.
"""

import gzip
import sys
from collections.abc import Callable

from flask import Flask, request
from werkzeug.wrappers import Response

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SMALLEST_BYTES = 2**10  # what is smaller goes in one packet either way
COMPRESSED_TYPES = frozenset(
    {"application/json", "text/html", "text/css", "text/javascript", "text/plain", "image/svg+xml"}
)
OWN_WORDS = frozenset({"same-origin", "none"})  # of Sec-Fetch-Site: a page of ours asked, or the user themself
#: Levels that cost less time than they save on a line of 100 Mbit/s. The best one that the client takes comes first.
ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": lambda data: zstd.compress(data, level=1),
    "gzip": lambda data: gzip.compress(data, compresslevel=2, mtime=0),
}


def register_compression(app: Flask) -> None:
    """Compress answers; this is done last if it is registered before all else that looks at answers."""
    app.after_request(_compress)


def _compress(response: Response) -> Response:
    if response.mimetype not in COMPRESSED_TYPES or "Content-Encoding" in response.headers:
        return response
    response.vary.add("Accept-Encoding")
    encoding = request.accept_encodings.best_match(ENCODINGS)
    if encoding is None or not _may_be_compressed(response):
        return response
    response.direct_passthrough = False
    response.set_data(ENCODINGS[encoding](response.get_data()))
    response.headers["Content-Encoding"] = encoding
    etag, _is_weak = response.get_etag()
    if etag:
        response.set_etag(etag, weak=True)  # the same content, in other bytes
    return response


def _may_be_compressed(response: Response) -> bool:
    is_static = request.endpoint == "static"
    return (
        response.status_code != 206
        and (response.is_sequence or is_static)
        and (is_static or "Cookie" not in request.headers or request.headers.get("Sec-Fetch-Site") in OWN_WORDS)
        and (response.content_length or 0) >= SMALLEST_BYTES
    )
