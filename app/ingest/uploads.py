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

from app.errors import BadRequest, Unavailable
from ocs_archive.storage.filesystemstore import sync_folder

log = logging.getLogger(__name__)

NO_ROOM_ERRNOS = {errno.ENOSPC, errno.EDQUOT}


class UploadRequest(Request):
    """A request whose file parts can be received into a folder."""

    upload_folder: Path | None = None

    def _get_file_stream(self, *args: Any, **kwargs: Any) -> IO[bytes]:
        if self.upload_folder is None:
            return super()._get_file_stream(*args, **kwargs)
        return tempfile.NamedTemporaryFile(dir=self.upload_folder, delete=False)


@contextmanager
def receive_file(request: UploadRequest, upload: Path, largest_bytes: int) -> Iterator[str]:
    """Write the form's part ``file`` to `upload`, safe on disk, and give the sender's name for it.

    An error inside the block, or while the file comes in, leaves nothing behind.

    Raises
    ------
    BadRequest
        If there is no such part.
    Unavailable
        If the disk is full.
    """
    request.max_content_length = largest_bytes
    with _told_if_full(upload.parent), _receiving(request, upload):
        file = request.files.get("file")
        if file is None:
            raise BadRequest("file: send the file as the form's part “file”.", fields={"file": ["Missing."]})
        file.stream.flush()
        os.fsync(file.stream.fileno())
        Path(file.stream.name).rename(upload)
        sync_folder(upload.parent)
        yield file.filename or ""


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
        raise Unavailable(
            "The archive has no room for uploads at the moment; please keep the file and try again.",
            code="uploads.full",
        ) from error
