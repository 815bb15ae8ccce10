"""Whether the archive is alive."""

from flask import Blueprint, Response, jsonify

blueprint = Blueprint("health", __name__)


@blueprint.get("/health/")
def show_health() -> Response:
    """Say that the web process answers; it asks nobody else."""
    return jsonify("ok")
