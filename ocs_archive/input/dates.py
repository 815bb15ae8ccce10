"""Dates as headers write them: ISO 8601, UTC where no offset is given."""

import re
from datetime import UTC, date, datetime, timedelta

from ocs_archive.input.exceptions import FileSpecificationException

SECOND_60 = re.compile(r"(:\d\d):60")


def build_bad_date_error(key: str, text: str) -> FileSpecificationException:
    return FileSpecificationException(
        f"{key} is {text!r}, which is no possible date; write it as 2015-02-19T13:56:05.261, in UTC.",
        code="header.bad_date",
    )


def parse_date(key: str, text: str) -> datetime:
    """Read an ISO date and time; it is naive where the text has no offset, and then means UTC.

    A leap second (``23:59:60``), and a second that rounding brought up to 60, is read as the first second of
    the next minute, as neither Python nor the databases know a second 60.

    Raises
    ------
    FileSpecificationException
        ``header.bad_date``, naming the key and the text.
    """
    rolled = SECOND_60.sub(r"\1:59", text)
    try:
        return datetime.fromisoformat(rolled) + timedelta(seconds=rolled != text)
    except (ValueError, OverflowError):
        raise build_bad_date_error(key, text) from None


def build_iso_date(key: str, text: str) -> str:
    """Return a date's own text if it is a possible date, and ISO text of the next second for a second 60."""
    moment = parse_date(key, text)
    return moment.isoformat() if SECOND_60.search(text) else text


def build_later_date(key: str, text: str, days: int) -> str:
    """Return ISO text of the date some days later, with the same UTC offset or none."""
    try:
        return (parse_date(key, text) + timedelta(days=days)).isoformat()
    except OverflowError:
        raise build_bad_date_error(key, text) from None


def build_utc_day(key: str, text: str) -> str:
    """Return the UTC day of a date as YYYYMMDD."""
    moment = parse_date(key, text)
    try:
        return f"{moment.astimezone(UTC) if moment.tzinfo else moment:%Y%m%d}"
    except OverflowError:
        raise build_bad_date_error(key, text) from None


def check_day(key: str, text: str) -> str:
    """Return a day's own text where it is YYYYMMDD or an ISO day.

    Raises
    ------
    FileSpecificationException
        ``header.bad_date`` otherwise.
    """
    try:
        date.fromisoformat(text)
    except ValueError:
        raise build_bad_date_error(key, text) from None
    return text
