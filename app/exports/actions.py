"""An answer that is an export: whichever frames it is of."""

import datetime as dt
from collections.abc import Iterator
from functools import partial

from flask import Response, copy_current_request_context

from app.accounts.viewer import Viewer
from app.errors import BadRequest
from app.exports.formats import FORMATS
from app.exports.script import MOST_SCRIPTED
from app.extensions import get_config
from app.frames.lists import Ids, iter_frames


def respond_export(viewer: Viewer, ending: str, ids: Ids) -> Response:
    """Answer with frames in one of the `FORMATS`, as a stream.

    Raises
    ------
    BadRequest
        If they are more than the script takes.
    """
    form = FORMATS[ending]
    if ending == "sh" and len(ids) > MOST_SCRIPTED:
        message = f"A script downloads at most {MOST_SCRIPTED:,} files, not {len(ids):,}: search for fewer at a time."
        raise BadRequest(message, code="too_many")
    batches = iter_frames(viewer, "export", ids, {"include_related_frames": form.related_frames})
    return respond_stream(form.write(batches), form.media_type, f"{len(ids)}.{ending}")


def respond_stream(blocks: Iterator[bytes], media_type: str, ending: str) -> Response:
    """Answer with a file that is made block by block, the archive's name and the day before its ending."""
    response = Response(_stream(blocks), mimetype=media_type)
    name = f"{get_config().zip_download_filename_base}-{dt.datetime.now(dt.UTC):%Y%m%d}-{ending}"
    response.headers.set("Content-Disposition", "attachment", filename=name)
    response.cache_control.private = True
    return response


def _stream(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Make each block in the request's context, which ends with it: between two of them nothing is held."""
    make_next = copy_current_request_context(partial(next, blocks, None))
    return iter(make_next, None)
