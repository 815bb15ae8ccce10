"""The spectrograph: what falls on a detector behind a long slit, for stars, nebulae and calibration lamps."""

import numpy as np
from numpy.typing import NDArray

from app.demo.exposures import Exposure

Floats = NDArray[np.float64]

BLUE_NM, RED_NM = 360.0, 960.0
SLIT_MARGIN_ROWS = 14
LINE_WIDTH_NM = 0.9
Lines = tuple[tuple[float, float], ...]  # wavelength in nm (air) and strength

# fmt: off
ABSORPTION: Lines = (
    (393.4, 0.7), (396.8, 0.6), (410.2, 0.45), (430.8, 0.3), (434.0, 0.45), (486.1, 0.5), (517.5, 0.3), (589.3, 0.25),
    (656.3, 0.5), (687.5, 0.35), (760.8, 0.65), (854.2, 0.3), (866.2, 0.25),
)
EMISSION: Lines = (
    (372.7, 1.2), (434.0, 0.5), (468.6, 0.3), (486.1, 1.0), (495.9, 2.6), (500.7, 7.5), (587.6, 0.2), (630.0, 0.3),
    (654.8, 0.9), (656.3, 3.2), (658.3, 2.6), (671.6, 0.3), (673.1, 0.3), (713.6, 0.3), (906.9, 0.6), (953.1, 1.4),
)
AIRGLOW: Lines = (
    (557.7, 3.0), (589.2, 0.8), (630.0, 1.0), (636.4, 0.4), (686.4, 0.6), (727.6, 0.9), (734.1, 0.8), (779.4, 1.0),
    (799.4, 0.9), (834.5, 1.0), (839.9, 1.1), (843.0, 1.0), (877.8, 1.2), (882.7, 1.3), (886.8, 1.4), (943.9, 1.1),
)
LAMP: Lines = (
    (365.0, 2.0), (404.7, 2.0), (435.8, 4.0), (546.1, 5.0), (577.0, 1.5), (579.1, 1.5), (696.5, 2.5), (706.7, 1.6),
    (738.4, 1.8), (750.4, 3.0), (763.5, 4.0), (772.4, 2.5), (794.8, 1.5), (811.5, 3.0), (842.5, 1.8), (912.3, 2.0),
)
# fmt: on


def render_spectrum(exposure: Exposure) -> Floats:
    """Return the electrons that each pixel collects: wavelength grows with the column, the slit lies along the rows."""
    rows, columns = exposure.instrument.shape
    row = np.arange(rows)[:, np.newaxis]
    wavelength = np.linspace(BLUE_NM, RED_NM, columns) + 0.02 * (row - rows / 2)  # the slit's image is tilted
    slit = 1 / (1 + np.exp(SLIT_MARGIN_ROWS - np.minimum(row, rows - 1 - row)))
    response = np.exp(-(((wavelength - 620) / 240) ** 2))
    match exposure.configuration_type:
        case "ARC":
            light = 40 + 6000 * _draw(LAMP, wavelength)
        case "LAMPFLAT":
            light = 40_000 * response * _black_body(wavelength, 3000)
        case _:
            trace = rows / 2 + 4 * np.linspace(-1, 1, columns) ** 2
            target = response * _target_light(exposure, wavelength, row - trace)
            light = exposure.exposure_time_s / 60 * (12 + 220 * _draw(AIRGLOW, wavelength) + target)
    return np.asarray(slit * light)


def _target_light(exposure: Exposure, wavelength: Floats, distance: Floats) -> Floats:
    """Return the target's light per minute at wavelengths (nm) and distances from it along the slit (rows)."""
    star = np.exp(-2.77 * (distance / exposure.instrument.fwhm_px) ** 2)
    if "nebula" not in exposure.target.kind:
        return np.asarray(3000 * star * _black_body(wavelength, 6000) * np.exp(-_draw(ABSORPTION, wavelength)))
    radius = exposure.target.size_arcmin * 30 / exposure.instrument.pixel_scale_arcsec
    shell = np.exp(-(((np.abs(distance) / radius - 0.7) / 0.2) ** 2)) + 0.3 * (np.abs(distance) < 0.8 * radius)
    return np.asarray(50 * star + 400 * shell * _draw(EMISSION, wavelength))


def _draw(lines: Lines, wavelength: Floats) -> Floats:
    """Return a spectrum of lines, each with its strength at its peak."""
    spectrum = np.zeros_like(wavelength)
    for centre, strength in lines:
        spectrum += strength * np.exp(-(((wavelength - centre) / LINE_WIDTH_NM) ** 2))
    return spectrum


def _black_body(wavelength_nm: Floats, temperature_k: float) -> Floats:
    """Return Planck's law (per wavelength), 1 at 600 nm."""
    second_constant = 1.4388e7  # hc/k in nm K
    exponent, reference = second_constant / (wavelength_nm * temperature_k), second_constant / (600 * temperature_k)
    return np.asarray((600 / wavelength_nm) ** 5 * np.expm1(reference) / np.expm1(exponent))
