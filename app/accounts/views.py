"""Logging in and out, and one's own account: its password, API tokens and sessions."""

import datetime as dt
from http import HTTPStatus
from typing import Any

import marshmallow as ma
from flask import Blueprint, current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from app.accounts import actions, queries
from app.accounts.models import Scope, User
from app.accounts.passwords import check_password
from app.accounts.throttle import check_log_in
from app.accounts.viewer import SESSION_KEY, require_session
from app.addresses import own_address
from app.carts.actions import hand_over_cart, name_cookie
from app.errors import BadRequest
from app.extensions import db, get_config
from app.fields import Word

LONGEST_DAYS = 3650

blueprint = Blueprint("accounts", __name__)


class NewTokenSchema(ma.Schema):
    """The form of a new token."""

    class Meta:
        unknown = ma.EXCLUDE  # csrf_token

    name = Word(required=True, validate=ma.validate.Length(1))
    scope = ma.fields.Enum(Scope, by_value=True, required=True)
    days = ma.fields.Integer(load_default=None, allow_none=True, validate=ma.validate.Range(1, LONGEST_DAYS))

    @ma.pre_load
    def drop_blank(self, form: Any, **_kwargs: Any) -> dict[str, str]:
        """A field that was left empty says nothing."""
        return {name: value for name, value in form.items() if value.strip()}


@blueprint.get("/login")
def login() -> str:
    """The form."""
    return render_template("accounts/login.html", next=own_address(request.args.get("next", "")), error="")


@blueprint.post("/login")
def log_in() -> ResponseReturnValue:
    """Begin a session. The old one ends first, so that nobody can plant theirs."""
    username, password = request.form.get("username", ""), request.form.get("password", "")
    destination = own_address(request.form.get("next", ""))
    user = check_log_in(username, password)
    if user is None:
        error = "This name and password don't go together."
        return render_template("accounts/login.html", next=destination, username=username, error=error), 401
    begin_browser_session(user)
    return redirect(destination)


@blueprint.post("/logout")
def logout() -> ResponseReturnValue:
    """End the session."""
    if SESSION_KEY in session:
        actions.end_session(session[SESSION_KEY])
        db.session.commit()
    session.clear()
    flash("You are logged out.")
    return redirect(url_for("frames_views.search"))


@blueprint.get("/account")
def show_account() -> str:
    """One's own account."""
    return _render_account(require_session())


@blueprint.post("/account/log-out-everywhere")
def log_out_everywhere() -> ResponseReturnValue:
    """End all of one's sessions, this one too."""
    actions.end_sessions(require_session())
    return logout()


@blueprint.post("/account/password")
def change_password() -> ResponseReturnValue:
    """Change one's password: sessions elsewhere end, this one begins anew."""
    user = require_session()
    old, new, again = (request.form.get(name, "") for name in ("old_password", "new_password", "again"))
    if check_log_in(user.username, old) is None:
        return _refuse(user, "old_password", "This is not your password.")
    try:
        check_password(new, user.username)
    except BadRequest as refused:
        return _refuse(user, "new_password", refused.message)
    if new != again:
        return _refuse(user, "again", "This is not the same as the new password.")
    actions.set_password(user, new)
    begin_browser_session(user)
    flash("Your password is changed, and your other sessions are ended.", "good")
    return redirect(url_for("accounts.show_account"))


@blueprint.post("/account/tokens")
def create_token() -> ResponseReturnValue:
    """Make an API token, and show it this once."""
    user = require_session()
    try:
        wanted = NewTokenSchema().load(request.form)
    except ma.ValidationError as error:
        return _render_account(user, errors=error.messages_dict), HTTPStatus.BAD_REQUEST
    if user.is_from_portal and get_config().oauth_profile_url:
        return _refuse(user, "name", "Use your API token of the Observation Portal: it works here, too.")
    if wanted["scope"] is not Scope.READ and not user.is_admin:
        return _refuse(user, "scope", "Only an operator may make such a token.")
    expires = dt.datetime.now(dt.UTC) + dt.timedelta(days=wanted["days"]) if wanted["days"] else None
    try:
        made = actions.create_token(user, wanted["name"], wanted["scope"], expires)
    except BadRequest as refused:
        return _refuse(user, "name", refused.message)
    db.session.commit()
    return _render_account(user, made=made), HTTPStatus.CREATED


@blueprint.post("/account/tokens/<int:token_id>/revoke")
def revoke_token(token_id: int) -> ResponseReturnValue:
    """End one of one's tokens."""
    name = actions.revoke_token(require_session(), token_id)
    db.session.commit()
    flash(f"The token “{name}” works no more.", "good")
    return redirect(url_for("accounts.show_account"))


def begin_browser_session(user: User) -> None:
    """Begin a session in this browser, whatever there was before, and commit."""
    expires = dt.datetime.now(dt.UTC) + current_app.permanent_session_lifetime
    key = actions.begin_session(user, request.user_agent.string, expires)
    hand_over_cart(request.cookies.get(name_cookie(), ""), user)
    db.session.commit()
    session.clear()
    session[SESSION_KEY] = key


def _refuse(user: User, field: str, message: str) -> ResponseReturnValue:
    return _render_account(user, errors={field: [message]}), HTTPStatus.BAD_REQUEST


def _render_account(user: User, *, made: str = "", errors: dict[str, list[str]] | None = None) -> str:
    return render_template(
        "accounts/account.html",
        user=user,
        tokens=queries.list_tokens(user),
        sessions=queries.list_sessions(user),
        own_key_hash=queries.hash_secret(session[SESSION_KEY]),
        scopes=list(Scope) if user.is_admin else [Scope.READ],
        made=made,
        values=request.form if errors else {},
        errors=errors or {},
        now=dt.datetime.now(dt.UTC),
    )
