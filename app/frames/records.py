"""A frame's JSON record, as the OCS contract names and shapes it. Times stay what they are until they are written."""

from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any

from app.columns import Corners
from app.downloads.actions import Links
from app.frames.queries import FoundFrame
from app.frames.statements import FRAME_COLUMNS

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
GET_OF_OLD_NAMES = itemgetter(*OLD_NAMES.values())
FRAME_FIELDS = tuple(column.key for column in FRAME_COLUMNS)


def build_records(frames: Iterable[FoundFrame], links: Links, options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the records of some frames.

    Parameters
    ----------
    options
        As `app.frames.search.RecordSchema` or `SearchSchema` loads them.
    """
    chosen = {
        "related_frames": options.get("include_related_frames", True),
        "thumbnails": options.get("include_thumbnails", False),
    }
    return [build_record(frame, links, **chosen) for frame in frames]


def build_record(
    frame: FoundFrame, links: Links, *, related_frames: bool = True, thumbnails: bool = False
) -> dict[str, Any]:
    """Return the record of a frame."""
    record: dict[str, Any] = dict(zip(FRAME_FIELDS, frame.row, strict=False))  # what follows is not the frame's
    record["area"] = build_geojson(record["area"])
    basename = record["basename"]
    record["version_set"] = versions = [build_version(version, basename, links) for version in frame.versions]
    record["filename"] = frame.filename
    record["url"] = versions[0]["url"] if versions else None
    if related_frames:
        record["related_frames"] = frame.related_ids
    if thumbnails:
        record["thumbnails"] = [build_thumbnail(thumbnail, links) for thumbnail in frame.thumbnails.values()]
    record.update(zip(OLD_NAMES, GET_OF_OLD_NAMES(record), strict=True))
    return record


def build_geojson(area: Corners | None) -> dict[str, Any] | None:
    return {"type": "Polygon", "coordinates": [area]} if area else None


def build_version(version: Any, basename: str, links: Links) -> dict[str, Any]:
    """Return the record of one stored file of the frame of this basename."""
    return {
        "id": version.id,
        "created": version.created,
        "key": version.key,
        "md5": version.md5,
        "size": version.size,
        "extension": version.extension,
        "url": links.to_version(version.id, f"{basename}{version.extension}"),
    }


def build_thumbnail(thumbnail: Any, links: Links) -> dict[str, Any]:
    """Return the record of one picture of a frame."""
    return {
        "id": thumbnail.id,
        "size": thumbnail.size,
        "width": thumbnail.width,
        "height": thumbnail.height,
        "url": links.to_thumbnail(thumbnail.id, thumbnail.key, thumbnail.store_path.rpartition("/")[2]),
    }
