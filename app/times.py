"""How times are written."""

import datetime as dt


def format_time(time: dt.datetime | None) -> str | None:
    """Write a time for a program: ISO 8601 in UTC."""
    return time.isoformat().replace("+00:00", "Z") if time else None


def format_utc(time: dt.datetime | None) -> str:
    """Write a time for a person, to the second, as observers log it."""
    return time.strftime("%Y-%m-%d %H:%M:%S") if time else ""
