"""A night in a browser: what came in, telescope by telescope, and while it goes on, as it comes."""

import datetime as dt

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.viewer import current_viewer
from app.errors import NotFound
from app.extensions import get_config
from app.ingest.queries import list_failures
from app.nights import queries
from app.nights.night import build_night

RETRY_MS = 5000  # so long a browser waits before it asks again: no answer keeps a thread meanwhile
EVENTS = "text/event-stream"

blueprint = Blueprint("nights_views", __name__, url_prefix="/nights")


@blueprint.get("/")
def show_last() -> ResponseReturnValue:
    """The last night that has a frame, or today's."""
    night = queries.find_last_night(current_viewer()) or dt.datetime.now(dt.UTC).date()
    return redirect(url_for("nights_views.show_night", night=night.isoformat()))


@blueprint.get("/<night>")
def show_night(night: str) -> str:
    """One night."""
    viewer, date = current_viewer(), _read_night(night)
    begin = dt.datetime.combine(date, dt.time(), dt.UTC)
    return render_template(
        "nights/night.html",
        date=date,
        science_types=get_config().science_configuration_types,
        night=build_night(queries.list_night(viewer, date)),
        state=queries.find_state(viewer, date),
        before=queries.find_last_night(viewer, before=date),
        after=queries.find_next_night(viewer, after=date),
        failures=list_failures(viewer, begin, begin + dt.timedelta(days=2)) if viewer.is_admin else None,
    )


@blueprint.get("/<night>/changes")
def stream_changes(night: str) -> Response:
    """Whether a night has changed, as server-sent events: one at most, after which the browser asks again."""
    state = queries.find_state(current_viewer(), _read_night(night))
    known = request.headers.get("Last-Event-ID") or request.args.get("since")
    event = "" if state == known else f"event: change\nid: {state}\ndata:\n"
    return Response(f"retry: {RETRY_MS}\n{event}\n", mimetype=EVENTS, headers={"Cache-Control": "no-store"})


def _read_night(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise NotFound(f"“{text}” is no night: write it as 2026-11-20.", code="night_not_found") from None
