"""The headers of the demo's frames: the keys that `ocs_archive` reads by default, and those that astronomers look for."""

import datetime as dt

import numpy as np
from astropy.coordinates import Angle
from astropy.io import fits

from app.demo.ephemeris import altitude_deg, days_since_j2000
from app.demo.exposures import Exposure, PlannedFrame, Product
from app.demo.night_log import CALIBRATION_PROPOSAL, PROPRIETARY_PROPOSAL, PUBLIC_PROPOSAL
from app.demo.sky import build_wcs

Cards = list[tuple[str, str | float | None, str]]

PROPRIETARY_PERIODS = {PUBLIC_PROPOSAL: dt.timedelta(0), PROPRIETARY_PROPOSAL: dt.timedelta(days=365)}
USERS = {PUBLIC_PROPOSAL: "outreach", PROPRIETARY_PROPOSAL: "observer", CALIBRATION_PROPOSAL: "operator"}
REDUCED = {Product.REDUCED, Product.CATALOG, Product.MASTER}
PRODUCT_TYPES = {Product.CATALOG: "CATALOG", Product.GUIDE: "GUIDE"}  # of the others it is the exposure's
MASTER_UNITS = {"BIAS": "adu", "DARK": "electron/s", "SKYFLAT": ""}
J2000_MJD = 51544.5


def build_header(frame: PlannedFrame) -> fits.Header:
    """Return a frame's header, apart from its WCS."""
    exposure = frame.exposure
    cards = _name(frame) + _time(exposure) + _place(exposure) + _set_up(frame) + _assign(exposure)
    if exposure.target.name:
        cards += _aim(exposure)
    if frame.product is Product.RAW and exposure.instrument.amplifiers > 1:
        cards += _field(exposure)  # no image of such a file shows the whole field
    cards += [(key, filename, "") for key, filename in frame.related]
    return fits.Header(cards)


def build_wcs_header(exposure: Exposure) -> fits.Header:
    """Return the WCS of an image of a target; an empty header for calibrations and spectra."""
    if exposure.configuration_type != "EXPOSE":
        return fits.Header()
    wcs = build_wcs(exposure.instrument, exposure.ra_deg, exposure.dec_deg).wcs
    cards: Cards = []
    for axis in range(2):
        cards += [
            (f"CTYPE{axis + 1}", str(wcs.ctype[axis]), "tangent plane"),
            (f"CUNIT{axis + 1}", "deg", ""),
            (f"CRVAL{axis + 1}", float(wcs.crval[axis]), "[deg] of the reference pixel"),
            (f"CRPIX{axis + 1}", float(wcs.crpix[axis]), "[pixel] the reference pixel, from 1"),
        ]
        cards += [(f"CD{axis + 1}_{other + 1}", float(wcs.cd[axis, other]), "[deg/pixel]") for other in range(2)]
    return fits.Header(cards)


def _name(frame: PlannedFrame) -> Cards:
    exposure = frame.exposure
    return [
        ("ORIGIN", "Demo observatory (simulated)", "these data show no real sky"),
        ("OBJECT", exposure.target.name or "N/A", "target"),
        ("OBSTYPE", PRODUCT_TYPES.get(frame.product, exposure.configuration_type), "configuration type"),
        ("RLEVEL", 91 if frame.product in REDUCED else 0, "reduction level"),
        ("FRAMENUM", exposure.number, "running number in the night"),
    ]


def _time(exposure: Exposure) -> Cards:
    start, end = (
        time.replace(tzinfo=None) for time in (exposure.start, exposure.start + dt.timedelta(seconds=exposure.exposure_time_s))
    )
    return [
        ("TIMESYS", "UTC", "time system"),
        ("DATE-OBS", start.isoformat(timespec="milliseconds"), "[UTC] start of the exposure"),
        ("DAY-OBS", f"{exposure.night:%Y%m%d}", "date at the beginning of the local night"),
        ("UTSTART", start.time().isoformat("milliseconds"), "[UTC] start of the exposure"),
        ("UTSTOP", end.time().isoformat("milliseconds"), "[UTC] end of the exposure"),
        ("MJD-OBS", J2000_MJD + days_since_j2000(exposure.start), "[d] start of the exposure, MJD"),
        ("EXPTIME", exposure.exposure_time_s, "[s] exposure time"),
    ]


def _place(exposure: Exposure) -> Cards:
    telescope = exposure.instrument.telescope
    return [
        ("SITEID", telescope.site.code, "site"),
        ("SITE", telescope.site.name, ""),
        ("LATITUDE", telescope.site.latitude_deg, "[deg] north"),
        ("LONGITUD", telescope.site.longitude_deg, "[deg] east"),
        ("HEIGHT", telescope.site.height_m, "[m] above sea level"),
        ("TELID", telescope.code, "telescope"),
        ("APERTURE", telescope.aperture_m, "[m] diameter of the telescope"),
    ]


def _set_up(frame: PlannedFrame) -> Cards:
    instrument = frame.exposure.instrument
    is_raw = frame.product not in REDUCED
    unit = MASTER_UNITS[frame.exposure.configuration_type] if frame.product is Product.MASTER else "electron"
    return [
        ("INSTRUME", instrument.code, "instrument"),
        ("INSTYPE", instrument.description, "type of the instrument"),
        ("FILTER", frame.exposure.band, "filter"),
        ("PIXSCALE", instrument.pixel_scale_arcsec, "[arcsec/pixel]"),
        ("CCDSUM", "1 1", "binning"),
        ("GAIN", instrument.gain if is_raw else 1.0, "[electron/adu]"),
        ("RDNOISE", instrument.read_noise, "[electron] read noise"),
        ("SATURATE", 65535 if is_raw else instrument.saturation, "[BUNIT] saturation"),
        ("BUNIT", "adu" if is_raw else unit, "unit of the pixels"),
    ]


def _assign(exposure: Exposure) -> Cards:
    cards: Cards = [
        ("PROPID", exposure.proposal, "proposal"),
        ("USERID", USERS[exposure.proposal], "who asked for it"),
        ("BLKUID", str(exposure.block), "observation"),
        ("MOLUID", str(exposure.block * 10), "configuration"),
        ("REQNUM", f"{exposure.block - 70_000_000:010d}", "request"),
        ("TRACKNUM", f"{(exposure.block - 70_000_000) // 10:010d}", "group of requests"),
    ]
    if exposure.proposal in PROPRIETARY_PERIODS:
        public = exposure.start.replace(tzinfo=None) + PROPRIETARY_PERIODS[exposure.proposal]
        cards.append(("L1PUBDAT", public.isoformat(timespec="milliseconds"), "[UTC] when it becomes public"))
    return cards


def _aim(exposure: Exposure) -> Cards:
    site, time = exposure.instrument.telescope.site, np.array(days_since_j2000(exposure.start))
    altitude = float(altitude_deg(exposure.ra_deg, exposure.dec_deg, site, time))
    return [
        ("RADESYS", "ICRS", ""),
        ("RA", _sexagesimal(exposure.ra_deg / 15), "[h] where the telescope points"),
        ("DEC", _sexagesimal(exposure.dec_deg, sign=True), "[deg] where the telescope points"),
        ("CAT-RA", _sexagesimal(exposure.target.ra_deg / 15), "[h] the target's"),
        ("CAT-DEC", _sexagesimal(exposure.target.dec_deg, sign=True), "[deg] the target's"),
        ("ALTITUDE", round(altitude, 3), "[deg] at the start of the exposure"),
        ("AIRMASS", round(1 / np.sin(np.radians(altitude)), 4), "at the start of the exposure"),
    ]


def _field(exposure: Exposure) -> Cards:
    if not exposure.target.name:
        return []
    radius = np.hypot(*exposure.instrument.shape) / 2 * exposure.instrument.pixel_scale_arcsec
    return [("RADIUS", round(float(radius), 1), "[arcsec] of the circle around the field")]


def _sexagesimal(value: float, *, sign: bool = False) -> str:
    text: str = Angle(value, "deg").to_string(sep=":", precision=3, pad=True, alwayssign=sign)
    return text
