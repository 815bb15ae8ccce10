"""All reads of frames. What a viewer gets to see goes through `visible_to`: there is no second way to a row.

`find_version_by_md5`, `find_frame_id_by_md5` and `list_named_ids` take no viewer: they show nothing, and serve ingest
and the order of a page. Nor does `find_archived`: whom the operator names in the settings is told of every frame.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import (
    Row,
    Select,
    and_,
    bindparam,
    case,
    literal,
    select,
    union,
)

from app.accounts.viewer import Viewer
from app.errors import NotFound
from app.extensions import db, get_table
from app.frames.models import FileFault, Frame, Header, RelatedFrame, Thumbnail, Version
from app.frames.visibility import note_denied, note_privileged, visible_to


@dataclass(frozen=True)
class FoundFrame:
    """A frame's row with what hangs on it. The newest version comes first."""

    row: Row[Any]
    versions: Sequence[Row[Any]] = ()
    related_ids: Sequence[int] = ()
    thumbnails: Mapping[str, Row[Any]] = field(default_factory=dict)

    def find_thumbnail(self, *sizes: str) -> Row[Any] | None:
        """Return the first of these sizes in which there is a picture."""
        return next((self.thumbnails[size] for size in sizes if size in self.thumbnails), None)

    @property
    def filename(self) -> str:
        return f"{self.row.basename}{self.versions[0].extension}" if self.versions else self.row.basename


def fetch_frames(viewer: Viewer, ids: Sequence[int]) -> list[Row[Any]]:
    """Fetch some frames in the order of their ids' list."""
    rows = db.session.execute(select(*FRAME_COLUMNS).where(Frame.id.in_(ids), visible_to(viewer)))
    by_id = {row.id: row for row in rows}
    return [by_id[frame_id] for frame_id in ids if frame_id in by_id]


def get_frame(viewer: Viewer, frame_id: int) -> FoundFrame:
    """Return one frame.

    Raises
    ------
    NotFound
        If there is none, or the viewer may not see it.
    """
    row = _find_visible(viewer, frame_id, "record", *FRAME_COLUMNS)
    return show_frames(viewer, "record", [row], {"include_thumbnails": True})[0]


def get_written_frame(viewer: Viewer, frame_id: int, new: Mapping[str, Any]) -> FoundFrame:
    """Return a frame as the answer to whoever has just described it.

    To write a frame is not to read it: its other files, and the public date of a ruling, are for those who may see it.

    Parameters
    ----------
    new
        As `app.frames.schemas.PostedFrameSchema` loads it.
    """
    md5s = {version["md5"] for version in new["version_set"]}
    others = (column for column in FRAME_COLUMNS if column.key != Frame.public_date.key)
    posted = literal(new["public_date"], Frame.public_date.type)
    public_date = case((visible_to(viewer), Frame.public_date), else_=posted).label(Frame.public_date.key)
    statement: Select[Any] = select(*others, public_date, visible_to(viewer)).where(Frame.id == frame_id)
    row = db.session.execute(statement).one()
    (found,) = _attach(viewer, [row], {})
    *_, is_visible = row
    return found if is_visible else replace(found, versions=[sent for sent in found.versions if sent.md5 in md5s])


def get_headers(viewer: Viewer, frame_id: int) -> dict[str, Any]:
    """Return a frame's FITS header; a frame that came without one has none.

    Raises
    ------
    NotFound
        As `get_frame`.
    """
    data = select(Header.data).where(Header.frame_id == Frame.id).scalar_subquery()
    found = _find_visible(viewer, frame_id, "header", *READ_COLUMNS, data.label("data"))
    note_privileged(viewer, "header", [(found.id, found.proposal_id, found.public_date)])
    return found.data or {}


def list_related(viewer: Viewer, frame_id: int) -> list[FoundFrame]:
    """Return the frames that a frame names and those that name it, as far as the viewer may see them.

    Raises
    ------
    NotFound
        As `get_frame`.
    """
    _find_visible(viewer, frame_id, "related frames", Frame.id)
    related_ids = _related_ids(viewer, [frame_id]).get(frame_id, [])
    statement = select(*FRAME_COLUMNS).where(Frame.id.in_(related_ids), visible_to(viewer)).order_by(Frame.id)
    return show_frames(viewer, "related frames", db.session.execute(statement).all(), {"include_thumbnails": True})


def list_named_ids(frame_id: int) -> set[int]:
    """Return the ids of the frames that a frame's own header names."""
    return set(db.session.scalars(select(RelatedFrame.related_id).where(RelatedFrame.frame_id == frame_id)))


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
    if row is None:
        return None
    return FoundFrame(row, _versions([frame_id]).get(frame_id, ())), row.data or {}


VERSIONS = get_table(Version)
#: What the audit has marked as lost is not known: a file that comes again takes its place.
FIND_FRAME_ID = select(VERSIONS.c.frame_id).where(
    VERSIONS.c.md5 == bindparam("md5"), VERSIONS.c.file_fault == FileFault.NONE
)
#: What the log is told of a frame that somebody reads.
READ_COLUMNS = (Frame.id, Frame.proposal_id, Frame.public_date)
FRAME_COLUMNS = tuple(column for column in Frame.__table__.columns if column.name != "target_name_ascii")


def _find_visible(viewer: Viewer, frame_id: int, what: str, *columns: Any) -> Row[Any]:
    row = db.session.execute(select(*columns).where(Frame.id == frame_id, visible_to(viewer))).one_or_none()
    if row is None:
        note_denied(viewer, what, Frame.id == frame_id)
        raise NotFound(f"There is no frame {frame_id} that you may see.", code="frame_not_found")
    return row


def show_frames(viewer: Viewer, what: str, rows: Sequence[Any], options: Mapping[str, Any]) -> list[FoundFrame]:
    """Attach what hangs on the frames that a viewer gets; the log is told of those that are hidden from others."""
    note_privileged(viewer, what, [(row.id, row.proposal_id, row.public_date) for row in rows])
    return _attach(viewer, rows, options)


def _attach(viewer: Viewer, rows: Sequence[Any], options: Mapping[str, Any]) -> list[FoundFrame]:
    """Fetch what hangs on the frames of a page, with one query for each kind."""
    ids = [row.id for row in rows]
    versions = _versions(ids)
    related = _related_ids(viewer, ids) if options.get("include_related_frames", True) else {}
    thumbnails = _thumbnails(ids) if options.get("include_thumbnails") else {}
    return [
        FoundFrame(
            row,
            versions.get(row.id, ()),
            related.get(row.id, ()),
            {thumbnail.size: thumbnail for thumbnail in thumbnails.get(row.id, ())},
        )
        for row in rows
    ]


def _versions(ids: list[int]) -> dict[int, list[Row[Any]]]:
    """Fetch the versions of some frames, the newest first."""
    return _by_frame(select(*Version.__table__.columns).order_by(Version.id.desc()), Version.frame_id, ids)


def _thumbnails(ids: list[int]) -> dict[int, list[Row[Any]]]:
    return _by_frame(select(*Thumbnail.__table__.columns).order_by(Thumbnail.id), Thumbnail.frame_id, ids)


def _by_frame(statement: Select[Any], frame_id: Any, ids: list[int]) -> dict[int, list[Row[Any]]]:
    grouped: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in db.session.execute(statement.where(frame_id.in_(ids))) if ids else ():
        grouped[row.frame_id].append(row)
    return grouped


def _related_ids(viewer: Viewer, ids: list[int]) -> dict[int, list[int]]:
    """Return the related frames in both directions: to OCS programs the relation has none."""
    if not ids:
        return {}
    pairs = union(
        select(RelatedFrame.frame_id.label("frame_id"), RelatedFrame.related_id.label("other_id")).where(
            RelatedFrame.frame_id.in_(ids)
        ),
        select(RelatedFrame.related_id, RelatedFrame.frame_id).where(RelatedFrame.related_id.in_(ids)),
    ).subquery()
    statement = select(pairs.c.frame_id, pairs.c.other_id).join(
        Frame, and_(Frame.id == pairs.c.other_id, visible_to(viewer))
    )
    related: dict[int, list[int]] = defaultdict(list)
    for frame_id, other_id in db.session.execute(statement.order_by(pairs.c.other_id)):
        related[frame_id].append(other_id)
    return related
