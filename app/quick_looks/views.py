"""A frame's picture with its values, for the page of the frame."""

from flask import Blueprint, Response, current_app, request

from app.accounts.viewer import current_viewer
from app.downloads.queries import get_newest_version
from app.extensions import get_config, get_file_store
from app.quick_looks.kept import KeptQuickLooks, name_quick_look
from app.quick_looks.making import get_quick_look

LIFE_S = 3600  # in the browser of who may see the frame; then it asks whether the file is still the newest

blueprint = Blueprint("quick_looks_views", __name__)


@blueprint.get("/frames/<int:frame_id>/quicklook")
def show_quick_look(frame_id: int) -> Response:
    """The science image of a frame's newest file, reduced: gzip; what is in it, its maker says."""
    version = get_newest_version(current_viewer(), frame_id)
    name = name_quick_look(version.md5)
    response = current_app.response_class(mimetype="application/gzip")
    response.set_etag(name)
    response.cache_control.private, response.cache_control.max_age = True, LIFE_S
    if request.if_none_match.contains(name):
        response.status_code = 304
        return response
    kept = KeptQuickLooks(get_config().data_dir / "quick-looks", get_config().quick_look_cache_bytes)
    response.set_data(get_quick_look(kept, get_file_store(), get_config().upload_dir, version))
    return response
