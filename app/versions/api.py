"""Versions over HTTP, for who may ingest: an OCS client asks here whether the archive has a file already."""

from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy import Row

from app.accounts.viewer import require_job_reader
from app.downloads.actions import Links
from app.frames.records import build_version
from app.params import parse_query
from app.versions import queries
from app.versions.schemas import VersionSearchSchema

blueprint = Blueprint("versions_api", __name__)


@blueprint.get("/versions/")
def list_versions() -> ResponseReturnValue:
    """Search for versions."""
    viewer = require_job_reader()
    return queries.list_versions(viewer, parse_query(VersionSearchSchema())).build(_build_record)


@blueprint.get("/versions/<int:version_id>/")
def show_version(version_id: int) -> ResponseReturnValue:
    """One version."""
    return _build_record(queries.get_version(require_job_reader(), version_id))


def _build_record(version: Row[Any]) -> dict[str, Any]:
    frame = {"frame_id": version.frame_id, "basename": version.basename}
    return build_version(version, version.basename, Links()) | frame
