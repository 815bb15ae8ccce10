"""Draws an open FITS file: ZScale and asinh for an image, north up; a plot for a line of pixels."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from astropy.io import fits
from astropy.visualization import AsinhStretch, ZScaleInterval
from PIL import Image, ImageDraw

from ingest_worker.previews.mosaic import assemble, lay_out
from ingest_worker.previews.orientation import BACKGROUND, turn_north_up
from ingest_worker.previews.pixels import Pixels, find_images

_SAMPLES = 10_000  # pixels that ZScale looks at
_SOFTENINGS_PER_INTERVAL = 3  # where asinh bends: the sky comes out dark grey, its noise just visible
_MOST_INTERVALS = 12  # how far above the ZScale interval asinh goes on: more would leave the sky black
_ENLARGED_SIDE_PX = 256  # a tiny image is enlarged by whole pixels, up to this
_THINNEST_STRIP = 32  # a strip is widened to this part of its length
_PLOT_SIZE_PX = (1024, 384)


def draw(hdus: fits.HDUList) -> Image.Image | None:
    """Draw a file's picture, in grey, longest side up to some 2048 pixels; None if there is nothing to see.

    Raises
    ------
    ValueError, or what astropy raises
        If the file is damaged or its images are too large.
    """
    images = find_images(hdus)
    if not images:
        return None
    pieces = lay_out(images)
    pixels = assemble(pieces)
    if not np.isfinite(pixels).any():
        return None
    if len(pixels) == 1:
        return _plot_line(pixels[0])
    upright = Image.fromarray(_stretch(pixels)[::-1])
    return turn_north_up(_enlarge(upright), pieces[0], hdus)


class Cuts(NamedTuple):
    """Between which values a picture shows its pixels.

    Attributes
    ----------
    low, high
        The ZScale interval, in which the stretch is nearly linear.
    brightest
        What is white.
    """

    low: float
    high: float
    brightest: float

    @property
    def softening(self) -> float:
        """Above the low cut, by how much asinh bends."""
        return (self.high - self.low) / _SOFTENINGS_PER_INTERVAL


def find_cuts(pixels: Pixels) -> Cuts | None:
    """Choose the cuts of pixels, some of which are finite; None if all of these have one value.

    Cut off at the end of the ZScale interval, every star and galaxy would be a white blot; so the asinh goes on to
    the brightest ten-thousandth of the pixels, within reason (after Lupton et al. 2004, PASP 116, 133).
    """
    values = pixels[np.isfinite(pixels)]
    low, high = _zscale(pixels)
    if not low < high:  # ZScale sees one value only: a mask, a few photons
        low, high = float(values.min()), float(values.max())
    if not low < high:
        return None
    intervals = np.clip((np.percentile(values, 99.99) - low) / (high - low), 1, _MOST_INTERVALS)
    return Cuts(low, high, low + float(intervals) * (high - low))


def _stretch(pixels: Pixels) -> npt.NDArray[np.uint8]:
    """Turn values into grey: nearly linear in the ZScale interval, asinh above it."""
    cuts = find_cuts(pixels)
    if cuts is None:
        return np.full(pixels.shape, BACKGROUND, np.uint8)
    span = np.float64(cuts.brightest - cuts.low)  # float32 may not hold it
    grey = AsinhStretch(cuts.softening / span)((pixels - cuts.low) / span, clip=True) * 255
    return np.where(np.isfinite(pixels), grey, BACKGROUND).astype(np.uint8)


def _zscale(pixels: Pixels) -> tuple[float, float]:
    """ZScale limits of pixels on a regular grid: a stride along the rows alone may stay in one column."""
    step = max(1, int((pixels.size / _SAMPLES) ** 0.5))
    sample = pixels[::step, ::step]
    sample = sample[np.isfinite(sample)]
    low, high = ZScaleInterval(n_samples=sample.size).get_limits(sample) if sample.size else (0, 0)
    return float(low), float(high)


def _enlarge(picture: Image.Image) -> Image.Image:
    """Repeat the pixels of a tiny image, and those across a very thin one, so that they can be seen."""
    longest = max(picture.size)
    times = max(1, _ENLARGED_SIDE_PX // longest)
    thinnest = longest * times // _THINNEST_STRIP
    width, height = (max(side * times, thinnest) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.NEAREST)


def _plot_line(values: Pixels) -> Image.Image:
    """Plot a spectrum, or the only row of an image; one outlier in a thousand may leave the plot."""
    good = np.isfinite(values)
    low, high = np.percentile(values[good], [0.1, 99.9])
    width, height = _PLOT_SIZE_PX
    x = np.linspace(0, width - 1, len(values))
    y = height * (0.95 - 0.9 * (values - low) / max(high - low, np.finfo(np.float32).tiny))
    plot = Image.new("L", _PLOT_SIZE_PX, BACKGROUND)
    ImageDraw.Draw(plot).line([*zip(x[good], y[good], strict=True)], fill=224, width=2)
    return plot
