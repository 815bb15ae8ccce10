"""Embargoes in a browser: the form on a frame's page and on that of the proposals."""

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.viewer import require_admin
from app.embargoes import actions
from app.embargoes.models import Embargo
from app.embargoes.records import describe_extent, describe_outcome
from app.embargoes.schemas import SubjectSchema, build_ruling, load
from app.errors import BadRequest, NotFound
from app.extensions import db

blueprint = Blueprint("embargoes_views", __name__)
blueprint.add_app_template_filter(describe_extent, "ruling_extent")
blueprint.add_app_template_filter(describe_outcome, "ruling_outcome")


@blueprint.post("/embargoes")
def rule() -> ResponseReturnValue:
    """Set or clear the public date of a frame, or of a proposal's frames."""
    viewer = require_admin()
    try:
        ruling = _rule(viewer.username)
    except (BadRequest, NotFound) as refused:
        flash(refused.message, "bad")
    else:
        db.session.commit()
        flash(f"{describe_outcome(ruling).capitalize()} ({describe_extent(ruling)}).", "good")
    return redirect(_find_page())


def _rule(username: str) -> Embargo:
    asked = load(SubjectSchema(), request.form)
    ruling = build_ruling(request.form, stands=asked["change"] == "set", username=username)
    if asked["subject"] == "frame":
        return actions.rule_on_frame(asked["frame_id"], ruling)
    return actions.rule_on_proposal(asked["proposal"], ruling)


def _find_page() -> str:
    """Return the address of the page on which the form stands."""
    frame_id = request.form.get("frame_id", type=int)
    if frame_id is None:
        return url_for("proposals_views.show_proposals")
    return url_for("frames_views.show_frame", frame_id=frame_id)
