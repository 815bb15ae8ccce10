"""All writes of frames. The caller commits."""

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from app.errors import BadRequest
from app.events.actions import owe
from app.extensions import Model, db
from app.frames import sky
from app.frames.models import Frame, Header, RelatedFrame, Thumbnail, Version
from app.frames.queries import find_version_by_md5
from app.frames.search import to_ascii

FRAME_FIELDS = (
    "observation_date",
    "observation_day",
    "public_date",
    "proposal_id",
    "instrument_id",
    "target_name",
    "site_id",
    "telescope_id",
    "primary_optical_element",
    "configuration_type",
    "reduction_level",
    "exposure_time",
    "observation_id",
    "request_id",
    "area",
)
#: A frame's row against other writers of it, but not against those who name it: two that name each other would wait
#: for each other for ever.
LOCK = {"key_share": True}
KNOWN_MD5 = "version with this md5 already exists."  # OCS programs look for these words


def save_frame(new: Mapping[str, Any]) -> Frame:
    """Create a frame, or update the one of this basename, with its versions, header and relations.

    Parameters
    ----------
    new
        As `app.frames.schemas.NewFrameSchema` loads it.

    Raises
    ------
    BadRequest
        If one of its versions is in the archive already.
    sqlalchemy.exc.IntegrityError
        If it came in at this very moment by another way.
    """
    _refuse_known_versions(new["version_set"])
    related = set(new["related_frame_filenames"]) - {new["basename"]}
    ids = _ensure_frames({new["basename"], *related})
    frame = db.session.get_one(Frame, ids[new["basename"]], with_for_update=LOCK, populate_existing=True)
    for name in FRAME_FIELDS:
        setattr(frame, name, new[name])
    frame.target_name_ascii = to_ascii(frame.target_name)
    frame.modified = _now()
    versions = [Version(frame_id=frame.id, created=_now(), **version) for version in new["version_set"]]
    db.session.add_all(versions)
    db.session.merge(Header(frame_id=frame.id, data=new["headers"]))
    _relate(frame.id, [ids[name] for name in related])
    db.session.flush()
    owe(frame.id, [version.id for version in versions])
    sky.index_footprint(frame)
    return frame


def save_thumbnail(basename: str, size: str, **stored: Any) -> Thumbnail:
    """Give a frame its thumbnail of one size; the frame is made, as an empty one, if it has not arrived yet."""
    frame_id = _ensure_frames({basename})[basename]
    values = {"width": None, "height": None, **stored, "created": _now()}
    upsert = _insert(Thumbnail).values(frame_id=frame_id, size=size, **values)
    upsert = upsert.on_conflict_do_update(index_elements=["frame_id", "size"], set_=values)
    return db.session.scalars(upsert.returning(Thumbnail), execution_options={"populate_existing": True}).one()


def _refuse_known_versions(versions: Collection[Mapping[str, Any]]) -> None:
    for version in versions:
        if find_version_by_md5(version["md5"]):
            raise BadRequest(KNOWN_MD5, code="version_exists", fields={"version_set": [{"md5": [KNOWN_MD5]}]})


def _ensure_frames(basenames: Collection[str]) -> dict[str, int]:
    """Return the ids of some frames; those that have not arrived yet are made with their basename only."""
    now = _now()
    # In one order for everybody, so that two workers never wait for each other.
    rows = [{"basename": basename, "created": now, "modified": now} for basename in sorted(basenames)]
    _insert_missing(Frame, rows)
    found = db.session.execute(select(Frame.basename, Frame.id).where(Frame.basename.in_(basenames)))
    return dict(found.all())


def _relate(frame_id: int, related_ids: Collection[int]) -> None:
    """Let a frame name these frames, and no others."""
    db.session.execute(
        delete(RelatedFrame).where(RelatedFrame.frame_id == frame_id, RelatedFrame.related_id.not_in(related_ids))
    )
    _insert_missing(RelatedFrame, [{"frame_id": frame_id, "related_id": other} for other in related_ids])


def _insert_missing(model: type[Model], rows: list[dict[str, Any]]) -> None:
    """Insert rows, one by one in their order, but for those whose key is there, even if another worker just put it."""
    if rows:
        db.session.execute(_insert(model).on_conflict_do_nothing(), rows)


def _insert(model: type[Model]) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(model) if db.engine.dialect.name == "postgresql" else sqlite.insert(model)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
