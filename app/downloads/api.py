"""Downloads by the ids of frames: many in a zip, one uncompressed, one's catalogue.

The zip is asked for by POST, because of its many ids, and only reads. So a session counts, and no CSRF token is asked
for: another site could make a browser load a file onto its own user's disk, and see nothing of it.
"""

import datetime as dt
import itertools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import marshmallow as ma
from flask import Blueprint, Response, request

from app.accounts.viewer import Viewer, current_viewer, find_viewer_by_token
from app.downloads import queries
from app.downloads.attachments import name_attachment
from app.downloads.bundles import Files, is_compressed
from app.downloads.conversion import CATALOG, UNPACKED
from app.downloads.queries import StoredVersion
from app.downloads.schemas import LARGEST_REQUEST_BYTES, MOST_FRAMES, ZipSchema, gather_form
from app.downloads.stored_files import BrokenStreamError
from app.downloads.zip_stream import Member, build_zip
from app.errors import BadRequest, NotFound, Unavailable
from app.extensions import get_config, get_file_store
from app.frames.lists import Ids
from app.params import build_bad_parameter, parse_body, parser
from ocs_archive.storage.filestore import FileStoreConnectionError, FileStoreSpecificationError

AS_STORED: Mapping[str, Any] = {"uncompress": False, "catalog_only": False}

blueprint = Blueprint("bundles", __name__)  # its name does not end in _api: a session counts for its POST


@blueprint.post("/frames/zip/")
def download_zip() -> Response:
    """Several frames' newest files in one zip, with a manifest."""
    asked = _parse_zip_request()
    response = respond_zip(_choose_viewer(asked["auth_token"]), asked["frame_ids"], asked)
    response.set_cookie("fileDownload", "true")  # a page's script waits for it: the download has begun
    return response


def respond_zip(viewer: Viewer, frame_ids: Ids, asked: Mapping[str, Any] = AS_STORED) -> Response:
    """Answer with the newest files of some frames, as far as a viewer may see them.

    Parameters
    ----------
    asked
        How, as `ZipSchema` loads it.

    Raises
    ------
    BadRequest
        If they are too many.
    NotFound
        If there is none.
    """
    if len(frame_ids) > MOST_FRAMES:
        message = (
            f"A zip takes at most {MOST_FRAMES:,} frames, not {len(frame_ids):,}: take the script, or search for fewer."
        )
        raise BadRequest(message, code="too_many")
    versions = queries.list_newest_versions(viewer, [int(frame_id) for frame_id in frame_ids])
    if not versions:
        raise NotFound("None of these frames has a file that you may see.", code="frame_not_found")
    with ExitStack() as resources:
        members = _take_members(_use_files(resources), versions, asked)
        name = f"{get_config().zip_download_filename_base}-{dt.datetime.now(dt.UTC):%Y%m%d}-{len(members)}"
        zipped = build_zip(name, members)
        return _respond(iter(zipped), len(zipped), f"{name}.zip", "application/zip", resources)


@blueprint.get("/frame-funpack/<int:frame_id>/funpack/")
def download_unpacked(frame_id: int) -> Response:
    """A frame's newest file, uncompressed; one that is not compressed is given as it is."""
    version = queries.get_newest_version(current_viewer(), frame_id)
    with ExitStack() as resources, _told():
        files = _use_files(resources)
        member = files.convert(UNPACKED, [version])[0] if is_compressed(version) else files.take_stored([version])[0]
        if isinstance(member, str):
            message = f"{version.filename} can't be uncompressed: {member}. Download it as it is."
            raise NotFound(message, code="file_undecodable")
        return _respond_member(member, resources)


@blueprint.get("/frame-catalog/<int:frame_id>/catalog/")
def download_catalog(frame_id: int) -> Response:
    """The catalogue in a frame's newest file: a small FITS file with the header of SCI and the table CAT."""
    version = queries.get_newest_version(current_viewer(), frame_id)
    with ExitStack() as resources, _told():
        member = _use_files(resources).convert(CATALOG, [version])[0]
        if isinstance(member, str):
            raise NotFound(f"{version.filename} has no catalogue: {member}.", code="catalog_not_found")
        return _respond_member(member, resources)


def _parse_zip_request() -> dict[str, Any]:
    schema = ZipSchema()
    if request.is_json:
        return parse_body(schema, LARGEST_REQUEST_BYTES)
    request.max_form_memory_size = LARGEST_REQUEST_BYTES
    request.max_form_parts = MOST_FRAMES + len(schema.fields)
    try:
        loaded: dict[str, Any] = schema.load(gather_form(request.form))
    except ma.ValidationError as error:
        parser.handle_error(error, request, schema)
    return loaded


def _choose_viewer(token: str | None) -> Viewer:
    """Return whom the token in the body speaks for; without one, whoever sends the request."""
    if not token:
        return current_viewer()
    viewer = find_viewer_by_token(token)
    if viewer is None:
        raise NotFound("This archive does not know the token in auth_token.", code="bad_token")
    return viewer


def _use_files(resources: ExitStack) -> Files:
    return Files(get_file_store(), get_config().upload_dir, resources)


def _take_members(files: Files, versions: list[StoredVersion], asked: Mapping[str, Any]) -> list[Member]:
    with _told():
        if asked["catalog_only"]:
            return _require_catalogs(files.take_catalogs(versions))
        if asked["uncompress"]:
            _check_count(len(versions))
            return files.take_unpacked(versions)
        return files.take_stored(versions)


def _require_catalogs(members: list[Member]) -> list[Member]:
    if not members:
        raise NotFound("None of these frames has a catalogue.", code="catalog_not_found")
    return members


def _check_count(count: int) -> None:
    most = get_config().zip_download_max_uncompressed_files
    if count > most:
        raise build_bad_parameter(
            {"uncompress": [f"At most {most} frames can be uncompressed at a time, not {count}."]}
        )


@contextmanager
def _told() -> Iterator[None]:
    """Turn what goes wrong in the store, before an answer has begun, into our errors."""
    try:
        yield
    except (FileStoreConnectionError, FileStoreSpecificationError) as error:
        raise Unavailable(f"The file store does not answer: {error}", code="store_unavailable") from error
    except BrokenStreamError as error:
        raise NotFound(f"The file store has lost this file: {error}", code="file_missing") from error


def _respond_member(member: Member, resources: ExitStack) -> Response:
    """Answer with one file; its first block is made before, so that most errors are still told."""
    blocks = member.iter_blocks()
    first = next(blocks, b"")
    mimetype = "application/fits" if member.name.endswith(".fits") else "application/octet-stream"
    return _respond(itertools.chain([first], blocks), member.size, member.name, mimetype, resources)


def _respond(blocks: Iterable[bytes], size: int, name: str, mimetype: str, resources: ExitStack) -> Response:
    """Answer with an attachment; whatever it needs is closed at its end, or when the client hangs up."""
    response = Response(blocks, mimetype=mimetype)
    response.content_length = size
    name_attachment(response.headers, name)
    response.cache_control.private = True
    response.call_on_close(resources.pop_all().close)
    return response
