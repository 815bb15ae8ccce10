"""The headers of the demo's frames: those that `ocs_archive` reads by default, and some for astronomers."""

import datetime as dt

import numpy as np
from astropy.coordinates import Angle
from astropy.io import fits

from app.demo.ephemeris import altitude_deg, days_since_j2000
from app.demo.exposures import Exposure, PlannedFrame, Product
from app.demo.night_log import CALIBRATION_PROPOSAL, PROPRIETARY_PROPOSAL, PUBLIC_PROPOSAL
from app.demo.observatory import Instrument
from app.demo.sky import build_wcs

Card = tuple[str, str | float, str]
Cards = list[Card]

PROPRIETARY_PERIODS = {PUBLIC_PROPOSAL: dt.timedelta(0), PROPRIETARY_PROPOSAL: dt.timedelta(days=365)}
USERS = {PUBLIC_PROPOSAL: "outreach", PROPRIETARY_PROPOSAL: "observer", CALIBRATION_PROPOSAL: "operator"}
UNREDUCED = {Product.RAW, Product.GUIDE}
PRODUCT_TYPES = {Product.CATALOG: "CATALOG", Product.GUIDE: "GUIDE"}  # of the others it is the exposure's
MASTER_UNITS = {"BIAS": "adu", "DARK": "electron/s", "SKYFLAT": ""}
J2000_MJD = 51544.5


def build_header(frame: PlannedFrame) -> fits.Header:
    """Return a frame's header, apart from its WCS."""
    exposure = frame.exposure
    cards = _describe_exposure(exposure) + _describe_equipment(exposure) + _describe_product(frame)
    if exposure.target.name:
        cards += _describe_pointing(exposure)
        if frame.product is Product.RAW and exposure.instrument.amplifiers > 1:
            cards.append(_describe_field(exposure.instrument))  # none of its images shows the whole of it
    return fits.Header([*cards, *((key, filename, "") for key, filename in frame.related)])


def build_wcs_header(exposure: Exposure) -> fits.Header:
    """Return the WCS of an image of a target; an empty header for calibrations and spectra."""
    if exposure.configuration_type != "EXPOSE":
        return fits.Header()
    wcs = build_wcs(exposure.instrument, exposure.ra_deg, exposure.dec_deg).wcs
    header = fits.Header()
    for axis in (1, 2):
        header[f"CTYPE{axis}"] = str(wcs.ctype[axis - 1])
        header[f"CUNIT{axis}"] = "deg"
        header[f"CRVAL{axis}"] = float(wcs.crval[axis - 1])
        header[f"CRPIX{axis}"] = float(wcs.crpix[axis - 1])
        header[f"CD{axis}_1"], header[f"CD{axis}_2"] = map(float, wcs.cd[axis - 1])
    return header


def _describe_exposure(exposure: Exposure) -> Cards:
    start = exposure.start.replace(tzinfo=None)  # by the standard, FITS dates carry no offset
    end = start + dt.timedelta(seconds=exposure.exposure_time_s)
    cards: Cards = [
        ("ORIGIN", "Demo observatory (simulated)", "these data show no real sky"),
        ("OBJECT", exposure.target.name or "N/A", "target"),
        ("TIMESYS", "UTC", "time system"),
        ("DATE-OBS", start.isoformat(timespec="milliseconds"), "[UTC] start of the exposure"),
        ("MJD-OBS", J2000_MJD + days_since_j2000(exposure.start), "[d] the same as Modified Julian Date"),
        ("UTSTOP", end.time().isoformat("milliseconds"), "[UTC] end of the exposure"),
        ("DAY-OBS", f"{exposure.night:%Y%m%d}", "date at the beginning of the local night"),
        ("EXPTIME", exposure.exposure_time_s, "[s] exposure time"),
        ("FRAMENUM", exposure.number, "running number in the night"),
        ("PROPID", exposure.proposal, "proposal"),
        ("USERID", USERS[exposure.proposal], "who asked for it"),
        ("BLKUID", exposure.block, "observation"),
        ("MOLUID", exposure.block * 10, "configuration"),
        ("REQNUM", exposure.block + 1, "request"),
        ("TRACKNUM", exposure.block // 10, "group of requests"),
    ]
    if exposure.proposal in PROPRIETARY_PERIODS:
        public = start + PROPRIETARY_PERIODS[exposure.proposal]
        cards.append(("L1PUBDAT", public.isoformat(timespec="milliseconds"), "[UTC] when it becomes public"))
    return cards


def _describe_equipment(exposure: Exposure) -> Cards:
    instrument, telescope = exposure.instrument, exposure.instrument.telescope
    return [
        ("SITEID", telescope.site.code, "site"),
        ("SITE", telescope.site.name, ""),
        ("LATITUDE", telescope.site.latitude_deg, "[deg] north"),
        ("LONGITUD", telescope.site.longitude_deg, "[deg] east"),
        ("HEIGHT", telescope.site.height_m, "[m] above sea level"),
        ("TELID", telescope.code, "telescope"),
        ("APERTURE", telescope.aperture_m, "[m] diameter of the telescope"),
        ("INSTRUME", instrument.code, "instrument"),
        ("INSTYPE", instrument.description, "type of the instrument"),
        ("FILTER", exposure.band, "filter"),
        ("PIXSCALE", instrument.pixel_scale_arcsec, "[arcsec/pixel]"),
        ("RDNOISE", instrument.read_noise, "[electron] read noise"),
    ]


def _describe_product(frame: PlannedFrame) -> Cards:
    exposure, instrument = frame.exposure, frame.exposure.instrument
    cards: Cards = [("OBSTYPE", PRODUCT_TYPES.get(frame.product, exposure.configuration_type), "configuration type")]
    if frame.product in UNREDUCED:
        return [*cards, ("RLEVEL", 0, "raw"), ("GAIN", instrument.gain, "[electron/adu]"), ("BUNIT", "adu", "")]
    unit = MASTER_UNITS[exposure.configuration_type] if frame.product is Product.MASTER else "electron"
    return [*cards, ("RLEVEL", 91, "reduced"), ("GAIN", 1.0, "[electron/electron]"), ("BUNIT", unit, "")]


def _describe_pointing(exposure: Exposure) -> Cards:
    time = np.array(days_since_j2000(exposure.start))
    altitude = float(altitude_deg(exposure.ra_deg, exposure.dec_deg, exposure.instrument.telescope.site, time))
    return [
        ("RADESYS", "ICRS", ""),
        ("RA", Angle(exposure.ra_deg / 15, "hour").to_string(sep=":", precision=3, pad=True), "[h] of the pointing"),
        (
            "DEC",
            Angle(exposure.dec_deg, "deg").to_string(sep=":", precision=2, alwayssign=True),
            "[deg] of the pointing",
        ),
        ("AIRMASS", round(1 / np.sin(np.radians(altitude)), 4), "at the start of the exposure"),
    ]


def _describe_field(instrument: Instrument) -> Card:
    radius_arcsec = float(np.hypot(*instrument.shape)) / 2 * instrument.pixel_scale_arcsec
    return "RADIUS", round(radius_arcsec, 1), "[arcsec] of the circle around the field"
