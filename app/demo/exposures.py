"""Exposures and the frames that come of them: what the night log plans, the camera simulates and `files` writes."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from app.demo.observatory import Instrument
from app.demo.targets import NO_TARGET, Target

NO_FILTER = "N/A"
TYPE_LETTERS = {"BIAS": "b", "DARK": "d", "SKYFLAT": "f", "LAMPFLAT": "w", "ARC": "a", "EXPOSE": "e", "SPECTRUM": "e"}


class Product(StrEnum):
    """What may come of an exposure: a file each. The value ends its name."""

    RAW = "00"
    REDUCED = "91"
    CATALOG = "91_cat"
    GUIDE = "g00"
    MASTER = "bin1x1"


@dataclass(frozen=True)
class Exposure:
    """One opening of a shutter (or, for a bias, none); `block` numbers the visit that it belongs to."""

    instrument: Instrument
    night: dt.date
    start: dt.datetime
    configuration_type: str
    exposure_time_s: float
    proposal: str
    block: int
    target: Target = NO_TARGET  # of a calibration
    band: str = NO_FILTER
    ra_deg: float = 0.0
    dec_deg: float = 0.0
    number: int = 0  # in the instrument's night

    @property
    def stem(self) -> str:
        """The filename up to its type and level."""
        return f"{self.instrument.telescope.filename_part}-{self.instrument.code}-{self.night:%Y%m%d}-{self.number:04d}"


@dataclass(frozen=True)
class PlannedFrame:
    """A file that the demo will hold; `related` are the header cards that name other frames' files."""

    exposure: Exposure
    product: Product
    related: tuple[tuple[str, str], ...] = ()

    @property
    def basename(self) -> str:
        exposure = self.exposure
        kind = exposure.configuration_type
        match self.product:
            case Product.MASTER:
                band = f"-{exposure.band}" if kind == "SKYFLAT" else ""
                return f"{exposure.instrument.code}-{exposure.night:%Y%m%d}-{kind.lower()}-{self.product}{band}"
            case Product.GUIDE:
                return f"{exposure.stem}-{self.product}"
        return f"{exposure.stem}-{TYPE_LETTERS[kind]}{self.product}"

    @property
    def filename(self) -> str:
        match self.product:
            case Product.RAW:
                return self.basename + self.exposure.instrument.raw_extension
            case Product.REDUCED:
                return self.basename + self.exposure.instrument.reduced_extension
            case Product.GUIDE:
                return self.basename + ".tar.gz"
        return self.basename + ".fits.fz"
