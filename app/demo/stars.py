"""The stars of a field: positions, magnitudes and colours, drawn from a luminosity function."""

from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from app.demo.observatory import FILTERS, Instrument
from app.demo.targets import NAMED_STARS, Target

Floats = NDArray[np.float64]

FIELD_SLOPE = 0.28  # of log10 N(< m): about that of the Galaxy between V = 10 and 20
GIANT_SLOPE = 0.30
TIP_MAGNITUDE = 11.8  # of a globular cluster's red giants
HORIZONTAL_BRANCH_MAGNITUDE = 14.4


@dataclass(frozen=True)
class Stars:
    """Stars as arrays of one length: ICRS degrees, V magnitudes, B-V."""

    ra_deg: Floats
    dec_deg: Floats
    magnitude: Floats
    colour: Floats

    def __add__(self, other: "Stars") -> "Stars":
        return Stars(*(np.concatenate(pair) for pair in zip(vars(self).values(), vars(other).values(), strict=True)))


@lru_cache(maxsize=64)
def populate(target: Target, instrument: Instrument, seed: int) -> Stars:
    """Return the stars that an instrument may see around a target: the same on every night and in every filter."""
    rng = np.random.default_rng([seed, crc32(f"{target.name} {instrument.code}".encode())])
    stars = _field_stars(target, instrument, rng) + _named_stars(target)
    if target.kind == "globular":
        stars += _globular_cluster(target, rng)
    elif target.kind in {"open cluster", "reflection nebula"}:
        stars += _open_cluster(target, rng)
    return stars


def _offset_to_sky(target: Target, x_arcmin: Floats, y_arcmin: Floats) -> tuple[Floats, Floats]:
    """Return the ICRS degrees of points on the plane that touches the sky at the target (x east, y north)."""
    ra, dec = np.radians([target.ra_deg, target.dec_deg])
    x, y = np.radians(x_arcmin / 60), np.radians(y_arcmin / 60)
    outward = np.cos(dec) - y * np.sin(dec)
    return (
        np.degrees(ra + np.arctan2(x, outward)) % 360,
        np.degrees(np.arctan2(np.sin(dec) + y * np.cos(dec), np.hypot(x, outward))),
    )


def _faintest_magnitude(instrument: Instrument) -> float:
    """Return the V magnitude at which a star's peak drowns in the sky's noise."""
    zero_point = instrument.telescope.zero_point
    sky_per_s = 10 ** (0.4 * (zero_point - FILTERS["V"].sky_magnitude)) * instrument.pixel_scale_arcsec**2
    noise_per_s = np.sqrt(sky_per_s / instrument.exposure_time_s)
    return float(zero_point - 2.5 * np.log10(2 * noise_per_s * instrument.fwhm_px**2))


def _field_stars(target: Target, instrument: Instrument, rng: np.random.Generator) -> Stars:
    half_width = 0.62 * float(np.hypot(*instrument.shape)) * instrument.pixel_scale_arcsec / 60
    faintest = _faintest_magnitude(instrument)
    per_square_deg = target.star_density * 10 ** (FIELD_SLOPE * (faintest - 15))
    count = rng.poisson(per_square_deg * (half_width / 30) ** 2)
    x, y = rng.uniform(-half_width, half_width, (2, count))
    magnitude = np.maximum(faintest + np.log10(rng.uniform(size=count)) / FIELD_SLOPE, 6.5)
    return Stars(*_offset_to_sky(target, x, y), magnitude, rng.normal(0.75, 0.35, count).clip(-0.2, 1.8))


def _named_stars(target: Target) -> Stars:
    ra, dec, magnitude = np.array(NAMED_STARS.get(target.name, ())).reshape(-1, 3).T
    return Stars(ra, dec, magnitude, np.full(len(ra), -0.05))


def _globular_cluster(target: Target, rng: np.random.Generator) -> Stars:
    """Red giants and a blue horizontal branch; what is fainter is the smooth light of `app.demo.diffuse`."""
    count, faintest = 16_000, 19.5
    x, y = 0.8 * _plummer_sphere(target.size_arcmin / 2, count, rng)
    magnitude = np.maximum(faintest + np.log10(rng.uniform(size=count)) / GIANT_SLOPE, TIP_MAGNITUDE)
    colour = 1.45 - 0.13 * (magnitude - TIP_MAGNITUDE) + rng.normal(0, 0.04, count)
    on_branch = rng.uniform(size=count) < 0.04
    magnitude[on_branch] = rng.normal(HORIZONTAL_BRANCH_MAGNITUDE, 0.15, on_branch.sum())
    colour[on_branch] = rng.normal(0.05, 0.08, on_branch.sum())
    return Stars(*_offset_to_sky(target, x, y), magnitude, colour)


def _open_cluster(target: Target, rng: np.random.Generator) -> Stars:
    count = 1000
    x, y = _plummer_sphere(target.size_arcmin / 2, count, rng)
    magnitude = 15.0 + np.log10(rng.uniform(size=count)) / 0.4
    return Stars(*_offset_to_sky(target, x, y), magnitude.clip(8.0), rng.normal(0.5, 0.3, count))


def _plummer_sphere(half_light_radius: float, count: int, rng: np.random.Generator) -> Floats:
    """Draw points of a Plummer (1911) sphere as seen on the sky: an array of shape (2, count)."""
    share = rng.uniform(0, 0.98, count)  # of the stars within that radius
    radius = half_light_radius * np.sqrt(share / (1 - share))
    angle = rng.uniform(0, 2 * np.pi, count)
    return np.array([radius * np.cos(angle), radius * np.sin(angle)])
