"""Which values the frames that a search finds have: for the form's choices, and for programs that offer some."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select

from app.accounts.viewer import Viewer
from app.extensions import db
from app.frames.models import Frame
from app.frames.queries import matching

#: Columns by the names that OCS programs know them by.
AGGREGATES = {
    "sites": "site_id",
    "telescopes": "telescope_id",
    "filters": "primary_optical_element",
    "instruments": "instrument_id",
    "obstypes": "configuration_type",
    "proposals": "proposal_id",
}


def list_values(viewer: Viewer, columns: Collection[str], search: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the values, sorted, that the frames of a search have in some columns."""
    return {name: _list_values(viewer, name, search) for name in columns}


def _list_values(viewer: Viewer, name: str, search: Mapping[str, Any]) -> list[Any]:
    column = getattr(Frame, name)
    return list(db.session.scalars(select(column).where(*matching(viewer, search)).distinct().order_by(column)))
