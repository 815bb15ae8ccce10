"""What every page has: who is looking, the archive's name, how values are written, and what it may load."""

import datetime as dt
import math
from typing import Any

from flask import Flask, request
from sqlalchemy.exc import OperationalError
from werkzeug.wrappers import Response

from app.accounts.viewer import ANONYMOUS, current_viewer
from app.addresses import address_with
from app.errors import ArchiveError
from app.extensions import get_config
from app.preferences import COOKIE, Preferences, read_preferences
from app.settings import PRODUCTION
from app.times import format_utc

POLICY = {
    "default-src": "'none'",
    "img-src": "'self'",
    "style-src": "'self'",
    "script-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
HSTS = f"max-age={365 * 86400}"
MJD_OF_1970 = 40587
SIZE_UNITS = ("B", "kB", "MB", "GB", "TB")


def register_pages(app: Flask) -> None:
    app.context_processor(_describe_page)
    app.template_filter("utc")(format_utc)
    app.template_filter("mjd")(format_mjd)
    app.template_filter("filesize")(format_size)
    app.template_filter("grouped")(format_count)
    app.after_request(_add_headers)


def build_policy(more: dict[str, str]) -> str:
    """Write the Content-Security-Policy of a page that may load more than others, by directive."""
    return "; ".join(f"{name} {sources}" for name, sources in (POLICY | more).items())


def format_size(size: int | None) -> str:
    """Write a number of bytes with three digits."""
    if size is None:
        return ""
    power = min(int(math.log10(max(size, 1)) // 3), len(SIZE_UNITS) - 1)
    return f"{size / 1000**power:.3g} {SIZE_UNITS[power]}"


def format_count(count: int) -> str:
    """Write a number with its digits in groups of three."""
    return f"{count:,}".replace(",", "\u202f")


def current_preferences() -> Preferences:
    """Return what whoever asks likes."""
    return read_preferences(request.cookies.get(COOKIE, ""))


def format_mjd(time: dt.datetime | None) -> str:
    """Write a time as a Modified Julian Date, in days of UTC, to about a second."""
    return f"{time.timestamp() / 86400 + MJD_OF_1970:.5f}" if time else ""


def _describe_page() -> dict[str, Any]:
    return {
        "viewer": _viewer_if_known(),
        "archive_name": get_config().archive_name,
        "address_with": address_with,
        "preferences": current_preferences(),
    }


def _viewer_if_known() -> Any:
    """Return who looks; an error page must not fail because of whoever it can't make out."""
    try:
        return current_viewer()
    except (ArchiveError, OperationalError):
        return ANONYMOUS


def _add_headers(response: Response) -> Response:
    there = {name.lower() for name, _ in response.headers}
    for_others = "access-control-allow-origin" in there
    wanted = SECURITY_HEADERS | {
        "Content-Security-Policy": build_policy({}),
        "Cross-Origin-Resource-Policy": "cross-origin" if for_others else "same-origin",
    }
    if get_config().environment == PRODUCTION and request.is_secure:
        wanted["Strict-Transport-Security"] = HSTS
    if request.endpoint != "static":  # all else depends on who asks, even if it is nobody, and on the time
        response.vary.update(("Accept", "Authorization", "Cookie"))
        wanted["Cache-Control"] = "private, no-cache"
    response.headers.extend([(name, value) for name, value in wanted.items() if name.lower() not in there])
    return response
