"""All reads of frames. What a viewer gets to see goes through `visible_to`: there is no second way to a row.

`find_version_by_md5`, `find_frame_id_by_md5` and `list_named_ids` take no viewer: they show nothing, and serve ingest
and the order of a page. Nor does `find_archived`: whom the operator names in the settings is told of every frame.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import orjson
from sqlalchemy import Row, Select, bindparam, case, literal, select

from app.accounts.viewer import Viewer
from app.errors import NotFound
from app.extensions import db
from app.frames.models import FileFault, Frame, Header, Thumbnail, Version
from app.frames.statements import (
    FRAME_COLUMNS,
    HEADER,
    NAMED_IDS,
    ONE,
    ONE_WITH_RELATED,
    PAGE,
    PAGE_WITH_RELATED,
    RELATED_IDS,
    THUMBNAILS_OF_PAGE,
    VERSION_COLUMNS,
    VERSIONS,
    FoundVersion,
)
from app.frames.visibility import describe_sight, note_denied, note_privileged, visible_to
from app.reading import read, read_primary

FIRST_OF_VERSION = len(FRAME_COLUMNS)
END_OF_VERSION = FIRST_OF_VERSION + len(VERSION_COLUMNS)


@dataclass  # not frozen: a page has a thousand, and each would take twice as long to make
class FoundFrame:
    """A frame's row with what hangs on it. The newest version comes first."""

    row: Row[Any]
    versions: list[FoundVersion] = field(default_factory=list)
    related_ids: Sequence[int] = ()
    thumbnails: dict[str, Row[Any]] = field(default_factory=dict)

    def find_thumbnail(self, *sizes: str) -> Row[Any] | None:
        """Return the first of these sizes in which there is a picture."""
        return next((self.thumbnails[size] for size in sizes if size in self.thumbnails), None)

    @property
    def filename(self) -> str:
        return f"{self.row.basename}{self.versions[0].extension}" if self.versions else self.row.basename


def fetch_frames(
    viewer: Viewer, what: str, ids: Sequence[int], options: Mapping[str, Any], *, is_by_now: bool = False
) -> list[FoundFrame]:
    """Return those of some frames that a viewer may see, in the order of their ids, with what hangs on them.

    Parameters
    ----------
    what
        What the log calls that which the viewer gets of hidden frames.
    options
        As `app.frames.search.RecordSchema` or `SearchSchema` loads them.
    is_by_now
        Whether the primary must be asked, as a replica may be late.
    """
    page, one = (PAGE_WITH_RELATED, ONE_WITH_RELATED) if options.get("include_related_frames", True) else (PAGE, ONE)
    sight = describe_sight(viewer)
    statement, chosen = (one, {"id": ids[0]}) if len(ids) == 1 else (page, {"ids": ids})
    found = _gather((read_primary if is_by_now else read)(statement, sight | chosen))
    frames = [found[frame_id] for frame_id in ids if frame_id in found]
    note_privileged(viewer, what, [(frame.row.id, frame.row.proposal_id, frame.row.public_date) for frame in frames])
    if options.get("include_thumbnails"):
        for thumbnail in read(THUMBNAILS_OF_PAGE, {"ids": list(found)}):
            found[thumbnail.frame_id].thumbnails[thumbnail.size] = thumbnail
    return frames


def get_frame(viewer: Viewer, frame_id: int, options: Mapping[str, Any]) -> FoundFrame:
    """Return one frame.

    Raises
    ------
    NotFound
        If there is none, or the viewer may not see it.
    """
    frames = fetch_frames(viewer, "record", [frame_id], options)
    return frames[0] if frames else _deny(viewer, "record", frame_id)


def get_written_frame(viewer: Viewer, frame_id: int, new: Mapping[str, Any]) -> FoundFrame:
    """Return a frame as the answer to whoever has just described it.

    To write a frame is not to read it: its other files, and the public date of a ruling, are for those who may see it.

    Parameters
    ----------
    new
        As `app.frames.schemas.PostedFrameSchema` loads it.
    """
    md5s = {version["md5"] for version in new["version_set"]}
    posted = literal(new["public_date"], Frame.public_date.type)
    public_date = case((visible_to(viewer), Frame.public_date), else_=posted).label(Frame.public_date.key)
    columns = (public_date if column.key == Frame.public_date.key else column for column in FRAME_COLUMNS)
    statement: Select[Any] = select(*columns, visible_to(viewer)).where(Frame.id == frame_id)
    row = db.session.execute(statement).one()
    *_, is_visible = row
    versions = [sent for sent in _list_versions(frame_id) if is_visible or sent.md5 in md5s]
    related = db.session.scalar(RELATED_IDS, describe_sight(viewer) | {"id": frame_id})
    return FoundFrame(row, versions, _read_ids(related))


def get_headers(viewer: Viewer, frame_id: int) -> dict[str, Any]:
    """Return a frame's FITS header; a frame that came without one has none.

    Raises
    ------
    NotFound
        As `get_frame`.
    """
    for row in read(HEADER, describe_sight(viewer) | {"id": frame_id}):
        note_privileged(viewer, "header", [(row.id, row.proposal_id, row.public_date)])
        return row.data or {}
    return _deny(viewer, "header", frame_id)


def list_related(viewer: Viewer, frame_id: int) -> list[FoundFrame]:
    """Return the frames that a frame names and those that name it, as far as the viewer may see them.

    Raises
    ------
    NotFound
        As `get_frame`.
    """
    for (related_ids,) in read(RELATED_IDS, describe_sight(viewer) | {"id": frame_id}):
        return fetch_frames(viewer, "related frames", _read_ids(related_ids), {"include_thumbnails": True})
    return _deny(viewer, "related frames", frame_id)


def list_named_ids(frame_id: int) -> set[int]:
    """Return the ids of the frames that a frame's own header names."""
    return {named_id for (named_id,) in read(NAMED_IDS, {"id": frame_id})}


def get_thumbnail(viewer: Viewer, frame_id: int, size: str) -> Thumbnail:
    """Return a frame's thumbnail of one size.

    Raises
    ------
    NotFound
        If there is none, or the viewer may not see the frame.
    """
    statement = select(Thumbnail, *READ_COLUMNS).join(Frame).where(Frame.id == frame_id, Thumbnail.size == size)
    found = db.session.execute(statement.where(visible_to(viewer))).one_or_none()
    if found is None:
        note_denied(viewer, "preview", Frame.id == frame_id)
        raise NotFound(f"Frame {frame_id} has no {size} preview.", code="thumbnail_not_found")
    note_privileged(viewer, "preview", [found[1:]])
    thumbnail: Thumbnail = found[0]
    return thumbnail


def find_frame_id_by_md5(md5: str) -> int | None:
    """Return the id of the frame that has a file with this content, whoever may see it: what ingest asks for each."""
    return db.session.scalar(FIND_FRAME_ID, {"md5": md5})


def find_version_by_md5(md5: str) -> Version | None:
    """Return the version with this content, whoever may see it: for ingest, which must know each file again."""
    return db.session.scalar(select(Version).where(Version.md5 == md5))


def find_archived(frame_id: int) -> tuple[FoundFrame, dict[str, Any]] | None:
    """Return a frame with its versions, and its header, whoever may see them: for the messages to pipelines."""
    statement: Select[Any] = select(*FRAME_COLUMNS, Header.data).outerjoin(Header).where(Frame.id == frame_id)
    row = db.session.execute(statement).one_or_none()
    return None if row is None else (FoundFrame(row, _list_versions(frame_id)), row.data or {})


#: What the audit has marked as lost is not known: a file that comes again takes its place.
FIND_FRAME_ID = select(VERSIONS.c.frame_id).where(
    VERSIONS.c.md5 == bindparam("md5"), VERSIONS.c.file_fault == FileFault.NONE
)
#: What the log is told of a frame that somebody reads.
READ_COLUMNS = (Frame.id, Frame.proposal_id, Frame.public_date)


def _deny(viewer: Viewer, what: str, frame_id: int) -> NoReturn:
    note_denied(viewer, what, Frame.id == frame_id)
    raise NotFound(f"There is no frame {frame_id} that you may see.", code="frame_not_found")


def _gather(rows: Sequence[Row[Any]]) -> dict[int, FoundFrame]:
    """Return the frames of a page's rows, by their ids, each with its versions, the newest first."""
    found: dict[int, FoundFrame] = {}
    for row in rows:
        frame = found.get(row[0])
        if frame is None:
            found[row[0]] = frame = FoundFrame(row, [], _read_ids(*row[END_OF_VERSION:]))
        if row[FIRST_OF_VERSION] is not None:
            frame.versions.append(FoundVersion._make(row[FIRST_OF_VERSION:END_OF_VERSION]))
            if len(frame.versions) > 1:
                frame.versions.sort(reverse=True)
    return found


def _list_versions(frame_id: int) -> list[FoundVersion]:
    statement = select(*VERSION_COLUMNS).where(VERSIONS.c.frame_id == frame_id).order_by(VERSIONS.c.id.desc())
    return [FoundVersion(*row) for row in db.session.execute(statement)]


def _read_ids(text: str | None = None) -> list[int]:
    """Read ids with commas between them: as JSON, that is quickest."""
    return sorted(orjson.loads(f"[{text}]")) if text else []
