"""The sky as a camera's optics paint it on the detector: stars, glow and background, before anything is measured."""

from functools import lru_cache

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray

from app.demo.diffuse import Light, look_at
from app.demo.exposures import Exposure
from app.demo.observatory import FILTERS, Instrument
from app.demo.stars import Stars, populate
from app.demo.targets import Target

Floats = NDArray[np.float64]

MARGIN_PX = 64  # stars just outside shine into the frame


def build_wcs(instrument: Instrument, ra_deg: float, dec_deg: float) -> WCS:
    """Return the tangent-plane WCS (ICRS) of an instrument whose middle points at a place."""
    rows, columns = instrument.shape
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.cunit = ["deg", "deg"]
    wcs.wcs.crval = [ra_deg, dec_deg]
    wcs.wcs.crpix = [(columns + 1) / 2, (rows + 1) / 2]
    wcs.wcs.cd = instrument.cd_matrix
    wcs.wcs.radesys = "ICRS"
    return wcs


def render(exposure: Exposure, sky_slope: tuple[float, float], seed: int) -> Floats:
    """Return the electrons per second that each pixel of an image gets.

    Parameters
    ----------
    exposure
        Where the camera looks, and through which filter.
    sky_slope
        By how much the sky brightens from the middle of the frame to its top and to its right, relative to its mean.
    seed
        Chooses the stars.
    """
    instrument, band = exposure.instrument, FILTERS[exposure.band]
    zero_point = instrument.telescope.zero_point + band.zero_point_offset
    per_pixel = 10 ** (0.4 * zero_point) * instrument.pixel_scale_arcsec**2
    glow = per_pixel * _look(instrument, exposure.target, exposure.ra_deg, exposure.dec_deg).through(band)
    stars = populate(exposure.target, instrument, seed)
    scene = _blur(instrument, glow, *place_stars(exposure, stars), star_electrons_per_s(exposure, stars))
    up, right = (np.linspace(-slope, slope, size) for slope, size in zip(sky_slope, instrument.shape, strict=True))
    return np.asarray(scene + per_pixel * 10 ** (-0.4 * band.sky_magnitude) * (1 + up[:, np.newaxis] + right))


def place_stars(exposure: Exposure, stars: Stars) -> tuple[Floats, Floats]:
    """Return the columns and rows of stars on the detector, in pixels from 0."""
    wcs = build_wcs(exposure.instrument, exposure.ra_deg, exposure.dec_deg)
    column, row = wcs.wcs_world2pix(stars.ra_deg, stars.dec_deg, 0)
    return column, row


def star_electrons_per_s(exposure: Exposure, stars: Stars) -> Floats:
    """Return what stars bring through the exposure's filter."""
    band = FILTERS[exposure.band]
    magnitude = stars.magnitude + band.colour_term * (stars.colour - 0.5)
    zero_point = exposure.instrument.telescope.zero_point + band.zero_point_offset
    return np.asarray(10 ** (0.4 * (zero_point - magnitude)))


@lru_cache(maxsize=2)  # the next exposure is often the same but for its filter
def _look(instrument: Instrument, target: Target, ra_deg: float, dec_deg: float) -> Light:
    """Return the light of a target at each pixel of an instrument that points at a place."""
    target_x, target_y = build_wcs(instrument, ra_deg, dec_deg).wcs_world2pix(target.ra_deg, target.dec_deg, 0)
    y, x = np.mgrid[0 : instrument.shape[0], 0 : instrument.shape[1]]
    offsets = np.einsum("ij,jyx->iyx", instrument.cd_matrix * 60, np.array([x - target_x, y - target_y]))
    return look_at(target, *offsets)


def _blur(instrument: Instrument, glow: Floats, column: Floats, row: Floats, electrons_per_s: Floats) -> Floats:
    """Lay stars upon a glow, each shared between its four nearest pixels, and spread all as the optics do."""
    rows, columns = (size + 2 * MARGIN_PX for size in instrument.shape)
    column, row = column + MARGIN_PX, row + MARGIN_PX
    inside = (column > 0) & (column < columns - 2) & (row > 0) & (row < rows - 2)
    column, row, flux = column[inside], row[inside], electrons_per_s[inside]
    left, low = column.astype(int), row.astype(int)
    points = np.pad(glow, MARGIN_PX, mode="edge").ravel()
    for step_x, share_x in (0, 1 - column + left), (1, column - left):
        for step_y, share_y in (0, 1 - row + low), (1, row - low):
            pixel = (low + step_y) * columns + left + step_x
            points += np.bincount(pixel, flux * share_x * share_y, minlength=rows * columns)
    image = np.fft.irfft2(np.fft.rfft2(points.reshape(rows, columns)) * _point_spread(instrument), s=(rows, columns))
    return np.asarray(image[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX]).clip(0)


@lru_cache(maxsize=8)
def _point_spread(instrument: Instrument) -> NDArray[np.complex128]:
    """Return the Fourier transform of a star's image: a Moffat core, a faint aureole, and the spikes of a spider."""
    rows, columns = (size + 2 * MARGIN_PX for size in instrument.shape)
    y, x = np.meshgrid(np.fft.fftfreq(rows, 1 / rows), np.fft.fftfreq(columns, 1 / columns), indexing="ij")
    radius = np.hypot(x, y) / instrument.fwhm_px
    core = (1 + 4 * (2 ** (1 / 3) - 1) * radius**2) ** -3
    aureole = (1 + (radius / 3) ** 2) ** -1.5
    image = 0.97 * core / core.sum() + 0.03 * aureole / aureole.sum()
    if instrument.telescope.has_spider:
        spikes = np.exp(-(x**2) / 0.8 - np.abs(y) / 22) + np.exp(-(y**2) / 0.8 - np.abs(x) / 22)
        image += 0.012 * spikes / spikes.sum()
    return np.asarray(np.fft.rfft2(image / image.sum()))
