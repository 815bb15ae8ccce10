"""Reads of what the Observation Portal said."""

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.accounts.models import User
from app.extensions import db
from app.portal.models import PortalToken


def find_remembered(token_hash: str) -> PortalToken | None:
    """Return what the portal said of a token, if that still counts, with the user and their proposals."""
    lasts = PortalToken.expires > dt.datetime.now(dt.UTC)
    with_user = joinedload(PortalToken.user).joinedload(User.memberships)
    statement = select(PortalToken).where(PortalToken.token_hash == token_hash, lasts).options(with_user)
    return db.session.scalars(statement).unique().one_or_none()
