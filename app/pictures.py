"""How a thumbnail is answered: as a picture that the browser shows, and keeps for itself."""

import io
import mimetypes

from flask import Response, send_file

from app.errors import NotFound
from app.extensions import get_file_store
from app.frames.models import Thumbnail

PICTURE_LIFE_S = 3600
#: What browsers show and nothing runs in; what has another name is downloaded.
PICTURE_TYPES = {"image/jpeg", "image/png", "image/gif", "image/webp"}


def build_picture(thumbnail: Thumbnail) -> Response:
    """Return the answer that shows a thumbnail.

    Raises
    ------
    NotFound
        If the file store has it no more.
    """
    filename = thumbnail.store_path.rpartition("/")[2]
    with get_file_store().get_fileobj(thumbnail.store_path, thumbnail.key) as file:
        if file is None:
            raise NotFound(f"The file store has lost the picture {filename}.", code="file_missing")
        content = io.BytesIO(file.read())
    guessed = mimetypes.guess_type(filename)[0]
    mimetype = guessed if guessed in PICTURE_TYPES else "application/octet-stream"
    etag = thumbnail.md5 or False
    response = send_file(content, mimetype, download_name=filename, etag=etag, max_age=PICTURE_LIFE_S)
    response.cache_control.public, response.cache_control.private = False, True
    return response
