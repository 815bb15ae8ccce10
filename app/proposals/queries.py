"""Reads of proposals' members."""

from collections.abc import Sequence

from sqlalchemy import Row, select

from app.accounts.models import ProposalMember, User
from app.extensions import db

Membership = Row[str, str]
"""A proposal's id and a member's name."""


def list_memberships() -> Sequence[Membership]:
    """Return all memberships, by proposal and name."""
    columns = ProposalMember.proposal_id, User.username
    return db.session.execute(select(*columns).join(User).order_by(*columns)).all()
