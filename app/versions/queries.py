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
from app.frames.visibility import build_read, note_denied, note_privileged, visible_to
from app.paging import Page, read_page


def list_versions(viewer: Viewer, search: Mapping[str, Any]) -> Page:
    """Return the page of versions that a search, as `VersionSearchSchema` loads it, asks for; the newest come first."""
    statement = _select_versions(viewer).order_by(Version.id.desc())
    if "md5" not in search:
        return _show(viewer, read_page(statement, search))
    is_it = Version.md5 == search["md5"]
    known = db.session.scalar(select(func.count()).where(is_it)) or 0
    return replace(_show(viewer, read_page(statement.where(is_it), search)), count=known)


def get_version(viewer: Viewer, version_id: int) -> Row[Any]:
    """Return one version.

    Raises
    ------
    NotFound
        If there is none, or the viewer may not see its frame.
    """
    found = db.session.execute(_select_versions(viewer).where(Version.id == version_id)).one_or_none()
    if found is None:
        shown = select(Version.frame_id).where(Version.id == version_id)
        note_denied(viewer, "version", Frame.id.in_(shown))
        raise NotFound(f"There is no version {version_id} that you may see.", code="version_not_found")
    note_privileged(viewer, "version", [build_read(found)])
    return found


def _select_versions(viewer: Viewer) -> Select[Any]:
    columns = *Version.__table__.columns, Frame.basename, Frame.proposal_id, Frame.public_date
    return select(*columns).join(Frame, Frame.id == Version.frame_id).where(visible_to(viewer))


def _show(viewer: Viewer, page: Page) -> Page:
    note_privileged(viewer, "versions", map(build_read, page.rows))
    return page
