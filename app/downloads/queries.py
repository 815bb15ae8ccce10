"""Reads of stored files, for whoever holds a granted link."""

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.downloads.actions import redeem_link
from app.errors import NotFound
from app.extensions import db
from app.frames.models import Version


def get_granted_version(token: str) -> Version:
    """Return the version that a link's token grants, with its frame.

    Raises
    ------
    NotFound
        If the link is no good, or the version is gone.
    """
    version = db.session.scalar(
        select(Version).where(Version.id == redeem_link(token)).options(joinedload(Version.frame))
    )
    if version is None:
        raise NotFound("The file of this link is no longer in the archive.", code="version_gone")
    return version
