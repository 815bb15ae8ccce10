"""The spatial predicates: which footprints meet a point, a cone or a polygon, the same on both databases.

PostGIS tests its geography on the sphere. SQLite has an R*Tree over the boxes that the footprints fill in the three
unit-vector coordinates, in which RA 0 and the poles are no seam, and then the exact test of `app.frames.sphere`.
"""

import math
import sqlite3
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, and_, column, delete, func, insert, literal, select, table
from sqlalchemy.types import Float

from app.columns import Ring, SkyRing, pack_ring, unpack_ring
from app.extensions import db
from app.frames.models import Frame
from app.frames.sphere import TOLERANCE_RAD, Floats, SkyPolygon, bounding_box, to_unit_vectors

#: The radius of PostGIS's sphere, for which it gives distances: the mean radius of WGS 84.
EARTH_RADIUS_M = 6371008.771415059

#: SQLite's R*Tree over the footprints' boxes. A migration makes it; SQLAlchemy has no words for one.
footprint_box = table(
    "footprint_box", *(column(name, Float) for name in ("id", "xmin", "xmax", "ymin", "ymax", "zmin", "zmax"))
)


def covers_point(point: tuple[float, float]) -> ColumnElement[bool]:
    """Return the condition that a footprint covers a position (RA, Dec) in degrees."""
    return meets_cone(*point, 0.0)


def meets_cone(ra_deg: float, dec_deg: float, radius_deg: float) -> ColumnElement[bool]:
    """Return the condition that some point of a footprint is within a radius of a position."""
    if _is_postgresql():
        centre = func.ST_GeogFromText(f"SRID=4326;POINT({(ra_deg + 180) % 360 - 180!r} {dec_deg!r})")
        return _is_within(centre, math.radians(radius_deg) * EARTH_RADIUS_M)
    centre_vector = to_unit_vectors([(ra_deg, dec_deg)])[0]
    exact = func.footprint_meets_cone(Frame.area, ra_deg, dec_deg, radius_deg)
    return _exact_within_box(centre_vector, math.radians(radius_deg), exact)


def meets_polygon(ring: Ring) -> ColumnElement[bool]:
    """Return the condition that a footprint has a point in common with a polygon, a normalized ring."""
    if _is_postgresql():
        return _is_within(literal(ring, SkyRing), 0.0)
    exact = func.footprint_meets_polygon(Frame.area, pack_ring(ring))
    return _exact_within_box(*SkyPolygon.from_ring(ring).bounding_cap(), exact)


def _is_within(place: ColumnElement[Any], distance_m: float) -> ColumnElement[bool]:
    """Return PostGIS's test of a distance on the sphere, with the tolerance of `app.frames.sphere`.

    The box is tested by name because a plan without the index would leave it out, and PostGIS then takes the exact
    antipode of a corner for near it. Covering is tested as a distance of nothing because `ST_Covers` is unsure about
    positions on an edge.
    """
    reach_m = distance_m + TOLERANCE_RAD * EARTH_RADIUS_M
    in_box = Frame.area.op("&&")(func._ST_Expand(place, reach_m))
    return and_(in_box, func.ST_DWithin(Frame.area, place, reach_m, False))


def index_footprint(frame_id: int, area: Ring | None) -> None:
    """Keep SQLite's R*Tree true after a frame was written; PostGIS keeps its own index."""
    if _is_postgresql():
        return
    db.session.execute(delete(footprint_box).where(footprint_box.c.id == frame_id))
    if area is not None:
        box = bounding_box(*SkyPolygon.from_ring(area).bounding_cap())
        names = [column.name for column in footprint_box.columns]
        db.session.execute(insert(footprint_box).values(dict(zip(names, (frame_id, *box), strict=True))))


def register_sky_functions(connection: sqlite3.Connection) -> None:
    """Give a SQLite connection the exact tests."""
    connection.create_function("footprint_meets_cone", 4, _footprint_meets_cone, deterministic=True)
    connection.create_function("footprint_meets_polygon", 2, _footprint_meets_polygon, deterministic=True)


def _exact_within_box(centre: Floats, radius_rad: float, exact: ColumnElement[Any]) -> ColumnElement[bool]:
    xmin, xmax, ymin, ymax, zmin, zmax = bounding_box(centre, radius_rad)
    box = footprint_box.c
    candidates = select(box.id).where(
        box.xmin <= xmax, box.xmax >= xmin, box.ymin <= ymax, box.ymax >= ymin, box.zmin <= zmax, box.zmax >= zmin
    )
    return and_(Frame.id.in_(candidates), exact == 1)


def _footprint_meets_cone(area: bytes | None, ra_deg: float, dec_deg: float, radius_deg: float) -> bool:
    return area is not None and _polygon(area).meets_cone(ra_deg, dec_deg, radius_deg)


def _footprint_meets_polygon(area: bytes | None, packed: bytes) -> bool:
    return area is not None and _polygon(area).meets(_polygon(packed))


@lru_cache(maxsize=4096)
def _polygon(packed: bytes) -> SkyPolygon:
    """Prepare a polygon once: a search's for all the rows that it meets, a footprint for the searches that come by."""
    return SkyPolygon.from_ring(unpack_ring(packed))


def _is_postgresql() -> bool:
    return db.engine.dialect.name == "postgresql"
