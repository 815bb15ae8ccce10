"""How many requests each viewer may send: a user, by whatever token or session, or an address without log-in."""

import datetime as dt
from typing import cast

from flask import Flask, current_app, request
from limits import RateLimitItem
from sqlalchemy.exc import OperationalError

from app.accounts.viewer import ANONYMOUS, Viewer, current_viewer
from app.addresses import find_client_network
from app.counters import Counters
from app.errors import NotLoggedIn, TooManyRequests, Unavailable
from app.extensions import get_config
from app.times import format_utc

#: Requests that nobody counts: ways in, log-ins and what belongs to an account, what monitors ask, documentation.
FREE_BLUEPRINTS = frozenset(
    {"accounts", "accounts_api", "ingest_api", "ingest_views", "monitoring", "openapi_api", "openapi_views", "portal"}
)
#: What pages consist of, and files by links: the page and the record that had the links were counted.
FREE_ENDPOINTS = frozenset({"static", "downloads.download", "downloads.show_thumbnail", "frames_views.show_preview"})
#: What telescopes and pipelines need to send a frame, and is counted for others.
INGEST_ENDPOINTS = frozenset({"frames_api.post_frame", "thumbnails_api.post_thumbnail", "versions_api.list_versions"})


def register_limits(app: Flask) -> None:
    app.before_request(_count_request)


def is_counted(endpoint: str) -> bool:
    """Say whether requests to an endpoint are counted; whatever is not named as free is."""
    return endpoint not in FREE_ENDPOINTS and endpoint.partition(".")[0] not in FREE_BLUEPRINTS


def get_counters() -> Counters:
    return cast(Counters, current_app.extensions["counters"])


def require_below(limit: RateLimitItem, key: str, message: str, *, counts: bool = True) -> None:
    """Let a request through that a limit allows.

    Parameters
    ----------
    message
        What whoever sent too many is told; when the next is answered is added to it.
    counts
        Whether this request counts; else it is only checked against those that did.

    Raises
    ------
    TooManyRequests
    """
    counters = get_counters()
    if counters.hit(limit, key) if counts else counters.test(limit, key):
        return
    wait_s = counters.find_wait_s(limit, key)
    then = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=wait_s)
    raise TooManyRequests(f"{message} Try again after {format_utc(then)} UTC.", retry_after_s=wait_s)


def describe(limit: RateLimitItem) -> str:
    """Write a limit's number and its time."""
    time = f"{limit.multiples} {limit.GRANULARITY.name}s" if limit.multiples > 1 else f"a {limit.GRANULARITY.name}"
    return f"{limit.amount:,} requests within {time}"


def _count_request() -> None:
    if request.endpoint is None or request.method == "OPTIONS" or not is_counted(request.endpoint):
        return
    try:
        viewer = current_viewer()
    except NotLoggedIn:  # a token that nobody knows
        viewer = ANONYMOUS
    except (Unavailable, OperationalError):  # who it is can't be known now, which the view will say
        return
    if not _is_free(viewer):
        _count(viewer)


def _is_free(viewer: Viewer) -> bool:
    return viewer.is_admin or (viewer.may_ingest and request.endpoint in INGEST_ENDPOINTS)


def _count(viewer: Viewer) -> None:
    config = get_config()
    if not viewer.is_anonymous and config.rate_limit_user:
        message = f"{viewer.username} has sent more than {describe(config.rate_limit_user)}."
        require_below(config.rate_limit_user, f"user {viewer.user_id}", message)
    elif viewer.is_anonymous and config.rate_limit_anonymous:
        more = f"; with a log-in or a token, {describe(config.rate_limit_user)}" if config.rate_limit_user else ""
        message = (
            "More requests have come from your address than the archive answers to those who are not logged in: "
            f"{describe(config.rate_limit_anonymous)}{more}."
        )
        require_below(config.rate_limit_anonymous, f"address {find_client_network()}", message)
