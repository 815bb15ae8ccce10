"""A frame's JSON record, as the OCS contract names and shapes it."""

from typing import Any

from app.columns import Ring
from app.downloads.actions import grant_link, grant_thumbnail_link
from app.frames.queries import FoundFrame
from app.times import format_time

#: Names under which older OCS programs look for the same values.
OLD_NAMES = {
    "DATE_OBS": "observation_date",
    "DAY_OBS": "observation_day",
    "PROPID": "proposal_id",
    "INSTRUME": "instrument_id",
    "OBJECT": "target_name",
    "RLEVEL": "reduction_level",
    "SITEID": "site_id",
    "TELID": "telescope_id",
    "EXPTIME": "exposure_time",
    "FILTER": "primary_optical_element",
    "L1PUBDAT": "public_date",
    "OBSTYPE": "configuration_type",
    "BLKUID": "observation_id",
    "REQNUM": "request_id",
}
PLAIN_FIELDS = (
    "id",
    "basename",
    "reduction_level",
    "proposal_id",
    "instrument_id",
    "target_name",
    "site_id",
    "telescope_id",
    "exposure_time",
    "primary_optical_element",
    "configuration_type",
    "observation_id",
    "request_id",
)
TIMES = ("observation_date", "public_date", "modified", "created")


def build_record(frame: FoundFrame, *, related_frames: bool = True, thumbnails: bool = False) -> dict[str, Any]:
    """Return the record of a frame."""
    row = frame.row._mapping
    record: dict[str, Any] = {name: row[name] for name in PLAIN_FIELDS}
    record |= {name: format_time(row[name]) for name in TIMES}
    record["observation_day"] = row["observation_day"].isoformat() if row["observation_day"] else None
    record["area"] = build_geojson(row["area"])
    record["version_set"] = [build_version(version, row["basename"]) for version in frame.versions]
    record["filename"] = frame.filename
    record["url"] = record["version_set"][0]["url"] if record["version_set"] else None
    if related_frames:
        record["related_frames"] = list(frame.related_ids)
    if thumbnails:
        record["thumbnails"] = [build_thumbnail(thumbnail) for thumbnail in frame.thumbnails.values()]
    return record | {old: record[new] for old, new in OLD_NAMES.items()}


def build_geojson(area: Ring | None) -> dict[str, Any] | None:
    return None if area is None else {"type": "Polygon", "coordinates": [area.tolist()]}


def build_version(version: Any, basename: str) -> dict[str, Any]:
    """Return the record of one stored file of the frame of this basename."""
    return {
        "id": version.id,
        "created": format_time(version.created),
        "key": version.key,
        "md5": version.md5,
        "size": version.size,
        "extension": version.extension,
        "url": grant_link(version.id, f"{basename}{version.extension}"),
    }


def build_thumbnail(thumbnail: Any) -> dict[str, Any]:
    """Return the record of one picture of a frame."""
    return {
        "id": thumbnail.id,
        "size": thumbnail.size,
        "width": thumbnail.width,
        "height": thumbnail.height,
        "url": grant_thumbnail_link(thumbnail.id, thumbnail.key, thumbnail.store_path.rpartition("/")[2]),
    }
