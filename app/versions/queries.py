"""Reads of versions, each with the basename of its frame: of frames that the viewer may see.

But an MD5 is counted whoever may see its frame: a program that sends a file must know whether it came already.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, Select, func, select

from app.accounts.viewer import Viewer
from app.errors import NotFound
from app.extensions import db
from app.frames.models import Frame, Version
from app.frames.queries import visible_to
from app.paging import Page, read_page


def list_versions(viewer: Viewer, search: Mapping[str, Any]) -> Page:
    """Return the page of versions that a search, as `VersionSearchSchema` loads it, asks for; the newest come first."""
    statement = _select_versions(viewer).order_by(Version.id.desc())
    if "md5" not in search:
        return read_page(statement, search)
    is_it = Version.md5 == search["md5"]
    known = db.session.scalar(select(func.count()).where(is_it)) or 0
    return replace(read_page(statement.where(is_it), search), count=known)


def get_version(viewer: Viewer, version_id: int) -> Row[Any]:
    """Return one version.

    Raises
    ------
    NotFound
        If there is none, or the viewer may not see its frame.
    """
    found = db.session.execute(_select_versions(viewer).where(Version.id == version_id)).one_or_none()
    if found is None:
        raise NotFound(f"There is no version {version_id} that you may see.", code="version_not_found")
    return found


def _select_versions(viewer: Viewer) -> Select[Any]:
    versions = select(*Version.__table__.columns, Frame.basename).join(Frame, Frame.id == Version.frame_id)
    return versions.where(visible_to(viewer))
