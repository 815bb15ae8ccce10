"""Turns a picture so that north is up and east is left, as the WCS of its header says."""

import math

import numpy as np
import numpy.typing as npt
from astropy.io import fits
from astropy.wcs import WCS
from PIL import Image

from ingest_worker.previews.mosaic import Piece

Matrix = npt.NDArray[np.float64]

BACKGROUND = 24  # almost black: pixels without a value, and the corners of a turned picture

_RIGHT_ANGLE_TOLERANCE_DEG = 1.0


def turn_north_up(picture: Image.Image, piece: Piece, hdus: fits.HDUList) -> Image.Image:
    """Turn (and mirror, if need be) a picture; it stays as it is where no header has a usable equatorial WCS.

    Parameters
    ----------
    picture : Image
        Drawn with the lowest FITS row at the bottom.
    piece : Piece
        The image whose WCS counts, and how the mosaic has mirrored it. If it has none, the WCS of the primary
        header counts, which describes the mosaic as a whole.
    hdus : HDUList
        The open file: some WCS keep their distortions in further HDUs.
    """
    axes = sky_axes(piece.hdu.header, hdus)
    if axes is None:
        axes = sky_axes(hdus[0].header, hdus)
    else:
        axes = axes * [-1 if span.is_reversed else 1 for span in piece.place]
    return picture if axes is None else _turn(picture, axes)


def sky_axes(header: fits.Header, hdus: fits.HDUList) -> Matrix | None:
    """Work out how a step of one pixel along x, and along y, moves on the sky at the centre of an image.

    Done with unit vectors, so that neither RA 0 nor a pole is a special case.

    Returns
    -------
    ndarray of shape (2, 2), or None without a usable equatorial WCS
        `[[east_x, east_y], [north_x, north_y]]` in radians.
    """
    try:
        wcs = WCS(header, hdus, naxis=2)
        if wcs.wcs.lngtyp != "RA":
            return None
        x, y = np.asarray(wcs.pixel_shape or wcs.wcs.crpix) / 2
        world = np.radians(wcs.all_pix2world([[x, y], [x + 1, y], [x, y + 1]], 0))
    except (ValueError, TypeError, LookupError):  # a damaged WCS costs the orientation, not the picture
        return None
    ra, dec = world[:, wcs.wcs.lng], world[:, wcs.wcs.lat]
    points = np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
    east = [-np.sin(ra[0]), np.cos(ra[0]), 0]
    north = [-np.sin(dec[0]) * np.cos(ra[0]), -np.sin(dec[0]) * np.sin(ra[0]), np.cos(dec[0])]
    axes: Matrix = np.array([east, north]) @ (points[:, 1:] - points[:, :1])
    return axes if np.isfinite(axes).all() and np.linalg.det(axes) else None


def _turn(picture: Image.Image, axes: Matrix) -> Image.Image:
    on_page = axes * [[-1], [1]]  # right on the page is west, up is north
    if np.linalg.det(on_page) < 0:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        on_page = on_page * [-1, 1]
    angle_deg = _nearly_right(_rotation_deg(on_page))
    return picture.rotate(angle_deg, Image.Resampling.BICUBIC, expand=True, fillcolor=BACKGROUND)


def _rotation_deg(matrix: Matrix) -> float:
    """Angle, counter-clockwise, of the rotation nearest to a matrix (in the least-squares sense)."""
    return math.degrees(math.atan2(matrix[1, 0] - matrix[0, 1], matrix[0, 0] + matrix[1, 1]))


def _nearly_right(angle_deg: float) -> float:
    """Round to a right angle what is close to one: such a turn moves pixels and resamples none."""
    right = 90.0 * round(angle_deg / 90)
    return right if abs(angle_deg - right) <= _RIGHT_ANGLE_TOLERANCE_DEG else angle_deg
