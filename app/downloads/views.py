"""Handing out files by granted links."""

from pathlib import Path

from flask import Blueprint, Response, redirect, request, send_file
from werkzeug.wrappers import Response as AnyResponse

from app.downloads.attachments import name_attachment
from app.downloads.queries import get_granted_thumbnail, get_granted_version
from app.errors import NotFound
from app.extensions import get_file_store
from app.frames.models import Version
from app.pictures import build_picture
from ocs_archive.storage.filesystemstore import FileSystemStore

PRESIGNED_LIFE_S = 3600  # long enough to begin; a transfer that has begun goes on

blueprint = Blueprint("downloads", __name__)


@blueprint.get("/downloads/<token>/<path:filename>")
def download(token: str, filename: str) -> AnyResponse:
    """Give the file of a link; the filename in it is only for people and for ``curl -O``."""
    version = get_granted_version(token)
    store = get_file_store()
    if isinstance(store, FileSystemStore):
        return _send(version, _find_file(store, version))
    return redirect(store.get_url(version.store_path, version.key, PRESIGNED_LIFE_S))


@blueprint.get("/pictures/<token>/<path:filename>")
def show_thumbnail(token: str, filename: str) -> Response:
    """Show the thumbnail of a link; the filename in it is only for people."""
    return build_picture(get_granted_thumbnail(token))


def _find_file(store: FileSystemStore, version: Version) -> Path:
    path = store.find_file(version.store_path, version.key)
    if path is None:
        raise NotFound("The file store has lost the file of this version.", code="file_missing")
    return path


def _send(version: Version, path: Path) -> Response:
    """Send a file, or the range of it that was asked for: a transfer that broke off can go on.

    Several ranges at once, and units other than bytes, may be answered by the whole file (RFC 9110, 14.2).
    """
    if request.range is None or len(request.range.ranges) > 1:
        request.environ.pop("HTTP_RANGE", None)
    response = send_file(
        path,
        mimetype="application/octet-stream",
        conditional=True,
        etag=version.md5,
    )
    name_attachment(response.headers, f"{version.frame.basename}{version.extension}")
    response.cache_control.private = True
    return response
