"""The columns of this process, as the rooms ask for them, and which frames have changed."""

import datetime as dt
import json
from typing import cast

from flask import current_app

from app.accounts.viewer import Viewer
from app.frame_columns.changes import Mark, mark_now
from app.frame_columns.conditions import Condition
from app.frame_columns.refresh import FrameColumns
from app.frame_columns.selection import Selection, Sight
from app.frame_columns.times import to_microseconds
from app.reading import read_primary


def find_file_age_s() -> float | None:
    """Return how long ago this machine's file of the columns was made; None: there is none."""
    return _get_columns().find_age_s()


def select_frames(viewer: Viewer, condition: Condition) -> Selection | None:
    """Return the frames that meet a condition and that a viewer may see by now; None: the columns are being made."""
    columns = _get_columns().refresh()
    sight = Sight(to_microseconds(dt.datetime.now(dt.UTC)), viewer.proposals, viewer.is_admin)
    return None if columns is None else Selection(columns, condition, sight)


def find_changed_frames(position: str, most: int) -> tuple[set[int] | None, str]:
    """Return the ids of the frames that have changed since a position, as far as is committed, and the one after them.

    Parameters
    ----------
    position
        As it was returned before; empty: none.
    most
        Changes that are looked at.

    Returns
    -------
    tuple
        None in the place of the ids: it can't be told, or there are more changes.
    """
    mark = _read_position(position) if position else None
    found = mark.find_changes(most, read_primary) if mark and mark.is_past(read_primary) else None
    return (None, _write_position(mark_now(read_primary))) if found is None else (found[0], _write_position(found[1]))


def _read_position(text: str) -> Mark:
    position, newest = json.loads(text)
    return Mark(position, newest and tuple(newest))


def _write_position(mark: Mark) -> str:
    return json.dumps([mark.position, mark.newest])


def _get_columns() -> FrameColumns:
    return cast(FrameColumns, current_app.extensions["frame_columns"])
