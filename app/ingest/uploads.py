"""Receiving a file: its bytes go straight from the connection to the upload folder, never to memory."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from flask import Request

from app.errors import BadRequest


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
    """
    request.max_content_length = largest_bytes
    request.upload_folder = Path(tempfile.mkdtemp(prefix="receiving-", dir=upload.parent))
    try:
        file = request.files.get("file")
        if file is None:
            raise BadRequest("file: send the file as the form's part “file”.", fields={"file": ["Missing."]})
        file.stream.flush()
        os.fsync(file.stream.fileno())
        Path(file.stream.name).rename(upload)
        yield file.filename or ""
    except BaseException:
        upload.unlink(missing_ok=True)
        raise
    finally:
        shutil.rmtree(request.upload_folder, ignore_errors=True)
