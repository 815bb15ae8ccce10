"""Accounts as programs see them: who am I, and a token of mine."""

from typing import Any

import marshmallow as ma
from flask import Blueprint, request

from app.accounts import actions
from app.accounts.throttle import check_log_in
from app.accounts.viewer import current_viewer, require_token
from app.errors import BadRequest
from app.extensions import db
from app.params import parser

blueprint = Blueprint("accounts_api", __name__)

WRONG_CREDENTIALS = "Unable to log in with provided credentials."


class CredentialsSchema(ma.Schema):
    """A user's name and password."""

    username = ma.fields.String(required=True, metadata={"description": "The user's name."})
    password = ma.fields.String(required=True, load_only=True, metadata={"description": "The user's password."})


@blueprint.get("/profile/")
def show_profile() -> dict[str, Any]:
    """Tell who is asking; nobody has an empty name."""
    viewer = current_viewer()
    return {
        "username": viewer.username,
        "profile": {"proposals": sorted(viewer.proposals)},
        "is_staff": viewer.is_admin,
    }


@blueprint.post("/api-token-auth/")
def show_token() -> dict[str, str]:
    """Give the API token of whoever has this name and password."""
    location = "json" if request.is_json else "form"
    credentials = parser.parse(CredentialsSchema(), request, location=location)
    user = check_log_in(**credentials)
    if user is None:
        raise BadRequest(WRONG_CREDENTIALS, code="bad_credentials", fields={"non_field_errors": [WRONG_CREDENTIALS]})
    token = actions.ensure_own_token(user)
    db.session.commit()
    return {"token": token}


@blueprint.post("/revoke_token/")
def replace_token() -> dict[str, str]:
    """End the token that this request carries, and give another in its place."""
    token = actions.replace_token(require_token())
    db.session.commit()
    return {"message": "This token works no more; the new one takes its place.", "token": token}
