"""Angles as people read them."""

import math


def format_ra(ra_deg: float, step_s: float = 0.1) -> str:
    """Write a right ascension as 05h35m17.3s, down to the unit of time that `step_s` needs."""
    seconds = round(ra_deg * 240, _decimals(step_s)) % 86400
    return _format_sexagesimal(seconds, step_s, "hms")


def format_dec(dec_deg: float, step_arcsec: float = 1) -> str:
    """Write a declination as −05°23′28″, down to the unit that `step_arcsec` needs."""
    seconds = round(abs(dec_deg) * 3600, _decimals(step_arcsec))
    sign = "−" if dec_deg < 0 and seconds else "+"
    return sign + _format_sexagesimal(seconds, step_arcsec, "°′″")


def format_size(size_rad: float) -> str:
    """Write an angular size with three digits, in the unit in which it is easiest to read: 26.1′."""
    arcsec = math.degrees(size_rad) * 3600
    size, unit = _in_readable_unit(arcsec)
    whole_digits = len(str(int(size)))
    return f"{size:.{max(0, 3 - whole_digits)}f}{unit}"


def format_step(arcsec: float) -> str:
    """Write a round angle without needless digits: 5′."""
    size, unit = _in_readable_unit(arcsec)
    return f"{size:g}{unit}"


def _in_readable_unit(arcsec: float) -> tuple[float, str]:
    if arcsec < 59.95:  # more is written as 60.0
        return arcsec, "″"
    return (arcsec / 60, "′") if arcsec < 59.95 * 60 else (arcsec / 3600, "°")


def _decimals(step: float) -> int:
    return max(0, -math.floor(math.log10(step)))


def _format_sexagesimal(seconds: float, step: float, units: str) -> str:
    decimals = _decimals(step)
    minutes, ticks = divmod(round(seconds * 10**decimals), 60 * 10**decimals)
    text = f"{minutes // 60:02d}{units[0]}"
    if step < 3600:
        text += f"{minutes % 60:02d}{units[1]}"
    if step < 60:
        text += f"{ticks / 10**decimals:0{decimals + 3 if decimals else 2}.{decimals}f}{units[2]}"
    return text
