"""What programs should not send and some day do: values, headers and bodies that schemas do not lead to."""

import copy
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from app import LARGEST_PLAIN_REQUEST_BYTES
from tests.contract.stock import OPERATOR
from tests.frames_factory import square
from tests.openapi.observatory import POSTED
from tests.test_odd_requests import BODIES

MD5 = re.compile(r'(?<="md5": ")[0-9a-f]{32}')
HUGE = "9" * 30
TEXTS = ["\x00", "\ufeff", "%", "'; --", "../../etc/passwd", "<b>", "\r\nX: y", "NaN", "null", "é" * 300, "M 42", HUGE]
NUMBERS = ["NaN", "-Infinity", "1e999", "-0", "0x10", "1_000", "١", HUGE, "0", "42.5", "5:35:17"]
TIMES = [
    "0000-01-01",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "9999-12-31",
    "2026-02-30",
    "2026-11-20T24:00:00",
    "2026-11-20T03:15:60Z",
    "2026-W47-5",
    "2026-11-20T03:15:00+99:99",
    "20261120",
    "2026-11-20 03:15",
]
POINTS = ["POINT(0 90)", "POINT(1e308 0)", "POINT(NaN 0)", "POINT(0 0 0)", "POINT(-720 -90)", "83.82 -5.39", "POINT()"]
POLYGONS = [
    "POLYGON((0 0, 1 0, 1 1, 0 0))",
    "POLYGON((0 0, 0 0, 0 0, 0 0))",
    "POLYGON((0 90, 90 90, 180 90, 0 90))",
    "POLYGON((0 0, 180 0, 90 0, 0 0))",
    "POLYGON((0 0, 1 1, 1 0, 0 1, 0 0))",
    "POLYGON((0 0, 1 0, 1 1, 0 0), (0 0, 1 0, 1 1, 0 0))",
    "POLYGON((0 0, 0 1e-300, 1e-300 0, 0 0))",
    "POLYGON EMPTY",
]

#: Values by the parameters for which they are odd.
PARAMETERS: Mapping[str, tuple[list[str], tuple[str, ...]]] = {
    "times": (TIMES, ("start", "end", "DATE_OBS", "dayobs", "DAY_OBS")),
    "numbers": (NUMBERS, ("ra", "dec", "radius", "exposure_time", "observation_id", "limit", "offset")),
    "points": (POINTS, ("position", "covers")),
    "polygons": (POLYGONS, ("intersects",)),
}

#: Most requests have none of these.
HEADERS: list[dict[str, str]] = [
    *[{}] * 16,
    {"Accept": "text/*;q=x, */*;q=-1, ;;"},
    {"Accept-Encoding": "gzip;q=0, *;q=2"},
    {"Authorization": "Token "},
    {"Authorization": "Bearer \xe9\x80"},
    {"Authorization": "Basic Og=="},
    {"Authorization": "Token " + "x" * 5000},
    {"Content-Encoding": "gzip"},
    {"Cookie": "session=eyJ1c2VyX2lkIjoxfQ.aaaaaa.bbbbbb; =; \x80"},
    {"Host": "archive.example.org:99999"},
    {"If-Match": '"wrong"'},
    {"If-Modified-Since": "yesterday"},
    {"If-None-Match": "*"},
    {"If-Range": '"'},
    {"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
    {"Range": "bytes=0-3"},
    {"Range": "bytes=9-1,-0"},
    {"Range": "bytes=999999999999-"},
    {"X-Forwarded-For": "\xff, ::1", "X-Forwarded-Proto": "gopher"},
    {"X-Request-Id": "a b" * 100},
]

#: What Python writes as JSON, some of it against the rules.
JSON_VALUES: list[Any] = [
    None,
    True,
    -1,
    10**30,
    1e308,
    float("nan"),
    float("-inf"),
    "",
    "\x00",
    "\ud800",
    "x" * 70_000,
    [],
    [None],
    {},
    {"": {"\x00": "\udfff"}},
    [[[]]] * 3,
    *TIMES,
]
#: What the document's examples lack of what may be sent.
MORE_FIELDS: Mapping[str, Mapping[str, Any]] = {
    "/api-token-auth/": {"password": OPERATOR},
    "/frames/": {"area": square(80, 5, 1), "observation_day": "20261031", "related_frame_filenames": ["a-bias"]},
    "/ingest/jobs": {"file_metadata": {"OBJECT": "M 42"}},
    "/frames/zip/": {"uncompress": False, "catalog_only": False, "auth_token": ""},
}


class Example:
    """A good body of an operation, of which the archive has not heard yet."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields
        self._numbers = itertools.count()

    def build(self, **changes: Any) -> dict[str, Any]:
        """Return the body with some fields changed."""
        built: dict[str, Any] = json.loads(self._write(self._fields)[0])
        return built | changes

    def write_odd(self) -> Iterator[tuple[bytes, str]]:
        """Write the body as it is, what is no JSON, and the body with an odd value somewhere in it; and their types."""
        yield self._write(self._fields)
        yield from (odd for odd in BODIES if len(odd[0]) < LARGEST_PLAIN_REQUEST_BYTES)  # or the server hangs up
        yield from map(self._write, spoil(self._fields))

    def _write(self, fields: Mapping[str, Any]) -> tuple[bytes, str]:
        number = next(self._numbers)
        text = MD5.sub(f"{number:032x}", json.dumps(fields)).replace(POSTED, POSTED.replace("0043", f"{number:04}"))
        return text.encode(), "application/json"


def spoil(value: Any) -> Iterator[Any]:
    """Yield copies of a JSON value, each with one odd value in one place of it."""
    places = value.items() if isinstance(value, Mapping) else enumerate(value[:2]) if isinstance(value, list) else ()
    for place, part in places:
        for odd in [*JSON_VALUES, *spoil(part)]:
            spoilt = copy.copy(value)
            spoilt[place] = odd
            yield spoilt
