"""Targets and their frames, for programs and as tables."""

from collections.abc import Iterator
from typing import Any

from app.accounts.viewer import Viewer
from app.exports.columns import COLUMNS
from app.exports.formats import defuse, join_csv
from app.frames.lists import BATCH, iter_frames
from app.targets.queries import FoundTarget, FoundTargets
from app.times import format_time

FIELDS = ("line", "text", "name", "ra", "dec", "source", "read_as", "radius", "count", "newest", "filters", "error")


def build_record(each: FoundTarget) -> dict[str, Any]:
    """Return what is told of a target; what is not known is None."""
    position = each.target.position
    return {
        "line": each.line.number,
        "text": each.line.text,
        "name": each.title,
        "ra": position and position.ra_deg,
        "dec": position and position.dec_deg,
        "source": position and position.source,
        "read_as": position and position.label,
        "radius": each.radius_deg,
        "count": each.count,
        "newest": format_time(each.newest),
        "filters": list(each.found.filters),
        "error": each.target.fault or None,
    }


def write_targets(found: FoundTargets) -> Iterator[bytes]:
    """Write the targets as CSV, a row each."""
    yield join_csv([list(FIELDS)])
    rows = (build_record(each) | {"filters": " ".join(each.found.filters)} for each in found.targets)
    yield join_csv([defuse(row[name]) for name in FIELDS] for row in rows)


def write_frames(viewer: Viewer, found: FoundTargets) -> Iterator[bytes]:
    """Write the frames as CSV, target by target; a frame of several targets stands under each of them."""
    yield join_csv([["target", *(column.name for column in COLUMNS)]])
    pairs = [(each.title, int(frame_id)) for each in found.targets for frame_id in each.found.ids]
    for begin in range(0, len(pairs), BATCH):
        part = pairs[begin : begin + BATCH]
        ids = sorted({frame_id for _, frame_id in part})
        frames = {frame.row.id: frame for batch in iter_frames(viewer, "export", ids, OPTIONS) for frame in batch}
        shown = [(title, frames[frame_id]) for title, frame_id in part if frame_id in frames]
        yield join_csv(
            [defuse(value) for value in (title, *(column.value(frame) for column in COLUMNS))] for title, frame in shown
        )


OPTIONS = {"include_related_frames": False}
