"""Where the Sun and the stars stand over a site: enough of spherical astronomy to plan a night."""

import datetime as dt

import numpy as np
from numpy.typing import NDArray

from app.demo.observatory import Site

Floats = NDArray[np.float64]

J2000 = dt.datetime(2000, 1, 1, 12, tzinfo=dt.UTC)


def altitude_deg(ra_deg: float | Floats, dec_deg: float | Floats, site: Site, time: Floats) -> Floats:
    """Return the altitude of a place on the sky, in degrees, without refraction and precession.

    Parameters
    ----------
    ra_deg, dec_deg
        The place, in degrees.
    site
        From where it is seen.
    time
        Days since J2000.0 (UTC).
    """
    sidereal_deg = 280.46062 + 360.98564737 * time + site.longitude_deg  # mean: Meeus (1998), 12.4
    hour_angle, dec, latitude = np.radians(sidereal_deg - ra_deg), np.radians(dec_deg), np.radians(site.latitude_deg)
    sine = np.sin(latitude) * np.sin(dec) + np.cos(latitude) * np.cos(dec) * np.cos(hour_angle)
    return np.asarray(np.degrees(np.arcsin(sine)))


def sun_altitude_deg(site: Site, time: Floats) -> Floats:
    """Return the Sun's altitude in degrees: the low-precision formula of the Astronomical Almanac, good to 0.01°."""
    anomaly = np.radians(357.528 + 0.9856003 * time)
    longitude = np.radians(280.460 + 0.9856474 * time + 1.915 * np.sin(anomaly) + 0.020 * np.sin(2 * anomaly))
    obliquity = np.radians(23.439)
    ra = np.arctan2(np.cos(obliquity) * np.sin(longitude), np.cos(longitude))
    dec = np.arcsin(np.sin(obliquity) * np.sin(longitude))
    return altitude_deg(np.degrees(ra), np.degrees(dec), site, time)


def local_noon(site: Site, day: dt.date) -> dt.datetime:
    """Return the mean noon at which an observing night begins, UTC."""
    noon = dt.datetime.combine(day, dt.time(12), dt.UTC)
    return (noon - dt.timedelta(hours=site.longitude_deg / 15)).replace(microsecond=0)


def days_since_j2000(time: dt.datetime) -> float:
    return (time - J2000) / dt.timedelta(days=1)
