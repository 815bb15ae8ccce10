"""The light between the stars: galaxies, nebulae and the unresolved glow of clusters, as surface brightness.

Every shape is fixed to the sky, so that it stays where it is whatever camera, filter or night it is seen with.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from app.demo.observatory import Filter
from app.demo.targets import NAMED_STARS, Target

Floats = NDArray[np.float64]

OLD_COLOUR, YOUNG_COLOUR = 0.95, 0.15  # B-V of a bulge and of a spiral arm
TILE = 512


@dataclass
class Light:
    """Flux per arcsec² by origin (1: a star of magnitude 0), and the optical depth of the dust before it in V."""

    old: Floats | float = 0.0
    young: Floats | float = 0.0
    lines: Floats | float = 0.0
    dust: Floats | float = 0.0

    def through(self, band: Filter) -> Floats:
        """Return the flux per arcsec² that a filter lets pass."""
        old = self.old * 10 ** (-0.4 * band.colour_term * (OLD_COLOUR - 0.5))
        young = self.young * 10 ** (-0.4 * band.colour_term * (YOUNG_COLOUR - 0.5))
        return np.asarray((old + young + self.lines * band.line_strength) * np.exp(-self.dust * band.dust))


def look_at(target: Target, x_arcmin: Floats, y_arcmin: Floats) -> Light:
    """Return a target's light at offsets from its centre (x east, y north)."""
    shape = SHAPES.get(target.kind)
    if shape is None:
        return Light(old=np.zeros_like(x_arcmin))
    light = shape(target, x_arcmin, y_arcmin)
    typical = 10 ** (-0.4 * target.surface_brightness)
    return Light(light.old * typical, light.young * typical, light.lines * typical, light.dust)


@lru_cache(maxsize=16)
def _tile(name: str, slope: float) -> Floats:
    """Return a periodic tile of fractal noise (mean 0, deviation 1) that belongs to a name; a steep one is smooth."""
    rng = np.random.default_rng(crc32(name.encode()))
    frequency = np.hypot(*np.meshgrid(np.fft.rfftfreq(TILE), np.fft.fftfreq(TILE)))
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.standard_normal((TILE, TILE))) * np.maximum(frequency, 2 / TILE) ** -slope
    noise = np.fft.irfft2(spectrum)
    return np.asarray((noise - noise.mean()) / noise.std())


def _noise(name: str, x: Floats, y: Floats, slope: float = 1.6) -> Floats:
    """Sample a name's fractal noise; one unit of x or y is the width of a tile."""
    tile = _tile(name, slope)
    column, row = x * TILE, y * TILE
    left, low = np.floor(column).astype(int), np.floor(row).astype(int)
    right_share, high_share = column - left, row - low
    left, low, right, high = left % TILE, low % TILE, (left + 1) % TILE, (low + 1) % TILE
    lower = tile[low, left] * (1 - right_share) + tile[low, right] * right_share
    upper = tile[high, left] * (1 - right_share) + tile[high, right] * right_share
    return np.asarray(lower * (1 - high_share) + upper * high_share)


def _wisps(name: str, x: Floats, y: Floats, warp: float = 0.06) -> Floats:
    """Sample fractal noise at places that noise has moved: it gets drawn out into filaments."""
    bend = _noise(name + " bend", x, y)
    return _noise(name, x + warp * bend, y - warp * _noise(name, y, x))


def _along_axes(target: Target, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Turn offsets so that the first lies along the target's major axis; both in units of its half size."""
    angle = np.radians(target.position_angle_deg)
    half_size = target.size_arcmin / 2
    along, across = x * np.sin(angle) + y * np.cos(angle), x * np.cos(angle) - y * np.sin(angle)
    return along / half_size, across / half_size


def _sersic(radius: Floats, index: float) -> Floats:
    """Return Sérsic's profile, 1 at the half-light radius 1 (b ≈ 2n - 1/3: Ciotti & Bertin 1999)."""
    return np.exp(-(2 * index - 1 / 3) * (np.sqrt(radius**2 + 1e-4) ** (1 / index) - 1))


def _ridge(phase: Floats, sharpness: float) -> Floats:
    """Return 1 where the phase is a multiple of 2π, falling off to both sides."""
    return np.exp(sharpness * (np.cos(phase) - 1))


def _blob(x: Floats, y: Floats, at: tuple[float, float], size: float, axis_ratio: float = 0.7) -> Floats:
    """Return a small companion's light: an elliptical galaxy with half-light radius `size`, at an offset."""
    return _sersic(np.hypot(x - at[0], (y - at[1]) / axis_ratio) / size, 2)


def _spiral(target: Target, x: Floats, y: Floats) -> Light:
    along, across = _along_axes(target, x, y)
    across = across / target.axis_ratio
    radius = np.hypot(along, across)
    texture = _wisps(target.name, along / 3, across / 3)
    tangent_of_pitch = 0.30 if target.axis_ratio > 0.5 else 0.17  # 17° or 10°, of a logarithmic spiral
    phase = 2 * (np.arctan2(across, along) - np.log(radius + 0.02) / tangent_of_pitch) + 0.55 * texture
    disc = np.exp(-radius / 0.26) * 2.2
    arms = _ridge(phase, 1.6) * (1 - np.exp(-((radius / 0.16) ** 2)))
    knots = np.exp(1.5 * _noise(target.name + " knots", along * 1.5, across * 1.5) - 1.6)
    bulge = 1.8 * _sersic(radius / 0.11, 1.6)
    lanes = _ridge(phase + 0.9, 3.0) * np.exp(-((radius - 0.35) ** 2) / 0.12) * np.exp(0.5 * texture)
    young = disc * arms * (0.55 + 0.35 * np.exp(0.5 * texture) + 0.5 * knots)
    inclination = 1.5 - target.axis_ratio
    light = Light(bulge + 0.45 * disc, young, 0.16 * disc * arms * knots, 0.9 * inclination * lanes)
    if target.kind == "barred spiral":
        light.old += 1.3 * np.exp(-(np.abs(along / 0.24) ** 3) - (across / 0.055) ** 2)
    for at, size, brightness in COMPANIONS.get(target.name, ()):
        light.old += brightness * _blob(x, y, at, size)
    return light


def _sombrero(target: Target, x: Floats, y: Floats) -> Light:
    along, across = _along_axes(target, x, y)
    plane = np.hypot(along, across / 0.15)
    halo = 0.9 * _sersic(np.hypot(along, across / 0.62) / 0.36, 2.6)
    disc = 1.6 * np.exp(-((plane / 0.8) ** 2))
    ring = np.exp(-(((plane - 0.78) / 0.13) ** 2))
    patchy = np.exp(0.3 * _noise(target.name, along, across * 3) - 0.1)
    near_side = 1 / (1 + np.exp(-across / 0.015))  # only there is the bulge behind the dust
    return Light(halo + disc, 0.35 * ring, 0.0, ring * patchy * (0.15 + 1.15 * near_side))


def _elliptical(target: Target, x: Floats, y: Floats) -> Light:
    along, across = _along_axes(target, x, y)
    return Light(old=_sersic(np.hypot(along, across / target.axis_ratio) / 0.45, 4))


def _globular(target: Target, x: Floats, y: Floats) -> Light:
    along, across = _along_axes(target, x, y)
    return Light(old=(1 + along**2 + across**2) ** -2.0)  # Plummer's (1911)


def _nebula(target: Target, x: Floats, y: Floats) -> Light:
    along, across = _along_axes(target, x, y)
    gas = _wisps(target.name, along / 5, across / 5)
    veil = _wisps(target.name + " veil", along / 3.5, across / 3.5, 0.1)
    radius = np.hypot(along, across / target.axis_ratio)
    envelope = 2.5 * (1 + (radius / 0.17) ** 2) ** -1.05
    lines = envelope * np.exp(0.75 * gas) * (1 + 0.5 * _ridge(2.2 * veil, 3))
    bay = np.exp(-(((along - 0.16) / 0.16) ** 2) - ((across - 0.10 - 0.05 * veil) / 0.05) ** 2)
    dust = 0.8 * np.exp(0.9 * veil - 0.7) * (0.35 + np.minimum(radius, 1)) + 2.2 * bay
    return Light(0.0, 0.12 * lines, lines, dust)


def _reflection_nebula(target: Target, x: Floats, y: Floats) -> Light:
    streaks = np.exp(0.55 * _wisps(target.name, (x + y) / 60, (x - y) / 190, 0.03) - 0.2)
    light = np.zeros_like(x)
    for ra, dec, magnitude in NAMED_STARS[target.name]:
        east = (ra - target.ra_deg) * np.cos(np.radians(dec)) * 60
        distance = np.hypot(x - east - 1, y - (dec - target.dec_deg) * 60 + 2)  # Merope's lies to its south
        light += 10 ** (-0.25 * (magnitude - 4)) / (1 + (distance / 6) ** 2) ** 1.3
    return Light(young=light * streaks)


def _ring_nebula(target: Target, x: Floats, y: Floats) -> Light:
    along, across = _along_axes(target, x, y)
    across = across / target.axis_ratio
    angle = np.arctan2(across, along)
    knots = _noise(target.name, np.cos(angle) / 3, np.sin(angle) / 3)
    clouds = _wisps(target.name, along / 4, across / 4)
    radius = np.hypot(along, across) * (1 + 0.05 * clouds)
    ring = np.exp(-(((radius - 0.70) / 0.17) ** 2)) * np.exp(0.25 * knots + 0.25 * clouds)
    inside = 0.30 / (1 + (radius / 0.75) ** 12)
    return Light(lines=ring * (1 + 0.25 * np.cos(2 * angle + 1.5)) + inside + 0.05 * np.exp(-((radius / 1.2) ** 4)))


def _dumbbell_nebula(target: Target, x: Floats, y: Floats) -> Light:
    along, across = _along_axes(target, x, y)
    clouds = np.exp(0.35 * _wisps(target.name, along / 3, across / 3))
    radius = np.hypot(along, across)
    waist = 0.28 + 0.5 * along**2
    lobes = 1 / (1 + (np.abs(across) / (waist * 1.35)) ** 8) / (1 + (radius / 0.78) ** 14)
    rims = 1 + 1.3 * np.exp(-(((np.hypot(along, across / 2) - 0.62) / 0.10) ** 2))
    ears = 0.28 / (1 + (radius / 0.80) ** 10)
    return Light(lines=(lobes * rims + ears) * clouds)


def _supernova_remnant(target: Target, x: Floats, y: Floats) -> Light:
    along, across = _along_axes(target, x, y)
    x, y = along / 2.2 + 0.03 * _noise("bend", along / 2, across / 2), across / 2.2
    threads = (_noise(target.name + str(number), x, y, 2.2) for number in range(4))
    filaments = sum(np.exp(-((thread / 0.10) ** 2)) for thread in threads)
    radius = np.hypot(along, across / target.axis_ratio) * (1 + 0.10 * _noise(target.name, x, y, 2.2))
    body = 1 / (1 + (radius / 0.75) ** 6)
    return Light(young=0.8 * body * np.exp(0.2 * _noise(target.name, x, y)), lines=0.5 * filaments * body**0.7)


SHAPES: dict[str, Callable[[Target, Floats, Floats], Light]] = {
    "spiral": _spiral,
    "barred spiral": _spiral,
    "sombrero": _sombrero,
    "elliptical": _elliptical,
    "globular": _globular,
    "nebula": _nebula,
    "reflection nebula": _reflection_nebula,
    "ring nebula": _ring_nebula,
    "dumbbell nebula": _dumbbell_nebula,
    "supernova remnant": _supernova_remnant,
}

#: Companions of a galaxy: offset (east, north) and half-light radius in arcmin, brightness relative to the galaxy's.
COMPANIONS: dict[str, tuple[tuple[tuple[float, float], float, float], ...]] = {
    "M31": (((-0.5, -24.2), 1.6, 3.0), ((-26.6, 25.0), 4.5, 0.25)),
    "M51": (((1.2, 4.3), 0.55, 1.6),),
}
