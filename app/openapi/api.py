"""``/openapi/``: what programs can ask, for programs."""

import json
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, url_for

from app.extensions import get_config
from app.openapi.document import build_document

EXAMPLES = Path(__file__).with_name("examples.json")

blueprint = Blueprint("openapi_api", __name__)


@blueprint.get("/openapi/")
def show_document() -> Response:
    """What programs can ask here: OpenAPI 3.1."""
    return jsonify(describe_archive())


def describe_archive() -> dict[str, Any]:
    """Return the OpenAPI document of this archive, at the address at which it was asked for."""
    server_url = url_for("frames_views.search", _external=True).rstrip("/")
    examples = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    return build_document(current_app._get_current_object(), get_config().archive_name, server_url, examples)  # type: ignore[attr-defined]  # the proxy's own
