"""Frames for tests: rows as an ingest would write them, without a file behind them."""

import hashlib
import io
from collections.abc import Mapping
from typing import Any

from app.extensions import db, get_file_store
from app.frames.actions import save_frame, save_thumbnail
from app.frames.schemas import NewFrameSchema
from ocs_archive.input.file import File
from ocs_archive.input.thumbnailfile import ThumbnailFile

A_FRAME: Mapping[str, Any] = {
    "observation_date": "2026-11-01T03:00:00",
    "public_date": "2026-11-01T03:00:00",
    "proposal_id": "OPEN2026A-001",
    "instrument_id": "fa01",
    "target_name": "M 42",
    "site_id": "cpt",
    "telescope_id": "1m0a",
    "exposure_time": 60.0,
    "primary_optical_element": "rp",
    "configuration_type": "EXPOSE",
    "reduction_level": 0,
    "observation_id": 1000,
    "request_id": 2000,
    "headers": {"OBJECT": "M 42", "USERID": "observer"},
}


def build_version(basename: str, content: str = "first") -> dict[str, Any]:
    return {
        "key": content,
        "md5": hashlib.md5(f"{basename} {content}".encode()).hexdigest(),
        "extension": ".fits.fz",
        "size": 1000,
        "store_path": f"cpt/fa01/20261101/raw/{basename}.fits.fz",
    }


def add_frame(basename: str, *, contents: tuple[str, ...] = ("first",), **fields: Any) -> int:
    """Archive a frame with a version for each of `contents`, and return its id. Needs the application's context."""
    versions = [build_version(basename, content) for content in contents]
    frame_id = save_frame(NewFrameSchema().load({**A_FRAME, "basename": basename, "version_set": versions, **fields}))
    db.session.commit()
    return frame_id


def square(ra_deg: float, dec_deg: float, side_deg: float) -> dict[str, Any]:
    """Return a GeoJSON polygon about a position, not too near a pole."""
    half = side_deg / 2
    corners = [(-half, -half), (half, -half), (half, half), (-half, half), (-half, -half)]
    return {"type": "Polygon", "coordinates": [[[(ra_deg + x) % 360, dec_deg + y] for x, y in corners]]}


def add_preview(basename: str, content: bytes = b"\xff\xd8") -> None:
    """Give a frame a small picture, kept in the file store. Needs the application's context."""
    metadata = {"frame_basename": basename, "size": "small", "DATE-OBS": "2026-11-01T03:00:00", "DAY-OBS": "20261101"}
    metadata |= {"INSTRUME": "fa01", "SITEID": "cpt", "TELID": "1m0a"}
    picture = ThumbnailFile(File(io.BytesIO(content), f"{basename}-small.jpg"), metadata)
    stored = get_file_store().store_file(picture)
    save_thumbnail(basename, "small", width=1, height=1, store_path=picture.get_filestore_path(), **stored)
    db.session.commit()
