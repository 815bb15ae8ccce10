"""The demo's sites, telescopes, instruments and filters: a made-up observatory, as data."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Site:
    """A place on Earth: degrees north and east, metres above sea level."""

    code: str
    name: str
    latitude_deg: float
    longitude_deg: float
    height_m: float


@dataclass(frozen=True)
class Telescope:
    """A telescope; `number` completes its code in filenames, as in ``ata1m001``."""

    code: str
    number: str
    site: Site
    aperture_m: float
    has_spider: bool = True

    @property
    def filename_part(self) -> str:
        return f"{self.site.code}{self.code[:2]}{self.number}"

    @property
    def zero_point(self) -> float:
        """Magnitude of a star that gives one electron per second through a clear filter (1 m: 23.4)."""
        return 23.4 + 5 * math.log10(self.aperture_m)


@dataclass(frozen=True)
class Instrument:
    """A camera or spectrograph and its detector; electrons, pixels and arcsec.

    The sky lies on the detector turned by `rotation_deg` and, where `is_mirrored`, with east to the right of north.
    """

    code: str
    telescope: Telescope
    description: str
    shape: tuple[int, int]
    pixel_scale_arcsec: float
    rotation_deg: float
    is_mirrored: bool
    fwhm_px: float
    exposure_time_s: float
    gain: float
    read_noise: float
    bias_adu: float
    dark_per_s: float
    raw_extension: str
    reduced_extension: str
    catalog: str = ""  # where the table of sources is: in a "file" of its own, or "inside" the reduced frame
    amplifiers: int = 1  # 4: the raw frame is a mosaic of its quadrants
    is_spectrograph: bool = False

    @property
    def saturation(self) -> float:
        """Electrons at which the 16-bit converter has no more numbers."""
        return (65535 - self.bias_adu) * self.gain

    @property
    def cd_matrix(self) -> NDArray[np.float64]:
        """Degrees on the sky per pixel: the FITS CDi_j, of shape (2, 2)."""
        angle, scale = math.radians(self.rotation_deg), self.pixel_scale_arcsec / 3600
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        return np.asarray(scale * np.diag([1 if self.is_mirrored else -1, 1]) @ turn)


@dataclass(frozen=True)
class Filter:
    """A filter: its zero point, sky and extinction, relative to a dark sky seen through V.

    `colour_term` is the change of a star's magnitude per magnitude of B-V (from a star of B-V = 0.5), `line_strength`
    the share of a nebula's emission lines that passes, `dust` the extinction relative to V.
    """

    name: str
    zero_point_offset: float
    sky_magnitude: float
    colour_term: float
    line_strength: float
    dust: float


LA_PALMA = Site("lpa", "La Palma, Spain", 28.757, -17.885, 2390.0)
ATACAMA = Site("ata", "Atacama, Chile", -24.590, -70.190, 2810.0)
KAROO = Site("kar", "Karoo, South Africa", -32.379, 20.811, 1760.0)

TWO_METRE = Telescope("2m0a", "001", LA_PALMA, 2.0)
ASTROGRAPH = Telescope("0m1a", "002", LA_PALMA, 0.14, has_spider=False)
ATACAMA_METRE = Telescope("1m0a", "003", ATACAMA, 1.0)
KAROO_METRE = Telescope("1m0b", "004", KAROO, 1.0)
KAROO_SMALL = Telescope("0m4a", "005", KAROO, 0.4)

# fmt: off
# code, telescope, description, shape, arcsec per pixel, rotation, mirrored,
#     FWHM, exposure time, gain, read noise, bias, dark current, extensions of raw and reduced frames
INSTRUMENTS: dict[str, Instrument] = {instrument.code: instrument for instrument in (
    Instrument("ci01", TWO_METRE, "narrow-field CCD camera", (512, 512), 1.2, 12.0, False,
               2.6, 90.0, 2.3, 9.0, 1480.0, 0.01, ".fits.fz", ".fits.fz", catalog="file"),
    Instrument("en02", TWO_METRE, "long-slit spectrograph", (192, 1024), 0.6, 0.0, False,
               3.4, 300.0, 1.6, 4.0, 620.0, 0.01, ".fits.fz", ".fits.fz", is_spectrograph=True),
    Instrument("wf03", ASTROGRAPH, "wide-field CMOS camera", (480, 640), 12.0, -7.0, True,
               2.0, 60.0, 1.1, 6.0, 300.0, 0.2, ".fits", ".fits"),
    Instrument("mo04", ATACAMA_METRE, "four-amplifier CCD camera", (512, 512), 1.8, 0.6, False,
               2.3, 120.0, 1.9, 8.0, 1050.0, 0.01, ".fits.fz", ".fits.fz", catalog="inside", amplifiers=4),
    Instrument("ci05", KAROO_METRE, "CCD camera", (512, 512), 1.8, 178.4, False,
               2.4, 120.0, 2.1, 9.5, 1260.0, 0.02, ".fits", ".fits.fz"),
    Instrument("wf06", KAROO_SMALL, "CMOS camera", (480, 640), 4.4, 95.0, True,
               2.1, 90.0, 1.3, 5.0, 240.0, 0.15, ".fits.fz", ".fits"),
)}

# name, zero point, sky, colour term, lines, dust
FILTERS: dict[str, Filter] = {band.name: band for band in (
    Filter("up",      -1.9, 22.4, +2.2, 0.30, 1.6),
    Filter("B",       -0.4, 22.3, +1.0, 0.35, 1.3),
    Filter("gp",       0.0, 21.9, +0.5, 0.80, 1.2),
    Filter("V",       -0.2, 21.5,  0.0, 0.60, 1.0),
    Filter("rp",       0.0, 20.9, -0.5, 1.00, 0.85),
    Filter("H-Alpha", -3.4, 21.1, -0.6, 16.0, 0.8),
    Filter("ip",      -0.4, 20.1, -0.9, 0.20, 0.65),
    Filter("zs",      -1.1, 19.1, -1.2, 0.25, 0.5),
)}
# fmt: on
