"""Proposals' members, as an operator keeps them in a browser."""

from itertools import groupby
from operator import attrgetter

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.viewer import require_admin, require_operator
from app.embargoes.queries import list_proposals_rulings
from app.errors import BadRequest, NotFound
from app.extensions import db
from app.proposals import actions, queries

blueprint = Blueprint("proposals_views", __name__)


@blueprint.get("/proposals")
def show_proposals() -> str:
    """The proposals that have members, and these."""
    require_operator()
    memberships = groupby(queries.list_memberships(), attrgetter("proposal_id"))
    members = {proposal_id: [member.username for member in found] for proposal_id, found in memberships}
    return render_template("proposals/proposals.html", members=members, rulings=list_proposals_rulings())


@blueprint.post("/proposals/members")
def add_member() -> ResponseReturnValue:
    """Make a user a member of a proposal."""
    require_admin()
    proposal_id, username = (request.form.get(name, "").strip() for name in ("proposal_id", "username"))
    try:
        actions.add_member(proposal_id, username)
    except (BadRequest, NotFound) as refused:
        flash(refused.message, "bad")
    else:
        db.session.commit()
        flash(f"{username} sees the frames of {proposal_id} now.", "good")
    return redirect(url_for("proposals_views.show_proposals"))


@blueprint.post("/proposals/members/remove")
def remove_member() -> ResponseReturnValue:
    """End a membership."""
    require_admin()
    proposal_id, username = (request.form.get(name, "") for name in ("proposal_id", "username"))
    try:
        actions.remove_member(proposal_id, username)
    except NotFound as refused:  # somebody else was quicker
        flash(refused.message, "warn")
    else:
        db.session.commit()
        flash(f"{username} sees only what is public of {proposal_id} now.", "good")
    return redirect(url_for("proposals_views.show_proposals"))
