"""Times and days as the columns have them: numbers."""

import datetime as dt

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)


def to_microseconds(time: dt.datetime) -> int:
    """Return the microseconds since 1970."""
    return (time - EPOCH) // MICROSECOND


def from_day(day: int) -> dt.date:
    """Return the date that is some days after 1970 began."""
    return EPOCH.date() + dt.timedelta(days=day)


def to_day(date: dt.date) -> int:
    """Return the days since 1970."""
    return (date - EPOCH.date()).days
