"""``/health/``, ``/ready`` and ``/metrics``."""

from http import HTTPStatus

from flask import Blueprint, Response, current_app, jsonify
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST

from app.accounts.viewer import require_operator
from app.extensions import get_config
from app.monitoring.metrics import write_metrics
from app.monitoring.parts import OK, Part, Parts

NO_STORE = {"Cache-Control": "no-store"}

blueprint = Blueprint("monitoring", __name__)


@blueprint.get("/health/")
def show_health() -> Response:
    """Say that the web process answers; it asks nobody else."""
    return jsonify("ok")


@blueprint.get("/ready")
def show_readiness() -> ResponseReturnValue:
    """Say which parts are there. Without the database nothing can be served; whatever waits for the others is kept."""
    parts = _get_parts().ask()
    is_ready = parts[Part.DATABASE] == OK
    return jsonify(parts), HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE, NO_STORE


@blueprint.get("/metrics")
def show_metrics() -> ResponseReturnValue:
    """Tell Prometheus how ingest goes."""
    if not get_config().metrics_public:
        require_operator()
    parts = _get_parts()
    return write_metrics(parts.ask(), parts.redis), {"Content-Type": CONTENT_TYPE_LATEST, **NO_STORE}


def _get_parts() -> Parts:
    parts: Parts = current_app.extensions["parts"]
    return parts
