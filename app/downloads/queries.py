"""Reads of stored files: for whoever holds a granted link, and for a viewer the newest file of each frame."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, bindparam, func, select
from sqlalchemy.orm import joinedload

from app.accounts.viewer import Viewer
from app.columns import Values, is_one_of
from app.downloads.actions import redeem_link, redeem_thumbnail_link
from app.errors import NotFound
from app.extensions import db, get_table
from app.frames.models import Frame, Thumbnail, Version
from app.frames.visibility import build_visible, describe_sight, note_denied, note_link, note_privileged
from app.reading import read

FRAMES, VERSIONS = get_table(Frame), get_table(Version)
NEWEST_ID = select(func.max(VERSIONS.c.id)).where(VERSIONS.c.frame_id == FRAMES.c.id).correlate(FRAMES)
NEWEST_VERSIONS = (
    select(
        FRAMES.c.id,
        FRAMES.c.basename,
        VERSIONS.c.extension,
        VERSIONS.c.store_path,
        VERSIONS.c.key,
        VERSIONS.c.md5,
        VERSIONS.c.size,
        FRAMES.c.proposal_id,
        FRAMES.c.public_date,
    )
    .join_from(FRAMES, VERSIONS, VERSIONS.c.id == NEWEST_ID.scalar_subquery())
    .where(is_one_of(FRAMES.c.id, bindparam("ids", type_=Values(BigInteger))), build_visible(FRAMES))
)


@dataclass(frozen=True)
class StoredVersion:
    """A frame's newest file: what it is called, where it is, and what it must be. It needs no database any more."""

    frame_id: int
    basename: str
    extension: str
    store_path: str
    key: str
    md5: str
    size: int | None  # bytes; unknown where an OCS client stored the file

    @property
    def filename(self) -> str:
        return f"{self.basename}{self.extension}"


def get_granted_version(token: str) -> Version:
    """Return the version that a link's token grants, with its frame.

    Raises
    ------
    NotFound
        If the link is no good, or the version is gone.
    """
    version = db.session.scalar(
        select(Version).where(Version.id == redeem_link(token)).options(joinedload(Version.frame))
    )
    if version is None:
        raise NotFound("The file of this link is no longer in the archive.", code="version_gone")
    note_link("file", version.frame)
    return version


def get_granted_thumbnail(token: str) -> Thumbnail:
    """Return the thumbnail that a link's token grants.

    Raises
    ------
    NotFound
        If the link is no good, or another picture has taken its place.
    """
    thumbnail_id, key = redeem_thumbnail_link(token)
    statement = select(Thumbnail).where(Thumbnail.id == thumbnail_id, Thumbnail.key == key)
    thumbnail = db.session.scalar(statement.options(joinedload(Thumbnail.frame)))
    if thumbnail is None:
        raise NotFound("The picture of this link is no longer in the archive.", code="thumbnail_gone")
    note_link("picture", thumbnail.frame)
    return thumbnail


def list_newest_versions(viewer: Viewer, frame_ids: Sequence[int]) -> list[StoredVersion]:
    """Return the newest file of each of some frames, once and in their order, as far as the viewer may see them."""
    rows = read(NEWEST_VERSIONS, describe_sight(viewer) | {"ids": list(frame_ids)})
    note_privileged(viewer, "files", [(row.id, row.proposal_id, row.public_date) for row in rows])
    found = {row.id: StoredVersion(*tuple(row)[:-2]) for row in rows}
    if missing := set(frame_ids) - found.keys():
        note_denied(viewer, "files", Frame.id.in_(missing))
    return [found[frame_id] for frame_id in dict.fromkeys(frame_ids) if frame_id in found]


def get_newest_version(viewer: Viewer, frame_id: int) -> StoredVersion:
    """Return the newest file of a frame.

    Raises
    ------
    NotFound
        If there is no such frame, the viewer may not see it, or it has no file.
    """
    versions = list_newest_versions(viewer, [frame_id])
    if not versions:
        raise NotFound(f"There is no frame {frame_id} with a file that you may see.", code="frame_not_found")
    return versions[0]
