"""Receiving a file: its bytes go straight from the connection to the upload folder, never to memory."""

import errno
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from app.errors import BadRequest, Unavailable
from app.extensions import get_config
from ocs_archive.storage.filesystemstore import sync_folder

log = logging.getLogger(__name__)

NO_ROOM_ERRNOS = {errno.ENOSPC, errno.EDQUOT}
NO_ROOM = {
    "uploads.full": "The archive has no room for uploads at the moment; please keep the file and try again.",
    "uploads.quota": "Too much of what you have uploaded waits to be archived; please keep the file and try again.",
}


class UploadRequest(Request):
    """A request whose file parts can be received into a folder."""

    upload_folder: Path | None = None

    def _get_file_stream(self, *args: Any, **kwargs: Any) -> IO[bytes]:
        if self.upload_folder is None:
            return super()._get_file_stream(*args, **kwargs)
        return tempfile.NamedTemporaryFile(dir=self.upload_folder, delete=False)


@contextmanager
def receive_file(request: UploadRequest, upload: Path, waiting_bytes: int) -> Iterator[str]:
    """Write the form's part ``file`` to `upload`, safe on disk, and give the sender's name for it.

    An error inside the block, or while the file comes in, leaves nothing behind.

    Parameters
    ----------
    waiting_bytes
        Of the files that the sender has uploaded, and that wait to be archived.

    Raises
    ------
    BadRequest
        If there is no such part.
    Unavailable
        If there is no room for it, on the disk or in the sender's quota: before it comes in, if its length is told.
    """
    with _told_if_full(upload.parent), _receiving(request, upload), _told_if_too_large(request, upload, waiting_bytes):
        file = request.files.get("file")
        if file is None:
            raise BadRequest("file: send the file as the form's part “file”.", fields={"file": ["Missing."]})
        file.stream.flush()
        os.fsync(file.stream.fileno())
        Path(file.stream.name).rename(upload)
        sync_folder(upload.parent)
        yield file.filename or ""


@contextmanager
def _told_if_too_large(request: UploadRequest, upload: Path, waiting_bytes: int) -> Iterator[None]:
    """Let as much of the request in as there is room for; only what is never taken is the sender's fault."""
    config = get_config()
    rooms = {"uploads.full": shutil.disk_usage(upload.parent).free - config.upload_reserve_bytes}
    if config.upload_quota_bytes:
        rooms["uploads.quota"] = config.upload_quota_bytes - waiting_bytes
    code, room = min(rooms.items(), key=lambda item: item[1])
    request.max_content_length = min(config.max_upload_bytes, max(room, 0))
    try:
        yield
    except RequestEntityTooLarge:
        if max(request.max_content_length, request.content_length or 0) >= config.max_upload_bytes:
            raise
        log.error("an upload is refused, %s: there is room for %d bytes more", code, room)
        raise Unavailable(NO_ROOM[code], code=code) from None


@contextmanager
def _receiving(request: UploadRequest, upload: Path) -> Iterator[None]:
    """Give the request a folder for what comes in; it is removed, and after an error also the upload."""
    request.upload_folder = Path(tempfile.mkdtemp(prefix="receiving-", dir=upload.parent))
    try:
        yield
    except BaseException:
        upload.unlink(missing_ok=True)
        raise
    finally:
        shutil.rmtree(request.upload_folder, ignore_errors=True)


@contextmanager
def _told_if_full(folder: Path) -> Iterator[None]:
    """Tell the sender, and the log, that there is no room."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM_ERRNOS:
            raise
        log.error("the disk of %s is full", folder)
        raise Unavailable(NO_ROOM["uploads.full"], code="uploads.full") from error
