"""The columns of this process, as the rooms ask for them."""

import datetime as dt
from typing import cast

from flask import current_app

from app.accounts.viewer import Viewer
from app.frame_columns.conditions import Condition
from app.frame_columns.refresh import FrameColumns
from app.frame_columns.selection import Selection, Sight
from app.frame_columns.times import to_microseconds


def find_file_age_s() -> float | None:
    """Return how long ago this machine's file of the columns was made; None: there is none."""
    return _get_columns().find_age_s()


def select_frames(viewer: Viewer, condition: Condition) -> Selection | None:
    """Return the frames that meet a condition and that a viewer may see by now; None: the columns are being made."""
    columns = _get_columns().refresh()
    sight = Sight(to_microseconds(dt.datetime.now(dt.UTC)), viewer.proposals, viewer.is_admin)
    return None if columns is None else Selection(columns, condition, sight)


def _get_columns() -> FrameColumns:
    return cast(FrameColumns, current_app.extensions["frame_columns"])
