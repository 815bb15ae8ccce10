"""What an export in columns says of each frame: each column once, with its unit and its UCD (IVOA's word for it)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from app.columns import Ring
from app.downloads.actions import grant_link
from app.frames.queries import FoundFrame
from app.times import format_time

Value = str | int | float | None


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes
    ----------
    datatype
        Of VOTable.
    value
        What a frame has in it; None where it has nothing.
    """

    name: str
    datatype: str
    ucd: str
    description: str
    value: Callable[[FoundFrame], Value]
    unit: str = ""


def _plain(name: str, ucd: str, description: str, datatype: str = "unicodeChar", unit: str = "") -> Column:
    """A column that the frame's row has."""
    return Column(name, datatype, ucd, description, lambda frame: getattr(frame.row, name), unit)


def _time(name: str, ucd: str, description: str) -> Column:
    return Column(name, "char", ucd, description, lambda frame: format_time(getattr(frame.row, name)))


def find_centre(ring: Ring) -> tuple[float, float]:
    """Return the (RA, Dec), ICRS degrees, of the mean of a footprint's corners."""
    ra, dec = np.radians(ring[:-1]).T
    x, y, z = (np.cos(dec) * np.cos(ra)).sum(), (np.cos(dec) * np.sin(ra)).sum(), np.sin(dec).sum()
    return float(np.degrees(np.arctan2(y, x)) % 360), float(np.degrees(np.arctan2(z, np.hypot(x, y))))


def _coordinate(frame: FoundFrame, axis: int) -> float | None:
    return None if frame.row.area is None else round(find_centre(np.array(frame.row.area))[axis], 7)  # to 0.4 mas


def _describe_region(frame: FoundFrame) -> str | None:
    """Write a footprint as ObsCore does (STC-S), each corner once."""
    if frame.row.area is None:
        return None
    return " ".join(["POLYGON ICRS", *(f"{degrees:.7f}" for corner in frame.row.area[:-1] for degrees in corner)])


def _find_url(frame: FoundFrame) -> str | None:
    return grant_link(frame.versions[0].id, frame.filename) if frame.versions else None


def _newest(name: str) -> Callable[[FoundFrame], Value]:
    return lambda frame: getattr(frame.versions[0], name) if frame.versions else None


COLUMNS = (
    _plain("id", "meta.id", "Number in this archive", "long"),
    _plain("basename", "meta.id;meta.main", "Name of the frame"),
    Column("filename", "unicodeChar", "meta.file", "Name of its newest file", lambda frame: frame.filename),
    _plain("target_name", "meta.id;src", "Target"),
    Column("ra", "double", "pos.eq.ra;meta.main", "Middle of the footprint", lambda f: _coordinate(f, 0), "deg"),
    Column("dec", "double", "pos.eq.dec;meta.main", "Middle of the footprint", lambda f: _coordinate(f, 1), "deg"),
    _time("observation_date", "time.start;obs.exposure", "Begin of the exposure, UTC"),
    Column(
        "observation_day",
        "char",
        "time;obs",
        "Observing night",
        lambda frame: frame.row.observation_day and frame.row.observation_day.isoformat(),
    ),
    _plain("exposure_time", "time.duration;obs.exposure", "Exposure time", "double", "s"),
    _plain("primary_optical_element", "meta.id;instr.filter", "Filter, or grating"),
    _plain("configuration_type", "meta.code.class;obs", "Configuration type"),
    _plain("reduction_level", "meta.code;obs.calib", "0 is raw, 91 reduced", "int"),
    _plain("site_id", "meta.id;instr.obsty", "Site"),
    _plain("telescope_id", "meta.id;instr.tel", "Telescope"),
    _plain("instrument_id", "meta.id;instr", "Instrument"),
    _plain("proposal_id", "meta.id;obs.proposal", "Proposal"),
    _plain("observation_id", "meta.id;obs", "Observation's number", "long"),
    _plain("request_id", "meta.id", "Request's number", "long"),
    _time("public_date", "time.release", "When the world may see it, UTC"),
    Column("size", "long", "phys.size;meta.file", "Size of the newest file", _newest("size"), "byte"),
    Column("md5", "char", "meta.checksum;meta.file", "MD5 of the newest file", _newest("md5")),
    Column("url", "unicodeChar", "meta.ref.url", "Downloads the newest file, for a while", _find_url),
    Column("s_region", "char", "pos.outline;obs.field", "Footprint, ICRS", _describe_region),
)
