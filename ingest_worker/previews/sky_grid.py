"""Where on the sky an image lies, as a grid of unit vectors: between its nodes a browser interpolates."""

from dataclasses import dataclass
from itertools import permutations, product
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.io import fits
from astropy.wcs import WCS

Vectors = npt.NDArray[np.float64]

DECIMALS = 11  # of a unit vector's parts: 2 µas


@dataclass(frozen=True)
class SkyGrid:
    """Nodes at even distances over a part of a picture, its edges included.

    Attributes
    ----------
    vectors
        ICRS unit vectors, shape (n, n, 3), the lowest row first; NaN where there is no sky.
    """

    vectors: Vectors

    def build_json(self) -> dict[str, Any]:
        rows = np.round(self.vectors, DECIMALS).reshape(-1, 3).tolist()
        nodes = [None if np.isnan(vector[0]) else vector for vector in rows]
        return {"side": len(self.vectors), "nodes": nodes}

    def find_axes(self, box: tuple[slice, slice]) -> Vectors | None:
        """Work out how a step to the right, and one up, moves on the sky in the middle of the grid.

        Parameters
        ----------
        box
            The rows and columns of the picture that the grid spans.

        Returns
        -------
        ndarray of shape (2, 2), or None if there is no sky
            `[[east_x, east_y], [north_x, north_y]]`, in radians a pixel of the picture.
        """
        intervals = len(self.vectors) - 1
        middle = intervals // 2
        here = self.vectors[middle, middle]
        up, right = (intervals / (cells.stop - cells.start) for cells in box)
        steps = [
            (self.vectors[middle, middle + 1] - here) * right,
            (self.vectors[middle + 1, middle] - here) * up,
        ]
        east = np.cross([0, 0, 1], here)
        if not np.linalg.norm(east):
            return None
        east /= np.linalg.norm(east)
        axes: Vectors = np.array([east, np.cross(here, east)]) @ np.transpose(steps)
        return axes if np.isfinite(axes).all() and np.linalg.det(axes) else None


def find_sky_grid(header: fits.Header, hdus: fits.HDUList, x: Vectors, y: Vectors) -> SkyGrid | None:
    """Ask an image's WCS, with all its distortions, where its pixels lie; None without a usable one.

    Parameters
    ----------
    hdus
        The open file: some WCS keep their distortions in further HDUs.
    x, y
        FITS pixel coordinates of the nodes' columns, and of their rows, as many.
    """
    try:
        wcs = WCS(header, hdus, naxis=2)
        if not wcs.has_celestial:
            return None
        sky = wcs.pixel_to_world(*np.meshgrid(x - 1, y - 1)).icrs
        vectors = np.moveaxis(sky.cartesian.xyz.value, 0, -1)
    except (ValueError, TypeError, LookupError, AttributeError):  # a damaged WCS costs the sky, not the picture
        return None
    return SkyGrid(vectors) if np.isfinite(vectors).any() else None


def find_upright(axes: Vectors) -> list[list[int]]:
    """Choose the turn by right angles, mirrored or not, that brings north nearest to up and east nearest to left.

    Returns
    -------
    list
        A matrix that makes of a step on the picture one on the page, to the right and up.
    """
    on_page = axes * [[-1], [1]]
    on_page = on_page / np.linalg.norm(on_page, axis=0)
    turns = [np.diag(signs)[list(order)] for order in permutations((0, 1)) for signs in product((1, -1), repeat=2)]
    best: list[list[int]] = max(turns, key=lambda turn: (turn * on_page).sum()).tolist()
    return best
