"""Links of stored files, by what is in them."""

from collections.abc import Collection

from sqlalchemy import select

from app.accounts.viewer import Viewer
from app.downloads.actions import grant_link
from app.extensions import db
from app.frames.models import Frame, Version
from app.frames.visibility import note_denied, note_privileged, visible_to


def list_links(viewer: Viewer, md5s: Collection[str]) -> dict[str, str]:
    """Return links of the files with some MD5s, by these, as far as the viewer may see their frames."""
    columns = (Version.id, Version.md5, Version.extension, Frame.basename, Version.frame_id)
    statement = select(*columns, Frame.proposal_id, Frame.public_date).join(Frame).where(Version.md5.in_(md5s))
    rows = db.session.execute(statement.where(visible_to(viewer))).all()
    note_privileged(viewer, "files", [(row.frame_id, row.proposal_id, row.public_date) for row in rows])
    if missing := set(md5s) - {row.md5 for row in rows}:
        note_denied(viewer, "files", Frame.id.in_(select(Version.frame_id).where(Version.md5.in_(missing))))
    return {row.md5: grant_link(row.id, f"{row.basename}{row.extension}") for row in rows}
