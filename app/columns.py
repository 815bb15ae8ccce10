"""Column types that mean the same on PostgreSQL and on SQLite."""

import datetime as dt
import struct
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from geoalchemy2 import Geography
from numpy.typing import NDArray
from sqlalchemy import JSON, Boolean, ColumnElement, DateTime, Dialect, LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

Ring = NDArray[np.float64]
"""A closed polygon on the sphere: an array of shape (n + 1, 2), (RA, Dec) in ICRS degrees."""

WGS84_SRID = 4326
#: What a server that counts in UTC calls it: to convert each time of a page would take longer than to write it.
UTC_ZONES = frozenset({dt.UTC, ZoneInfo("UTC"), ZoneInfo("Etc/UTC")})

#: Text in code-point order: PostgreSQL's own order depends on its locale, and SQLite's does not.
PlainText = Text(collation="C").with_variant(Text(), "sqlite")


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An aware UTC time. SQLite keeps no offset, so it is taken off on the way in and put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        utc = value.astimezone(dt.UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        return value.replace(tzinfo=dt.UTC) if value else None

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Return what is done to each value; on PostgreSQL past SQLAlchemy, as a page has thousands of them."""
        return _to_utc if dialect.name == "postgresql" else super().result_processor(dialect, coltype)


def _to_utc(value: dt.datetime | None) -> dt.datetime | None:
    return value if value is None or value.tzinfo in UTC_ZONES else value.astimezone(dt.UTC)


class SkyRing(TypeDecorator[Ring]):
    """A footprint: a geography polygon on PostGIS, the packed corners on SQLite.

    PostGIS counts longitudes from -180°, the archive right ascensions from 0°.
    """

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Geography("POLYGON", srid=WGS84_SRID, spatial_index=False))
        return dialect.type_descriptor(LargeBinary())

    def process_bind_param(self, value: Ring | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        return to_ewkt(value) if dialect.name == "postgresql" else pack_ring(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Ring | None:
        if value is None:
            return None
        if dialect.name == "postgresql":
            ring = np.frombuffer(bytes(value.data), dtype="<f8", offset=WKB_POLYGON_HEADER.size).reshape(-1, 2)
            return np.column_stack([ring[:, 0] % 360, ring[:, 1]])
        return unpack_ring(value)


class Values(TypeDecorator[list[Any]]):
    """Several values in one parameter: an array on PostgreSQL, JSON on SQLite."""

    impl = JSON
    cache_ok = True

    def __init__(self, item: type[TypeEngine[Any]]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(self.item) if dialect.name == "postgresql" else JSON())


class _Among(FunctionElement[bool]):
    type = Boolean()
    on_postgresql: str  # its words, of a column and another clause
    on_sqlite: str

    def self_group(self, against: Any = None) -> Any:
        """Stay as it is: on SQLite it would become “… = 1”, which uses no index."""
        return self


class is_one_of(_Among):
    """Whether a column's value is one of `Values`: however many these are, the statement has the same text.

    So it is compiled, and prepared in the database, once.
    """

    inherit_cache = True
    on_postgresql, on_sqlite = "({} = ANY ({}))", "({} IN (SELECT value FROM json_each({})))"


class is_in_subquery(_Among):
    """Whether a column's value is one of the few that a scalar subquery gives: each of them is looked up in an index.

    IN would have PostgreSQL make a hash table of them first, for each row of the statement around it.
    """

    inherit_cache = True
    on_postgresql, on_sqlite = "({} = ANY (ARRAY{}))", "({} IN {})"


@compiles(_Among)
def _(element: Any, compiler: Any, **options: Any) -> str:
    clauses = (compiler.process(clause, **options) for clause in element.clauses)
    text: str = getattr(element, f"on_{compiler.dialect.name}").format(*clauses)
    return text


Corners = list[list[float]]
"""A closed polygon on the sphere as `Ring`, but as lists: for JSON."""


class PackedCorners(TypeDecorator[Corners]):
    """What `corners` gives. Nothing is made between the bytes and the numbers: a page has a thousand of these."""

    impl = LargeBinary
    cache_ok = True

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Corners | None:
        if value is None:
            return None
        is_wkb = dialect.name == "postgresql"
        numbers = memoryview(value)[WKB_POLYGON_HEADER.size if is_wkb else 0 :]
        return [[ra % 360 if is_wkb else ra, dec] for ra, dec in CORNER.iter_unpack(numbers)]


class corners(FunctionElement[Corners]):
    """A column of `SkyRing`, read as `Corners`."""

    type, inherit_cache = PackedCorners(), True


@compiles(corners, "postgresql")
def _(element: Any, compiler: Any, **options: Any) -> str:
    return f"ST_AsBinary({compiler.process(element.clauses, **options)})"


@compiles(corners, "sqlite")
def _(element: Any, compiler: Any, **options: Any) -> str:
    text: str = compiler.process(element.clauses, **options)
    return text


CORNER = struct.Struct("<dd")
WKB_POLYGON_HEADER = struct.Struct("<BIII")  # byte order, type, number of rings, number of points


def to_ewkt(ring: Ring) -> str:
    """Write a ring as PostGIS reads it, with longitudes in [-180°, 180°)."""
    longitudes = (ring[:, 0] + 180) % 360 - 180
    corners = ", ".join(f"{lon!r} {lat!r}" for lon, lat in zip(longitudes.tolist(), ring[:, 1].tolist(), strict=True))
    return f"SRID={WGS84_SRID};POLYGON(({corners}))"


def pack_ring(ring: Ring) -> bytes:
    return np.ascontiguousarray(ring, dtype="<f8").tobytes()


def unpack_ring(packed: bytes) -> Ring:
    return np.frombuffer(packed, dtype="<f8").reshape(-1, 2)


def contains(column: InstrumentedAttribute[str], text: str) -> ColumnElement[bool]:
    """Return the condition that a column contains a text, in upper or lower case."""
    escaped = text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return column.ilike(f"%{escaped}%", escape="\\")
