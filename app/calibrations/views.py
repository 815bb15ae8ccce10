"""The calibrations of a frame: a page for a browser, JSON for a program."""

from typing import Any

from flask import Blueprint, jsonify, render_template
from flask.typing import ResponseReturnValue

from app.accounts.viewer import current_viewer
from app.calibrations.queries import FrameCalibrations, find_calibrations
from app.downloads.actions import Links
from app.errors import wants_html
from app.frames.queries import get_frame
from app.frames.records import build_record

blueprint = Blueprint("calibrations_views", __name__)


@blueprint.get("/frames/<int:frame_id>/calibrations")
def show_calibrations(frame_id: int) -> ResponseReturnValue:
    """The calibrations of a frame: those that its header names, or else, of each kind, the nearest that suit it.

    Of the same site, telescope, instrument and binning; within a year; flats and arcs of the same filter.
    """
    viewer = current_viewer()
    frame = get_frame(viewer, frame_id, {"include_related_frames": False})
    (found,) = find_calibrations(viewer, [frame])
    if wants_html():
        return render_template("calibrations/calibrations.html", found=found)
    return jsonify(_build_record(found))


def _build_record(found: FrameCalibrations) -> dict[str, Any]:
    links = Links()
    return {
        "frame_id": found.frame.row.id,
        "calibrations": [
            {
                "kind": each.kind.name,
                "reason": each.reason,
                "is_own": each.is_own,
                "is_best": each.is_best,
                "frame": build_record(each.frame, links, related_frames=False),
            }
            for calibrations in found.by_kind.values()
            for each in calibrations
        ],
        "missing": [kind.name for kind in found.missing],
    }
