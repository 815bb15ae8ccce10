"""Who the Observation Portal says somebody is: asked, written down as one of our users, and remembered.

What is written is committed at once, on a connection of its own: it holds whatever becomes of the request.
"""

import datetime as dt
import re
from collections.abc import Collection

from flask import current_app
from sqlalchemy import Delete, delete, select
from sqlalchemy.orm import Session

from app.accounts.models import ProposalMember, User
from app.accounts.queries import hash_secret, is_own_token
from app.errors import NotLoggedIn
from app.extensions import db, get_config, insert_for_dialect
from app.portal.client import Portal
from app.portal.models import PortalToken
from app.portal.queries import find_remembered
from app.portal.schemas import Profile

#: As RFC 6750 writes tokens; with anything else nobody need be asked.
TOKEN = re.compile(r"[\w.~+/-]{1,4096}=*", re.ASCII)
SCHEMES = {"token": "Token", "bearer": "Bearer"}
REFUSAL_LIFE_S = 60
NAME_TAKEN = "name_taken"


def find_user_by_portal_token(scheme: str, token: str) -> User | None:
    """Return whose a token is that the portal gave; None if it is nobody's, or the archive has no portal.

    Parameters
    ----------
    scheme
        Of the Authorization header, `Token` or `Bearer`: the portal knows its own API tokens by the one, those of
        OAuth by the other.

    Raises
    ------
    PortalAwayError
        If the portal must be asked, and does not answer.
    NotLoggedIn
        If it is the token of somebody whose name a local account has.
    """
    portal: Portal = current_app.extensions["portal"]
    if not portal.profile_url or scheme.lower() not in SCHEMES or not TOKEN.fullmatch(token):
        return None
    authorization = f"{SCHEMES[scheme.lower()]} {token}"
    known = find_remembered(hash_secret(authorization))
    if known is None and is_own_token(token):  # it has ended
        return None
    known = known or _ask(portal, authorization)
    if known.refusal == NAME_TAKEN:
        raise _build_name_taken()
    return known.user if known.user and not known.user.is_disabled else None


def save_user(session: Session, profile: Profile) -> User | None:
    """Write down whom the portal knows, with their proposals of now; None if a local account has the name.

    A portal must not be able to take over an account that it did not make.
    """
    user = _lock_user(session, profile.username)
    if not user.is_from_portal:
        return None
    user.is_admin = profile.is_staff
    _replace_proposals(session, user, profile.proposals)
    return user


def find_user_by_log_in(profile: Profile) -> User | None:
    """Return the user who has logged in at the portal; None if their account here is switched off. The caller commits.

    Raises
    ------
    NotLoggedIn
        If a local account has their name.
    """
    user = save_user(db.session(), profile)
    if user is None:
        raise _build_name_taken()
    return None if user.is_disabled else user


def _build_name_taken() -> NotLoggedIn:
    return NotLoggedIn(
        "This archive has an account of its own with the name that you have at the Observation Portal. An operator can "
        "hand it over to you: “flask … user hand-to-portal”.",
        code=NAME_TAKEN,
    )


def _ask(portal: Portal, authorization: str) -> PortalToken:
    """Ask the portal, unless another request has, while this one waited for its turn."""
    token_hash = hash_secret(authorization)
    with portal.turns.take():
        known = find_remembered(token_hash)
        if known is None:
            _remember(token_hash, portal.find_profile(authorization))
    return known or db.session.get_one(PortalToken, token_hash)


def _remember(token_hash: str, profile: Profile | None) -> None:
    now = dt.datetime.now(dt.UTC)
    with Session(db.engine) as session, session.begin():
        user = save_user(session, profile) if profile else None
        refusal = "" if user else NAME_TAKEN if profile else "unknown"
        life_s = get_config().auth_cache_seconds if user else min(REFUSAL_LIFE_S, get_config().auth_cache_seconds)
        said = {
            "user_id": user.id if user else None,
            "refusal": refusal,
            "expires": now + dt.timedelta(seconds=life_s),
        }
        statement = insert_for_dialect(PortalToken).values(token_hash=token_hash, **said)
        session.execute(statement.on_conflict_do_update(index_elements=[PortalToken.token_hash], set_=said))
        session.execute(_build_deletion(now))


def _build_deletion(now: dt.datetime) -> Delete:
    """Delete what is over, but for what another request renews at this moment: two may not wait for each other."""
    over = select(PortalToken.token_hash).where(PortalToken.expires <= now).with_for_update(skip_locked=True)
    return delete(PortalToken).where(PortalToken.token_hash.in_(over))


def _lock_user(session: Session, username: str) -> User:
    """Return the user of a name, made if there is none; two requests for the same one come after each other."""
    one = select(User).where(User.username == username).with_for_update()
    user = session.scalar(one)
    if user is None:
        made = {"username": username, "password_hash": "", "is_from_portal": True, "created": dt.datetime.now(dt.UTC)}
        session.execute(insert_for_dialect(User).values(made).on_conflict_do_nothing())
        user = session.scalars(one).one()
    return user


def _replace_proposals(session: Session, user: User, proposals: Collection[str]) -> None:
    session.execute(
        delete(ProposalMember).where(ProposalMember.user_id == user.id, ProposalMember.proposal_id.not_in(proposals))
    )
    members = [{"user_id": user.id, "proposal_id": proposal} for proposal in sorted(proposals)]
    if members:
        session.execute(insert_for_dialect(ProposalMember).on_conflict_do_nothing(), members)
