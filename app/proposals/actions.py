"""Writes of proposals' members. The caller commits."""

from sqlalchemy import delete

from app.accounts.models import ProposalMember
from app.accounts.queries import get_user
from app.errors import BadRequest, NotFound
from app.extensions import db, insert_for_dialect
from app.fields import CONTROL_CHARACTERS, LONGEST_TEXT


def add_member(proposal_id: str, username: str) -> None:
    """Let a user see a proposal's frames before they are public; nothing happens if they may already.

    Raises
    ------
    BadRequest, NotFound
        If no proposal is called so, or no user; or if the Observation Portal says which are theirs.
    """
    if not proposal_id or len(proposal_id) > LONGEST_TEXT or CONTROL_CHARACTERS.search(proposal_id):
        raise BadRequest(f"{proposal_id!r} is no proposal's id.", code="bad_proposal")
    user = get_user(username)
    if user.is_from_portal:
        raise BadRequest(f"The Observation Portal says which proposals are {username}'s: add it there.", code="portal")
    member = {"user_id": user.id, "proposal_id": proposal_id}
    db.session.execute(insert_for_dialect(ProposalMember).on_conflict_do_nothing(), member)


def remove_member(proposal_id: str, username: str) -> None:
    """End a membership.

    Raises
    ------
    NotFound
        If there is no such user, or they are no member.
    """
    user = get_user(username)
    whose = ProposalMember.user_id == user.id, ProposalMember.proposal_id == proposal_id
    if not db.session.scalars(delete(ProposalMember).where(*whose).returning(ProposalMember.user_id)).all():
        raise NotFound(f"{username} is no member of {proposal_id}.", code="member_not_found")
