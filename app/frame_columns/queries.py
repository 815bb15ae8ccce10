"""The columns of this process, as the rooms ask for them."""

import datetime as dt
from typing import cast

from flask import current_app

from app.accounts.viewer import Viewer
from app.frame_columns.refresh import FrameColumns
from app.frame_columns.selection import Condition, Selection, Sight
from app.frame_columns.times import to_microseconds


def select_frames(viewer: Viewer, condition: Condition) -> Selection | None:
    """Return the frames that meet a condition and that a viewer may see by now; None: the columns are being made."""
    columns = cast(FrameColumns, current_app.extensions["frame_columns"]).refresh()
    sight = Sight(to_microseconds(dt.datetime.now(dt.UTC)), viewer.proposals, viewer.is_admin)
    return None if columns is None else Selection(columns, condition, sight)
