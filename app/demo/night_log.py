"""The demo's night log: which telescope took what when, and which frames came of it."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count, groupby

import numpy as np

from app.demo.ephemeris import altitude_deg, days_since_j2000, local_noon, sun_altitude_deg
from app.demo.exposures import NO_FILTER, Exposure, PlannedFrame, Product
from app.demo.observatory import INSTRUMENTS, Instrument, Site
from app.demo.targets import TARGETS, Target

PUBLIC_PROPOSAL, PROPRIETARY_PROPOSAL, CALIBRATION_PROPOSAL = "DEMO-OUTREACH", "DEMO-MONITORING", "calibrate"
MONITORED = {"M87", "NGC 253", "NGC 104", "M1", "M83", "NGC 7293"}  # the targets of the proprietary proposal

NIGHTS_BACK = (274, 183, 92, 2, 1, 0)  # a season apart, so that every target is up on some, then a run of three
VISITS = {True: 2, False: 1}  # by whether the instrument is the target's first
LOWEST_ALTITUDE_DEG, DARK_SUN_ALTITUDE_DEG = 25.0, -15.0
SLOT = dt.timedelta(minutes=20)
READOUT = dt.timedelta(seconds=35)
POINTING_ERROR_PX = 4.0
MASTER_KEYS = {"BIAS": "L1IDBIAS", "DARK": "L1IDDARK", "SKYFLAT": "L1IDFLAT"}
LAMPS = (("ARC", 30.0), ("LAMPFLAT", 15.0))
LAMP_KEYS = {"ARC": "L1IDARC", "LAMPFLAT": "L1IDFLAT"}
EXPOSURE_FACTORS = {"globular": 0.2, "up": 2, "H-Alpha": 2}  # by target kind and by filter
CALIBRATION_BLOCKS = 10_000  # how far their numbers lie from those of the visits

Related = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Visit:
    """A telescope's stay at a target."""

    target: Target
    instrument: Instrument
    night: dt.date
    start: dt.datetime
    block: int


def find_last_night(now: dt.datetime) -> dt.date:
    """Return the newest night that is over at every site: nights begin at local noon."""
    return (now - dt.timedelta(hours=36)).date()


def plan_nights(last_night: dt.date, seed: int) -> list[PlannedFrame]:
    """Return every frame of the demo in the order of exposure: the same list for the same arguments."""
    rng = np.random.default_rng(seed)
    visits = list(_plan_visits([last_night - dt.timedelta(days=days) for days in NIGHTS_BACK]))
    frames: list[PlannedFrame] = []
    for instrument in INSTRUMENTS.values():
        own = [visit for visit in visits if visit.instrument == instrument]
        expose = _expose_spectra if instrument.is_spectrograph else _expose_images
        exposures = [exposure for visit in own for exposure in expose(visit, rng)]
        frames += _plan_frames(list(_number([*_expose_calibrations(instrument, exposures), *exposures])))
    return sorted(frames, key=lambda frame: (frame.exposure.start, frame.exposure.stem))


def _plan_visits(nights: list[dt.date]) -> Iterator[Visit]:
    """Give each target visits on several nights by each of its instruments, when it stands high and they are free."""
    taken: set[tuple[str, dt.datetime]] = set()
    blocks = count(nights[-1].toordinal() * 100)
    for order, target in enumerate(TARGETS):
        for instrument in map(INSTRUMENTS.__getitem__, target.instruments):
            telescope = instrument.telescope
            busy = {start for code, start in taken if code == telescope.code}
            chances = [(night, start) for night in nights if (start := _find_start(target, telescope.site, night, busy))]
            for visit in range(min(VISITS[instrument.code == target.instruments[0]], len(chances))):
                night, start = chances[(order + visit) % len(chances)]
                taken.add((telescope.code, start))
                yield Visit(target, instrument, night, start, next(blocks))


def _find_start(target: Target, site: Site, night: dt.date, busy: set[dt.datetime]) -> dt.datetime | None:
    """Find the free time of a night at which a target stands highest in a dark sky."""
    noon = local_noon(site, night)
    starts = [start for number in range(dt.timedelta(days=1) // SLOT) if (start := noon + SLOT * number) not in busy]
    time = np.array([days_since_j2000(start) for start in starts])
    altitude = altitude_deg(target.ra_deg, target.dec_deg, site, time)
    altitude[sun_altitude_deg(site, time) > DARK_SUN_ALTITUDE_DEG] = -90
    best = int(np.argmax(altitude))
    return starts[best] if altitude[best] > LOWEST_ALTITUDE_DEG else None


def _expose_images(visit: Visit, rng: np.random.Generator) -> Iterator[Exposure]:
    """Take one image in each filter, pointed a little beside the target."""
    instrument, target, start = visit.instrument, visit.target, visit.start
    east_deg, north_deg = rng.normal(0, POINTING_ERROR_PX, 2) * instrument.pixel_scale_arcsec / 3600
    for band in target.filters:
        exposure_time_s = instrument.exposure_time_s * EXPOSURE_FACTORS.get(target.kind, 1) * EXPOSURE_FACTORS.get(band, 1)
        yield Exposure(
            instrument,
            visit.night,
            start,
            "EXPOSE",
            exposure_time_s,
            PROPRIETARY_PROPOSAL if target.name in MONITORED else PUBLIC_PROPOSAL,
            visit.block,
            target,
            band,
            float(target.ra_deg + east_deg / np.cos(np.radians(target.dec_deg))) % 360,
            float(target.dec_deg + north_deg),
        )
        start += dt.timedelta(seconds=exposure_time_s) + READOUT


def _expose_spectra(visit: Visit, _rng: np.random.Generator) -> Iterator[Exposure]:
    """Take a spectrum, then its lamps."""
    instrument, target, start = visit.instrument, visit.target, visit.start
    plan = ("SPECTRUM", instrument.exposure_time_s, PUBLIC_PROPOSAL), *((*lamp, CALIBRATION_PROPOSAL) for lamp in LAMPS)
    for kind, exposure_time_s, proposal in plan:
        yield Exposure(
            instrument,
            visit.night,
            start,
            kind,
            exposure_time_s,
            proposal,
            visit.block,
            target,
            ra_deg=target.ra_deg,
            dec_deg=target.dec_deg,
        )
        start += dt.timedelta(seconds=exposure_time_s) + READOUT


def _expose_calibrations(instrument: Instrument, science: list[Exposure]) -> Iterator[Exposure]:
    """Take biases, a dark, and a flat in each filter in the afternoon before an instrument's first night."""
    first = min(science, key=lambda exposure: exposure.start)
    start = local_noon(instrument.telescope.site, first.night) + dt.timedelta(hours=4)
    flats = sorted({exposure.band for exposure in science} - {NO_FILTER})
    for kind, exposure_time_s, band in (
        *[("BIAS", 0.0, NO_FILTER)] * 2,
        ("DARK", 300.0, NO_FILTER),
        *(("SKYFLAT", 4.0, band) for band in flats),
    ):
        block = first.block + CALIBRATION_BLOCKS
        yield Exposure(
            instrument, first.night, start, kind, exposure_time_s, CALIBRATION_PROPOSAL, block, band=band
        )
        start += dt.timedelta(seconds=exposure_time_s) + READOUT


def _number(exposures: list[Exposure]) -> Iterator[Exposure]:
    """Number an instrument's exposures night by night, from 1."""
    in_order = sorted(exposures, key=lambda exposure: exposure.start)
    for _night, of_night in groupby(in_order, key=lambda exposure: exposure.night):
        for number, exposure in enumerate(of_night, start=1):
            yield replace(exposure, number=number)


def _plan_frames(exposures: list[Exposure]) -> Iterator[PlannedFrame]:
    """Give an instrument's exposures their files, and these the names of the files that they rest on."""
    masters: dict[tuple[str, str], PlannedFrame] = {}
    for exposure in exposures:
        raw = PlannedFrame(exposure, Product.RAW)
        kind = exposure.configuration_type
        if kind in MASTER_KEYS:
            master = PlannedFrame(exposure, Product.MASTER, (("ORIGNAME", raw.filename),))
            masters.setdefault((kind, exposure.band), master)
    yield from masters.values()
    for exposure in exposures:
        used = tuple(
            (MASTER_KEYS[kind], master.filename)
            for (kind, band), master in masters.items()
            if band in {exposure.band, NO_FILTER}
        )
        match exposure.configuration_type:
            case "EXPOSE":
                yield from _plan_images(exposure, used)
            case "SPECTRUM":
                lamps = [other for other in exposures if other.block == exposure.block and other.configuration_type in LAMP_KEYS]
                yield from _plan_spectra(exposure, used, lamps)
            case _:
                yield PlannedFrame(exposure, Product.RAW)


def _plan_images(exposure: Exposure, used: Related) -> Iterator[PlannedFrame]:
    raw, catalog = PlannedFrame(exposure, Product.RAW), PlannedFrame(exposure, Product.CATALOG)
    has_catalog = exposure.instrument.catalog == "file"
    related = ("ORIGNAME", raw.filename), *used, *([("L1IDCAT", catalog.filename)] if has_catalog else [])
    reduced = PlannedFrame(exposure, Product.REDUCED, related)
    yield raw
    yield reduced
    if has_catalog:
        yield replace(catalog, related=(("L1IDCAT", reduced.filename),))


def _plan_spectra(exposure: Exposure, used: Related, lamps: list[Exposure]) -> Iterator[PlannedFrame]:
    raw, guide = PlannedFrame(exposure, Product.RAW), PlannedFrame(exposure, Product.GUIDE)
    guided = ("GUIDETAR", guide.filename)
    lit = tuple((LAMP_KEYS[lamp.configuration_type], PlannedFrame(lamp, Product.RAW).filename) for lamp in lamps)
    yield guide
    yield replace(raw, related=(guided,))
    yield PlannedFrame(exposure, Product.REDUCED, (("ORIGNAME", raw.filename), *used, *lit, guided))
