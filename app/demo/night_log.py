"""The demo's night log: which telescope took what when, and which frames came of it."""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import count, groupby

import numpy as np

from app.demo.ephemeris import altitude_deg, days_since_j2000, local_noon, sun_altitude_deg
from app.demo.exposures import NO_FILTER, Exposure, PlannedFrame, Product
from app.demo.observatory import INSTRUMENTS, Site
from app.demo.targets import NO_TARGET, TARGETS, Target

PUBLIC_PROPOSAL, PROPRIETARY_PROPOSAL, CALIBRATION_PROPOSAL = "DEMO-OUTREACH", "DEMO-MONITORING", "calibrate"
MONITORED = {"M87", "NGC 253", "NGC 104", "M1", "M83", "NGC 7293"}  # the targets of the proprietary proposal

NIGHTS_BACK = (274, 183, 92, 2, 1, 0)  # a season apart, so that every target is up on some, then a run of three
FIRST_INSTRUMENT_VISITS, OTHER_VISITS = 2, 1
LOWEST_ALTITUDE_DEG, DARK_SUN_ALTITUDE_DEG = 25.0, -15.0
SLOT = dt.timedelta(minutes=20)
READOUT = dt.timedelta(seconds=35)
POINTING_ERROR_PX = 4.0
EXPOSURE_FACTORS = {"globular": 0.2, "up": 2, "H-Alpha": 2}  # by target kind and by filter
CALIBRATION_KEYS = {
    "BIAS": "L1IDBIAS",
    "DARK": "L1IDDARK",
    "SKYFLAT": "L1IDFLAT",
    "LAMPFLAT": "L1IDFLAT",
    "ARC": "L1IDARC",
}
MASTER_TYPES = {"BIAS", "DARK", "SKYFLAT"}  # the others serve the visit that they were taken in, as they are

Plan = Iterable[tuple[str, float, str]]  # configuration type, exposure time (s), filter


def find_last_night(now: dt.datetime) -> dt.date:
    """Return the newest night that is over at every site: nights begin at local noon."""
    return (now - dt.timedelta(hours=36)).date()


def plan_nights(last_night: dt.date, seed: int) -> list[PlannedFrame]:
    """Return every frame of the demo in the order of exposure: the same list for the same arguments."""
    visits = list(
        _plan_visits([last_night - dt.timedelta(days=days) for days in NIGHTS_BACK], np.random.default_rng(seed))
    )
    frames: list[PlannedFrame] = []
    for instrument in INSTRUMENTS.values():
        own = [visit for visit in visits if visit.instrument == instrument]
        science = [exposure for visit in own for exposure in _expose(visit, _plan_science(visit))]
        frames += _plan_frames(list(_number([*_expose_calibrations(science), *science])))
    return sorted(frames, key=lambda frame: (frame.exposure.start, frame.exposure.stem))


def _plan_visits(nights: list[dt.date], rng: np.random.Generator) -> Iterator[Exposure]:
    """Give each target visits on several nights by each of its instruments, when it stands high and they are free.

    A visit is an exposure of which the type, time and filter are still open.
    """
    taken: set[tuple[str, dt.datetime]] = set()
    blocks = count(nights[-1].toordinal() * 100)
    for order, target in enumerate(TARGETS):
        proposal = PROPRIETARY_PROPOSAL if target.name in MONITORED else PUBLIC_PROPOSAL
        for instrument in map(INSTRUMENTS.__getitem__, target.instruments):
            code, site = instrument.telescope.code, instrument.telescope.site
            busy = {start for telescope, start in taken if telescope == code}
            chances = [(night, start) for night in nights if (start := _find_start(target, site, night, busy))]
            wanted = FIRST_INSTRUMENT_VISITS if instrument.code == target.instruments[0] else OTHER_VISITS
            for visit in range(min(wanted, len(chances))):
                night, start = chances[(order + visit) % len(chances)]
                taken.add((code, start))
                east_deg, north_deg = rng.normal(0, POINTING_ERROR_PX / 3600, 2) * instrument.pixel_scale_arcsec
                ra_deg = (target.ra_deg + float(east_deg / np.cos(np.radians(target.dec_deg)))) % 360
                pointing = ra_deg, target.dec_deg + float(north_deg)
                yield Exposure(instrument, night, start, "", 0, proposal, next(blocks), target, NO_FILTER, *pointing)


def _find_start(target: Target, site: Site, night: dt.date, busy: set[dt.datetime]) -> dt.datetime | None:
    """Find the free time of a night at which a target stands highest in a dark sky."""
    noon = local_noon(site, night)
    starts = [start for number in range(dt.timedelta(days=1) // SLOT) if (start := noon + SLOT * number) not in busy]
    time = np.array([days_since_j2000(start) for start in starts])
    altitude = altitude_deg(target.ra_deg, target.dec_deg, site, time)
    altitude[sun_altitude_deg(site, time) > DARK_SUN_ALTITUDE_DEG] = -90
    best = int(np.argmax(altitude))
    return starts[best] if altitude[best] > LOWEST_ALTITUDE_DEG else None


def _plan_science(visit: Exposure) -> Plan:
    """Plan an image in each filter, or a spectrum and its lamps."""
    time_s = visit.instrument.exposure_time_s
    if visit.instrument.is_spectrograph:
        return [("SPECTRUM", time_s, NO_FILTER), ("ARC", 30, NO_FILTER), ("LAMPFLAT", 15, NO_FILTER)]
    time_s *= EXPOSURE_FACTORS.get(visit.target.kind, 1)
    return [("EXPOSE", time_s * EXPOSURE_FACTORS.get(band, 1), band) for band in visit.target.filters]


def _expose_calibrations(science: list[Exposure]) -> Iterator[Exposure]:
    """Take biases, a dark, and a flat in each filter in the afternoon before an instrument's first night."""
    first = min(science, key=lambda exposure: exposure.start)
    start = local_noon(first.instrument.telescope.site, first.night) + dt.timedelta(hours=4)
    bands = sorted({exposure.band for exposure in science} - {NO_FILTER})
    plan = [
        ("BIAS", 0, NO_FILTER),
        ("BIAS", 0, NO_FILTER),
        ("DARK", 300, NO_FILTER),
        *(("SKYFLAT", 4, band) for band in bands),
    ]
    return _expose(replace(first, start=start, block=first.block + 10_000, target=NO_TARGET), plan)


def _expose(visit: Exposure, plan: Plan) -> Iterator[Exposure]:
    """Take exposures one after the other, beginning with the visit's start."""
    start = visit.start
    for kind, time_s, band in plan:
        exposure = replace(visit, start=start, configuration_type=kind, exposure_time_s=float(time_s), band=band)
        yield replace(exposure, proposal=CALIBRATION_PROPOSAL) if kind in CALIBRATION_KEYS else exposure
        start += dt.timedelta(seconds=time_s) + READOUT


def _number(exposures: list[Exposure]) -> Iterator[Exposure]:
    """Number an instrument's exposures night by night, from 1."""
    in_order = sorted(exposures, key=lambda exposure: exposure.start)
    for _night, of_night in groupby(in_order, key=lambda exposure: exposure.night):
        for number, exposure in enumerate(of_night, start=1):
            yield replace(exposure, number=number)


def _plan_frames(exposures: list[Exposure]) -> Iterator[PlannedFrame]:
    """Give an instrument's exposures their files, and these the names of the files that they rest on."""
    calibrations: dict[tuple[str, str | int], PlannedFrame] = {}  # by type, and filter or visit
    for exposure in exposures:
        kind, raw = exposure.configuration_type, PlannedFrame(exposure, Product.RAW)
        if kind in MASTER_TYPES:
            master = PlannedFrame(exposure, Product.MASTER, (("ORIGNAME", raw.filename),))
            calibrations.setdefault((kind, exposure.band), master)
        elif kind in CALIBRATION_KEYS:
            calibrations[kind, exposure.block] = raw
    yield from (frame for frame in calibrations.values() if frame.product is Product.MASTER)
    for exposure in exposures:
        scopes = {NO_FILTER, exposure.band, exposure.block}
        used = [
            (CALIBRATION_KEYS[kind], frame.filename) for (kind, scope), frame in calibrations.items() if scope in scopes
        ]
        yield from _plan_products(exposure, used)


def _plan_products(exposure: Exposure, used: list[tuple[str, str]]) -> Iterator[PlannedFrame]:
    raw = PlannedFrame(exposure, Product.RAW)
    if exposure.configuration_type in CALIBRATION_KEYS:
        yield raw
        return
    related = [("ORIGNAME", raw.filename), *used]
    if exposure.configuration_type == "SPECTRUM":
        guide = PlannedFrame(exposure, Product.GUIDE)
        related.append(("GUIDETAR", guide.filename))
        raw = replace(raw, related=(related[-1],))
        yield guide
    if exposure.instrument.catalog == "file":
        reduced = PlannedFrame(exposure, Product.REDUCED)
        catalog = PlannedFrame(exposure, Product.CATALOG, (("L1IDCAT", reduced.filename),))
        related.append(("L1IDCAT", catalog.filename))
        yield catalog
    yield raw
    yield PlannedFrame(exposure, Product.REDUCED, tuple(related))
