"""Reads of versions, each with the basename of its frame. Only who may ingest gets this far."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, Select, select

from app.errors import NotFound
from app.extensions import db
from app.frames.models import Frame, Version
from app.paging import Page, read_page


def list_versions(search: Mapping[str, Any]) -> Page:
    """Return the page of versions that a search, as `VersionSearchSchema` loads it, asks for; the newest come first."""
    statement = _select_versions().order_by(Version.id.desc())
    return read_page(statement.where(Version.md5 == search["md5"]) if "md5" in search else statement, search)


def get_version(version_id: int) -> Row[Any]:
    """Return one version.

    Raises
    ------
    NotFound
        If there is none.
    """
    found = db.session.execute(_select_versions().where(Version.id == version_id)).one_or_none()
    if found is None:
        raise NotFound(f"There is no version {version_id}.", code="version_not_found")
    return found


def _select_versions() -> Select[Any]:
    return select(*Version.__table__.columns, Frame.basename).join(Frame, Frame.id == Version.frame_id)
