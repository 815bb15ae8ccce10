"""How times are written."""

import datetime as dt
from typing import Any

import orjson
from flask.json.provider import DefaultJSONProvider


def format_time(time: dt.datetime | None) -> str | None:
    """Write a time for a program: ISO 8601 in UTC."""
    return time.isoformat().replace("+00:00", "Z") if time else None


def dump_json(value: Any) -> bytes:
    """Write JSON for a program; times as `format_time` does."""
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)


def format_json_value(value: Any) -> Any:
    """Return what a library that writes JSON shall write of a time or a date, which it does not know."""
    return format_time(value) if isinstance(value, dt.datetime) else DefaultJSONProvider.default(value)


def format_utc(time: dt.datetime | None) -> str:
    """Write a time for a person, to the second, as observers log it."""
    return time.strftime("%Y-%m-%d %H:%M:%S") if time else ""


def format_duration(duration: dt.timedelta | float) -> str:
    """Write how long something took, given as such or in seconds, in the unit in which it is easiest to read."""
    seconds = duration.total_seconds() if isinstance(duration, dt.timedelta) else duration
    if seconds < 59.95:  # more is written as 60.0
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def format_ago(time: dt.datetime, now: dt.datetime) -> str:
    """Write how long before another a time was, or how long after it will be, to one unit: 12 s, 3 min, 5 h, 2 days."""
    seconds = abs(round((now - time).total_seconds()))
    for unit, length_s, limit in (("s", 1, 90), ("min", 60, 90), ("h", 3600, 48)):
        if seconds < limit * length_s:
            return f"{seconds // length_s} {unit}"
    return f"{seconds // 86400} days"
