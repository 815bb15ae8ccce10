"""Pure functions that make a frame's footprint: what it covers on the sky."""

import re
import warnings
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, TypedDict

import numpy as np
from astropy.coordinates import ICRS, Angle, CartesianRepresentation, SkyCoord
from astropy.io import fits
from astropy.wcs import WCS, WcsError, Wcsprm
from astropy.wcs.utils import wcs_to_celestial_frame
from numpy.typing import NDArray

CIRCLE_CORNERS = 64
FARTHEST_CORNER_DEG = 85  # beyond 90° from the centre, a ring would bound the wrong side of the sky
TEXT_CARD = re.compile(r"CTYPE[12]|CUNIT[12]|RADESYS|RADECSYS")
NUMBER_CARD = re.compile(r"CRPIX[12]|CRVAL[12]|CD[12]_[12]|PV[12]_\d+|LONPOLE|LATPOLE|EQUINOX")
SIP_CARD = re.compile(r"[AB]P?_(ORDER|\d_\d)")
HIGHEST_SIP_ORDER = 9  # that of the SIP convention; astropy makes room for each power of whatever is asked for
DISTORTION_CARD = re.compile(r"PV|[AB]P?_")
REQUIRED_CARDS = {"CTYPE1", "CTYPE2", "CRVAL1", "CRVAL2", "CD1_1", "CD1_2", "CD2_1", "CD2_2", "NAXIS1", "NAXIS2"}


class Polygon(TypedDict):
    """A GeoJSON Polygon: one closed ring of [RA, Dec] in ICRS degrees, joined by great circles."""

    type: str
    coordinates: list[list[list[float]]]


def build_polygon(corners: NDArray[np.float64]) -> Polygon:
    """Close a ring of corners, RA and Dec in ICRS degrees, to a GeoJSON Polygon with RA in [0, 360)."""
    # Twice, as a remainder of what is just below 0 is 360.
    ring = [[ra % 360 % 360, dec] for ra, dec in corners.tolist()]
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def find_angle_deg(value: Any, unit: str) -> float | None:
    """Read an angle, a number or text such as ``12:25:03.8``, in degrees; None if it is no angle."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(Angle(value, unit).deg)
    except (ValueError, TypeError):
        return None


def build_circle_footprint(ra_deg: float, dec_deg: float, radius_deg: float) -> Polygon | None:
    """Build a circular field's polygon.

    Its 64 corners lie on the true circle on the sphere, so its edges run inside by at most 0.12 % of it.

    Parameters
    ----------
    ra_deg, dec_deg
        Centre, ICRS degrees.
    radius_deg
        Angular radius; a radius of 90° or more, or none at all, is no polygon and gives None.
    """
    if not (abs(ra_deg) <= 360 and abs(dec_deg) <= 90 and 0 < radius_deg < 90):
        return None
    centred = SkyCoord(ra_deg, dec_deg, unit="deg").skyoffset_frame()  # x to the centre, y east, z north
    radius, angles = np.radians(radius_deg), np.linspace(0, 2 * np.pi, CIRCLE_CORNERS, endpoint=False)
    east, north = np.sin(radius) * np.sin(angles), np.sin(radius) * np.cos(angles)
    # Vectors, as astropy's directional_offset_by can give NaN where the circle touches a pole.
    corners = CartesianRepresentation(np.full(CIRCLE_CORNERS, np.cos(radius)), east, north)
    ring = SkyCoord(corners, frame=centred).icrs
    return build_polygon(np.column_stack([ring.ra.deg, ring.dec.deg]))


def find_circle_footprint(ra: Any, dec: Any, radius: Any) -> Polygon | None:
    """Build the footprint of a circular field from header values; None where they are none.

    Parameters
    ----------
    ra
        Right ascension as an hour angle: hours, or ``hh:mm:ss`` text.
    dec
        Declination: degrees, or ``dd:mm:ss`` text.
    radius
        Radius in arcsec.
    """
    ra_deg, dec_deg, radius_deg = (
        find_angle_deg(ra, "hourangle"),
        find_angle_deg(dec, "deg"),
        find_angle_deg(radius, "arcsec"),
    )
    if ra_deg is None or dec_deg is None or radius_deg is None:
        return None
    return build_circle_footprint(ra_deg, dec_deg, radius_deg)


def select_wcs_cards(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Pick the celestial WCS out of a header, with numbers as numbers.

    SIP coefficients count only where CTYPE1 says so, as the convention wants. PCi_j and CDELTi are left out:
    they may not be used beside a CD matrix (FITS 4.0, section 8.1.2).

    Raises
    ------
    ValueError, TypeError
        If a card that must be a number is none, or where wcslib would make up for what is missing.
    """
    missing = REQUIRED_CARDS - headers.keys()
    if missing:
        raise ValueError(f"no {', '.join(missing)}")
    number_cards = [key for key in headers if NUMBER_CARD.fullmatch(key)]
    if str(headers["CTYPE1"]).endswith("-SIP"):
        number_cards += [key for key in headers if SIP_CARD.fullmatch(key)]
    cards = {key: float(headers[key]) for key in number_cards}
    if any(cards[key] > HIGHEST_SIP_ORDER for key in cards if key.endswith("_ORDER")):
        raise ValueError("a SIP polynomial of an order that there is not")
    if any(str(headers[key]).endswith("-TAB") for key in ("CTYPE1", "CTYPE2")):
        raise ValueError("coordinates that a table gives, which is not in the header")
    if cards["CD1_1"] * cards["CD2_2"] == cards["CD1_2"] * cards["CD2_1"]:
        raise ValueError("a singular CD matrix, for which wcslib takes one of its own")
    texts = {key: str(value) for key, value in headers.items() if TEXT_CARD.fullmatch(key) and value}
    return texts | cards


def build_wcs(cards: Mapping[str, str | float]) -> WCS:
    """Build a WCS from its cards.

    Raises
    ------
    ValueError, TypeError, astropy.wcs.WcsError
        If they give none.
    """
    if any(map(DISTORTION_CARD.match, cards)):
        return WCS(fits.Header(cards))
    # In search of distortions, WCS() takes the header apart three times, which takes eight times as long.
    wcs = WCS(naxis=2)
    wcs.wcs = Wcsprm(
        header="".join(format_card(key, value) for key, value in cards.items()).encode("ascii"), relax=True
    )
    wcs.fix()
    return wcs


def format_card(key: str, value: str | float) -> str:
    """Write a card of 80 characters; ValueError if the value does not fit into one."""
    if not isinstance(value, str) and not isfinite(value):
        raise ValueError(f"{key} is {value}")
    text = "'{}'".format(value.replace("'", "''")) if isinstance(value, str) else repr(value)
    card = f"{key:<8}= {text:>20}".ljust(80)
    if len(card) > 80:
        raise ValueError(f"{key} is too long")
    return card


def find_positions(wcs: WCS, pixels: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    """Return RA and Dec in ICRS degrees, shape (n, 2), of pixels, which count from 0.

    Raises
    ------
    ValueError, TypeError, astropy.wcs.WcsError
        If the WCS is not celestial, or does not lead to ICRS.
    """
    frame = wcs_to_celestial_frame(wcs)
    world = wcs.all_pix2world(pixels, 0)
    positions: NDArray[np.float64] = world[:, [wcs.wcs.lng, wcs.wcs.lat]]
    if not isinstance(frame, ICRS):  # as nearly all are; a SkyCoord takes longer than wcslib
        there = SkyCoord(*positions.T, unit="deg", frame=frame).icrs
        positions = np.column_stack([there.ra.deg, there.dec.deg])
    return positions


def find_wcs_footprint(headers: Mapping[str, Any]) -> Polygon | None:
    """Build the polygon of the centres of an image's four corner pixels.

    Parameters
    ----------
    headers
        The header, with NAXIS1 and NAXIS2.

    Returns
    -------
    dict or None
        GeoJSON Polygon, see `build_polygon`; None if the WCS does not parse, is not celestial or not finite, or
        if a corner is more than 85° from the image's centre.
    """
    try:
        cards = select_wcs_cards(headers)
        right, top = int(headers["NAXIS1"]) - 1, int(headers["NAXIS2"]) - 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # wcslib tells of each card that it mends
            corners_and_centre = [(0, 0), (0, top), (right, top), (right, 0), (right / 2, top / 2)]
            ring_deg = find_positions(build_wcs(cards), corners_and_centre)
    except (ValueError, TypeError, WcsError):
        return None
    ra, dec = np.radians(ring_deg).T
    cosines = np.sin(dec[:4]) * np.sin(dec[4]) + np.cos(dec[:4]) * np.cos(dec[4]) * np.cos(ra[:4] - ra[4])
    fits_a_hemisphere = cosines.min() >= np.cos(np.radians(FARTHEST_CORNER_DEG))  # False where one is NaN
    return build_polygon(ring_deg[:4]) if fits_a_hemisphere else None
