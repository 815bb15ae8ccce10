"""Frames by where they are: which of a selection meet one cone after another, with one look at the columns."""

import numpy as np

from app.frame_columns.columns import Columns
from app.frame_columns.footprints import CELLS, Cone
from app.frame_columns.names import Flags, Numbers

CAPS = ("x", "y", "z", "reach", "inner")


class Neighbours:
    """Some frames, sorted by the cell of the sky in which they are.

    Parameters
    ----------
    ids
        Frames that are to be told by their places; those without a footprint are nowhere.
    """

    def __init__(self, columns: Columns, ids: Numbers) -> None:
        self._columns = columns
        cells = columns["cell"][ids]
        sequence = np.argsort(cells, kind="stable")  # of small numbers: NumPy counts them
        self._ids = ids[sequence]
        self._caps = {name: columns[name][self._ids] for name in CAPS}
        self._starts = np.searchsorted(cells[sequence], np.arange(CELLS + 1))

    def find(self, cone: Cone) -> tuple[Numbers, Flags]:
        """Return the ids of those that may meet a cone, and of each whether it is sure that it does."""
        cells = np.flatnonzero(cone.find_cells(self._columns["cell_reach"]) & (np.diff(self._starts) > 0))
        cells = cells[cells > 0]
        if not len(cells):
            return np.empty(0, np.int64), np.empty(0, bool)
        runs = [np.arange(self._starts[cell], self._starts[cell + 1]) for cell in cells.tolist()]
        places = np.concatenate(runs)
        may, is_sure = cone.classify({name: values[places] for name, values in self._caps.items()})
        return self._ids[places[may]], is_sure[may]

    def read(self, name: str, ids: Numbers) -> Numbers:
        """Return what some frames have of an array, or as objects, of a field of `GROUPED`."""
        return self._columns.read(name, ids)
