"""The detectors: what is read out of them, and what a pipeline makes of it."""

from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from app.demo.exposures import Exposure
from app.demo.observatory import Instrument
from app.demo.sky import render
from app.demo.spectrograph import render_spectrum

Floats = NDArray[np.float64]

FLAT_ELECTRONS = 45_000.0
SKY_SLOPE = 0.025
COSMIC_RAYS_PER_S = 0.12
HOT_PIXEL_SHARE, HOT_PIXEL_ELECTRONS_PER_S = 4e-4, 40.0
FRAMES_PER_MASTER = 15


@dataclass(frozen=True)
class Detector:
    """An instrument's pixels: relative response, bias (ADU), dark current (electrons per second) with the hot ones."""

    response: Floats
    bias: Floats
    dark: Floats


@dataclass(frozen=True)
class Picture:
    """An exposure as it was read out (ADU of 16 bits) and as reduced (electrons, with the sky)."""

    raw: NDArray[np.uint16]
    reduced: NDArray[np.float32]


@lru_cache(maxsize=2)  # a raw frame, its reduced frame and its catalogue are written one after the other
def take_picture(exposure: Exposure, seed: int) -> Picture:
    """Return the picture of an exposure of any type: the same for the same arguments."""
    rng = np.random.default_rng([seed, crc32(exposure.stem.encode())])
    match exposure.configuration_type:
        case "BIAS" | "DARK":
            electrons = np.zeros(exposure.instrument.shape)
        case "SKYFLAT":
            electrons = np.full(exposure.instrument.shape, FLAT_ELECTRONS)
        case "EXPOSE":
            slope = rng.normal(0, SKY_SLOPE), rng.normal(0, SKY_SLOPE)
            electrons = exposure.exposure_time_s * render(exposure, slope, seed)
        case _:
            electrons = render_spectrum(exposure)
    return _read_out(exposure, electrons, rng)


def build_master(exposure: Exposure, seed: int) -> NDArray[np.float32]:
    """Return what a pipeline makes of many biases (ADU), darks (electrons per second) or flats (relative)."""
    instrument, detector = exposure.instrument, build_detector(exposure.instrument)
    pixels, noise = {
        "BIAS": (detector.bias, instrument.read_noise / instrument.gain),
        "DARK": (detector.dark, instrument.read_noise / max(exposure.exposure_time_s, 1)),
        "SKYFLAT": (detector.response, FLAT_ELECTRONS**-0.5),
    }[exposure.configuration_type]
    rng = np.random.default_rng([seed, crc32(f"master {exposure.stem}".encode())])
    noise /= FRAMES_PER_MASTER**0.5
    return np.asarray(pixels + noise * rng.standard_normal(instrument.shape), np.float32)


@lru_cache(maxsize=8)
def build_detector(instrument: Instrument) -> Detector:
    """Return an instrument's pixels, which stay as they are from night to night."""
    rng = np.random.default_rng(crc32(instrument.code.encode()))
    rows, columns = instrument.shape
    y, x = np.mgrid[0:rows, 0:columns]
    vignetting = 1 - 0.22 * ((x / columns - 0.5) ** 2 + (y / rows - 0.5) ** 2)
    response = vignetting * rng.normal(1, 0.008, instrument.shape)
    for share_x, share_y, radius in rng.uniform((0, 0, 7), (1, 1, 14), (6, 3)):  # dust out of focus: rings
        distance = np.hypot(x - share_x * columns, y - share_y * rows) - radius
        response *= 1 - 0.07 * np.exp(-((distance / 3) ** 2))
    bias = instrument.bias_adu + 6 * np.exp(-y / 40) + rng.normal(0, 0.8, columns)
    is_hot = rng.uniform(size=instrument.shape) < HOT_PIXEL_SHARE
    if instrument.amplifiers == 4:
        bias += np.where(x < columns / 2, 0, 38) + np.where(y < rows / 2, 0, -23)
    else:
        is_hot[rows // 3 :, rng.integers(columns)] = True  # a bad column
    dark = instrument.dark_per_s + is_hot * rng.exponential(HOT_PIXEL_ELECTRONS_PER_S, instrument.shape)
    return Detector(response, bias, dark)


def _read_out(exposure: Exposure, electrons: Floats, rng: np.random.Generator) -> Picture:
    """Record a scene with all that a detector adds; the reduced picture has the same noise and none of the rest."""
    instrument, detector = exposure.instrument, build_detector(exposure.instrument)
    lit = electrons * detector.response
    dark, mended_dark = (rate * exposure.exposure_time_s for rate in (detector.dark, instrument.dark_per_s))
    noise = rng.standard_normal(instrument.shape)
    read_variance = instrument.read_noise**2
    recorded = lit + dark + noise * np.sqrt(lit + dark + read_variance) + _cosmic_rays(exposure, rng)
    reduced = (lit + noise * np.sqrt(lit + mended_dark + read_variance)).clip(max=instrument.saturation)
    raw = (detector.bias + recorded / instrument.gain).clip(0, 65535)
    return Picture(raw.astype(np.uint16), (reduced / detector.response).astype(np.float32))


def _cosmic_rays(exposure: Exposure, rng: np.random.Generator) -> Floats:
    """Draw the short straight tracks of cosmic rays, electrons."""
    hits = np.zeros(exposure.instrument.shape)
    rows, columns = hits.shape
    for _ in range(rng.poisson(COSMIC_RAYS_PER_S * exposure.exposure_time_s)):
        along = np.arange(0, 1 + rng.exponential(4), 0.7)
        angle = rng.uniform(0, 2 * np.pi)
        row = (rng.uniform(0, rows) + along * np.sin(angle)).astype(int) % rows
        column = (rng.uniform(0, columns) + along * np.cos(angle)).astype(int) % columns
        np.add.at(hits, (row, column), rng.uniform(600, 5000))
    return hits
