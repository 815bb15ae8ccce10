"""All writes of frames. The caller commits."""

import datetime as dt
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from sqlalchemy import Table, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from app.embargoes.actions import decide_public_date, hold_rulings
from app.errors import BadRequest
from app.events.actions import owe
from app.extensions import Model, db, get_table, insert_for_dialect
from app.fields import to_ascii
from app.frames import sky
from app.frames.models import FileFault, Frame, Header, RelatedFrame, Thumbnail, Version
from app.frames.queries import find_version_by_md5
from app.posted_files import build_store_path, take_in

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
KNOWN_MD5 = "version with this md5 already exists."  # OCS programs look for these words

# What every file needs is built once, and goes past the ORM: it costs a quarter of what it would else.
FRAMES, VERSIONS, HEADERS, RELATED = map(get_table, (Frame, Version, Header, RelatedFrame))
FIND_FRAMES = select(FRAMES.c.basename, FRAMES.c.id).where(
    FRAMES.c.basename.in_(bindparam("basenames", expanding=True))
)
DESCRIBE_FRAME = update(FRAMES).where(FRAMES.c.id == bindparam("frame_id"))
ADD_VERSION = insert(VERSIONS).returning(VERSIONS.c.id)
RESTORE_VERSION = (
    update(VERSIONS)
    .where(VERSIONS.c.md5 == bindparam("marked_md5"), VERSIONS.c.file_fault != FileFault.NONE)
    .returning(VERSIONS.c.frame_id)
)
KEEP_RELATIONS = delete(RELATED).where(
    RELATED.c.frame_id == bindparam("frame_id"), RELATED.c.related_id.not_in(bindparam("related_ids", expanding=True))
)


def save_frame(new: Mapping[str, Any], *, is_news: bool = True) -> int:
    """Create a frame, or update the one of this basename, with its versions, header and relations; return its id.

    Parameters
    ----------
    new
        As `app.frames.schemas.NewFrameSchema` loads it.
    is_news
        Whether pipelines are told of its versions.

    Raises
    ------
    sqlalchemy.exc.IntegrityError
        If one of its versions is in the archive already.
    """
    hold_rulings()
    related = set(new["related_frame_filenames"]) - {new["basename"]}
    ids = ensure_frames({new["basename"], *related})
    frame_id = ids[new["basename"]]
    _describe(frame_id, new)
    version_ids = _add_versions(frame_id, new["version_set"])
    if is_news:
        owe(frame_id, version_ids)
    db.session.execute(_build_upsert(HEADERS, {"frame_id": frame_id}, {"data": new["headers"]}))
    _relate(frame_id, {ids[name] for name in related})
    return frame_id


def restore_version(md5: str, stored: Mapping[str, Any]) -> int | None:
    """Let a file that was stored anew take the place of one that the audit has marked. The caller commits.

    Returns
    -------
    int or None
        The id of its frame; None if no version of this content is marked.
    """
    frame_id: int | None = db.session.scalar(
        RESTORE_VERSION, {"marked_md5": md5, "file_fault": FileFault.NONE, **stored}
    )
    return frame_id


def save_posted_frame(new: Mapping[str, Any]) -> int:
    """Save a frame whose files its sender has stored, as `save_frame` does.

    Parameters
    ----------
    new
        As `app.frames.schemas.PostedFrameSchema` loads it.

    Raises
    ------
    BadRequest
        If one of its versions is in the archive already, be it since this moment, or where it lies can't be told.
    """
    _refuse_known_versions(new["version_set"])
    versions = [_locate(version, new) for version in new["version_set"]]
    try:
        return save_frame({**new, "version_set": versions})
    except IntegrityError:
        db.session.rollback()
        _refuse_known_versions(new["version_set"])
        raise


def save_thumbnail(basename: str, size: str, frame: Mapping[str, Any] | None = None, /, **stored: Any) -> Thumbnail:
    """Give a frame its thumbnail of one size; the frame is made if it has not arrived yet.

    Until it arrives it has what is told of it here, as `NewFrameSchema` loads it; without that, its basename only.
    """
    if frame is not None:
        hold_rulings()
    frame_id = ensure_frames({basename})[basename]
    if frame is not None:
        db.session.execute(select(Frame.id).where(Frame.id == frame_id).with_for_update(key_share=True))
        if db.session.get(Header, frame_id) is None:  # each frame that arrives brings one
            _describe(frame_id, frame)
    values = {"width": None, "height": None, **stored, "file_fault": FileFault.NONE, "created": _now()}
    upsert = _build_upsert(Thumbnail, {"frame_id": frame_id, "size": size}, values)
    return db.session.scalars(upsert.returning(Thumbnail), execution_options={"populate_existing": True}).one()


def ensure_frames(basenames: AbstractSet[str]) -> dict[str, int]:
    """Return the ids of some frames; those that have not arrived yet are made with their basename only."""
    found = _find_frames(basenames)
    now = _now()
    # In one order for everybody, so that two workers never wait for each other.
    rows = [{"basename": name, "created": now, "modified": now} for name in sorted(basenames - found.keys())]
    if rows:
        made = insert_for_dialect(FRAMES).on_conflict_do_nothing().returning(FRAMES.c.basename, FRAMES.c.id)
        found |= dict(db.session.execute(made, rows).all())
    return found if found.keys() == basenames else _find_frames(basenames)  # another worker just put one


def add_relations(pairs: AbstractSet[tuple[int, int]]) -> None:
    """Relate frames, given by their ids, that are not related in either direction: the later one names the earlier."""
    if not pairs:
        return
    ids = {frame_id for pair in pairs for frame_id in pair}
    known = select(RELATED.c.frame_id, RELATED.c.related_id).where(
        RELATED.c.frame_id.in_(ids), RELATED.c.related_id.in_(ids)
    )
    related = {frozenset(pair) for pair in db.session.execute(known)}
    lacking = {frozenset(pair) for pair in pairs} - related
    rows = [{"frame_id": max(pair), "related_id": min(pair)} for pair in lacking if len(pair) > 1]
    if rows:
        db.session.execute(insert_for_dialect(RELATED).on_conflict_do_nothing(), rows)


def _describe(frame_id: int, new: Mapping[str, Any]) -> None:
    """Write what is told of a frame.

    That locks its row against other writers of it, but not against those who name it, as long as no key is written: two
    frames that name each other would wait for each other for ever.
    """
    told = {name: new[name] for name in FRAME_FIELDS}
    told["public_date"] = decide_public_date(frame_id, new["proposal_id"], new["public_date"])
    told |= {"target_name_ascii": to_ascii(new["target_name"]), "modified": _now()}
    db.session.execute(DESCRIBE_FRAME, {"frame_id": frame_id, **told})
    sky.index_footprint(frame_id, new["area"])


def _add_versions(frame_id: int, versions: Collection[Mapping[str, Any]]) -> list[int]:
    """Add versions to a frame, and return their ids."""
    if not versions:
        return []
    rows = [{"frame_id": frame_id, "created": _now(), **version} for version in versions]
    return list(db.session.scalars(ADD_VERSION, rows))


def _locate(version: Mapping[str, Any], frame: Mapping[str, Any]) -> dict[str, Any]:
    """Return a version with its place in the file store, and its size as the store tells it, or else its sender."""
    path = build_store_path(version["extension"], frame)
    return {**version, "store_path": path, "size": take_in(path, version["key"]) or version["size"]}


def _refuse_known_versions(versions: Collection[Mapping[str, Any]]) -> None:
    for version in versions:
        if find_version_by_md5(version["md5"]):
            raise BadRequest(KNOWN_MD5, code="version_exists", fields={"version_set": [{"md5": [KNOWN_MD5]}]})


def _find_frames(basenames: AbstractSet[str]) -> dict[str, int]:
    return dict(db.session.execute(FIND_FRAMES, {"basenames": list(basenames)}).all())


def _relate(frame_id: int, related_ids: Collection[int]) -> None:
    """Let a frame name these frames, and no others."""
    db.session.execute(KEEP_RELATIONS, {"frame_id": frame_id, "related_ids": list(related_ids)})
    if related_ids:
        rows = [{"frame_id": frame_id, "related_id": other} for other in related_ids]
        db.session.execute(insert_for_dialect(RELATED).on_conflict_do_nothing(), rows)


def _build_upsert(
    target: type[Model] | Table, key: Mapping[str, Any], values: Mapping[str, Any]
) -> postgresql.Insert | sqlite.Insert:
    """Build the statement that puts a row, whether one of this key is there or not."""
    insertion = insert_for_dialect(target).values(**key, **values)
    replaced = {name: insertion.excluded[name] for name in values}
    return insertion.on_conflict_do_update(index_elements=list(key), set_=replaced)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
