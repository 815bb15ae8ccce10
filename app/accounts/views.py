"""Logging in and out."""

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from app.accounts.queries import find_user_by_password
from app.accounts.viewer import SESSION_USER_ID
from app.fields import CONTROL_CHARACTERS

blueprint = Blueprint("accounts", __name__)


@blueprint.get("/login")
def login() -> str:
    """The form."""
    return render_template("accounts/login.html", next=_own_address(request.args.get("next", "")), error="")


@blueprint.post("/login")
def log_in() -> ResponseReturnValue:
    """Begin a session. The old one ends first, so that nobody can plant theirs."""
    username, password = request.form.get("username", ""), request.form.get("password", "")
    destination = _own_address(request.form.get("next", ""))
    user = find_user_by_password(username, password)
    if user is None:
        error = "This name and password don't go together."
        return render_template("accounts/login.html", next=destination, username=username, error=error), 401
    session.clear()
    session[SESSION_USER_ID] = user.id
    return redirect(destination)


@blueprint.post("/logout")
def logout() -> ResponseReturnValue:
    """End the session."""
    session.clear()
    flash("You are logged out.")
    return redirect(url_for("frames_views.search"))


def _own_address(address: str) -> str:
    """Return a path of this server; anything else would let a link lead a user away."""
    is_own = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if is_own and not CONTROL_CHARACTERS.search(address) else url_for("frames_views.search")
