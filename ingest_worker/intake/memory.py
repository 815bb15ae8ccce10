"""What was taken from watched folders: remembered in the transaction that adds the job, and in the end forgotten."""

import datetime as dt
import os
import stat
from collections.abc import Collection
from pathlib import Path

from sqlalchemy import delete, select

from app.extensions import db
from app.ingest.actions import submit_file
from app.ingest.bell import ring
from app.ingest.models import Door, WatchedFile
from ingest_worker.intake.watching import Signature, sign

REMEMBERED = dt.timedelta(days=7)  # for so long after it was taken a file that is gone may come back
PAGE = 1000


class ChangedError(Exception):
    """A file changed at the moment when it was to be taken: it must become quiet again."""


def recall(paths: Collection[str]) -> dict[str, Signature]:
    """Return as what those of some files were taken that were."""
    known = db.session.execute(
        select(WatchedFile.path, WatchedFile.size, WatchedFile.modified_ns).where(WatchedFile.path.in_(paths))
    )
    return {path: (size, modified_ns) for path, size, modified_ns in known}


def take(path: str, signature: Signature) -> None:
    """Commit the job of a quiet file together with the memory of it, and ring.

    Raises
    ------
    ChangedError
        If it is no longer what it was.
    BadRequest, OSError
        If it can't be taken.
    SQLAlchemyError
        If the database is away; `IntegrityError` if another process took it at this moment.
    """
    check_unchanged(path, signature)
    job = submit_file(Path(path), Door.FOLDER)
    job_id, copy = job.id, Path(job.filepath) if job.is_upload else None
    try:
        if copy:
            check_unchanged(path, signature)  # while it was copied
        _remember(path, signature, job_id)
    except BaseException:
        db.session.rollback()
        if copy:
            copy.unlink(missing_ok=True)
        raise
    db.session.commit()
    ring(job_id)


def check_unchanged(path: str, signature: Signature) -> None:
    """Open a file and look at it: only so does NFS ask its server, and not its memory, how the file is.

    Raises
    ------
    ChangedError
    OSError
        If it can't be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)  # whatever has taken its place
    try:
        status = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if not stat.S_ISREG(status.st_mode) or sign(status) != signature:
        raise ChangedError(path)


def forget_vanished(root: str, after: str) -> str:
    """Drop a page of what was taken from a folder long ago and is no longer there, and commit.

    Returns
    -------
    str
        After which path to go on; empty at the end.
    """
    old = WatchedFile.taken < dt.datetime.now(dt.UTC) - REMEMBERED
    below = (WatchedFile.path > max(after, f"{root}/"), WatchedFile.path < f"{root}0")  # 0 follows the slash
    page = select(WatchedFile.path).where(old, *below).order_by(WatchedFile.path).limit(PAGE)
    paths = db.session.scalars(page).all()
    gone = [path for path in paths if _is_gone(path)]
    if gone:
        db.session.execute(delete(WatchedFile).where(WatchedFile.path.in_(gone), old))
    db.session.commit()
    return paths[-1] if len(paths) == PAGE else ""


def _remember(path: str, signature: Signature, job_id: int) -> None:
    size, modified_ns = signature
    taken = dt.datetime.now(dt.UTC)
    db.session.merge(WatchedFile(path=path, size=size, modified_ns=modified_ns, job_id=job_id, taken=taken))
    db.session.flush()


def _is_gone(path: str) -> bool:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # it may be there, as on a server that is away
        return False
    return False
