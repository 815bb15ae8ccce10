"""Which values the frames that a search finds have: for the form's choices, and for programs that offer some."""

from collections.abc import Collection, Mapping
from typing import Any

from app.accounts.viewer import Viewer
from app.frames.matching import find_matching

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
    return find_matching(viewer, search).list_values(columns)
