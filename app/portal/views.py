"""Logging in at the Observation Portal, in a browser."""

import hmac
from dataclasses import asdict

from flask import Blueprint, current_app, flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from app.accounts.models import User
from app.accounts.views import begin_browser_session
from app.addresses import own_address
from app.errors import NotFound, NotLoggedIn
from app.extensions import get_config
from app.portal.actions import find_user_by_log_in
from app.portal.client import Portal
from app.portal.login import Attempt, LogIn

ATTEMPT_KEY = "portal_log_in"

blueprint = Blueprint("portal", __name__)


@blueprint.get("/login/portal")
def begin() -> ResponseReturnValue:
    """Lead the browser to the portal."""
    portal, log_in = _get_log_in()
    address, attempt = log_in.begin(portal, _own_callback())
    session[ATTEMPT_KEY] = asdict(attempt) | {"next": own_address(request.args.get("next", ""))}
    return redirect(address)


@blueprint.get("/login/portal/callback")
def finish() -> ResponseReturnValue:
    """Begin a session for whoever comes back from the portal, logged in."""
    kept = session.pop(ATTEMPT_KEY, {})
    destination = kept.pop("next", "")
    try:
        user = _find_user(kept)
    except NotLoggedIn as refused:
        flash(refused.message, "bad")
        return redirect(url_for("accounts.login", next=destination or None))
    begin_browser_session(user)
    return redirect(destination)


def _find_user(kept: dict[str, str]) -> User:
    """Return who comes back, if it is the browser that was sent, and the portal says who they are."""
    state = request.args.get("state", "")
    if not kept or not hmac.compare_digest(kept["state"].encode(), state.encode()):
        raise NotLoggedIn("This log-in was not begun in this browser, or not lately. Please begin again.")
    if not request.args.get("code"):
        raise NotLoggedIn("The Observation Portal has not logged you in.")
    portal, log_in = _get_log_in()
    profile = log_in.finish(portal, _own_callback(), Attempt(**kept), request.args["code"])
    user = find_user_by_log_in(profile)
    if user is None:
        raise NotLoggedIn("Your account at this archive is switched off; its operators know why.")
    return user


def _get_log_in() -> tuple[Portal, LogIn]:
    if not get_config().offers_portal_log_in:
        raise NotFound("One can't log in to this archive by a portal.")
    return current_app.extensions["portal"], current_app.extensions["portal_log_in"]


def _own_callback() -> str:
    return url_for("portal.finish", _external=True)
