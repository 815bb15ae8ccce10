"""The columns of the table of frames: which there are, what they are sorted by, and which a person has chosen."""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class TableColumn:
    """A column; `ordering` is what a list is sorted by, empty where it can't be."""

    name: str
    label: str
    ordering: str = ""
    css_class: str = ""


COLUMNS = (
    TableColumn("preview", "Preview"),
    TableColumn("target_name", "Target", "target_name"),
    TableColumn("observation_date", "Time (UTC)", "observation_date"),
    TableColumn("observation_day", "Night"),
    TableColumn("centre", "Centre (ICRS)"),
    TableColumn("primary_optical_element", "Filter", "primary_optical_element"),
    TableColumn("exposure_time", "Exposure (s)", "exposure_time", "number"),
    TableColumn("instrument_id", "Instrument", "instrument_id"),
    TableColumn("site_id", "Site", "site_id"),
    TableColumn("proposal_id", "Proposal", "proposal_id"),
    TableColumn("request_id", "Request"),
    TableColumn("configuration_type", "Type", "configuration_type"),
    TableColumn("reduction_level", "Level", "reduction_level", "number"),
    TableColumn("public_date", "Public on"),
    TableColumn("download", "Download"),
    TableColumn("cart", "Cart"),
)
ALWAYS = {"target_name"}  # it leads to the frame
USUAL = {column.name for column in COLUMNS} - {"observation_day", "centre", "request_id", "public_date"}


def choose_columns(wanted: Collection[str]) -> list[TableColumn]:
    """Return the columns of these names in their own order; the usual ones if none is known."""
    known = {column.name for column in COLUMNS} & {*wanted}
    return [column for column in COLUMNS if column.name in (known or USUAL) | ALWAYS]
