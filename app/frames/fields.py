"""How positions and polygons from outside are read: each class turns them into a value, or says what would do."""

import logging
import re
from collections.abc import Mapping
from typing import Any, ClassVar

import marshmallow as ma
import numpy as np
import orjson

from app.columns import Ring
from app.extensions import get_config
from app.fields import Word
from app.frames.positions import PositionError, SkyPosition, find_position
from app.frames.sphere import check_positions, check_ring, normalize_ring, to_unit_vectors
from app.frames.tangent_plane import TangentPlane
from ocs_archive.input.values import build_json_value, clean_json_value

log = logging.getLogger(__name__)

LONGEST_WKT = 20_000
#: Possessive, so that no run of digits, however long, is read twice.
NUMBER = r"[-+]?(?:\d++\.?\d*+|\.\d++)(?:[eE][-+]?\d++)?"
WKT_POSITION = re.compile(rf"\s*({NUMBER})\s+({NUMBER})\s*")
WKT_POINT = re.compile(r"\s*(?:SRID=4326;)?\s*POINT\s*\(([^()]*)\)\s*", re.IGNORECASE)
WKT_POLYGON = re.compile(r"\s*(?:SRID=4326;)?\s*POLYGON\s*\(\s*\(([^()]*)\)\s*\)\s*", re.IGNORECASE)
BOX = re.compile(rf"\s*BOX\s*\(([^(),]*),\s*({NUMBER})\s+({NUMBER})\s*\)\s*", re.IGNORECASE)
LARGEST_BOX_DEG = 90


class PositionText(Word):
    """A position, or the name of an object that is looked up."""

    json_schema: ClassVar[dict[str, Any]] = Word.json_schema | {"examples": ["M 42", "83.82 -5.39"]}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> SkyPosition:  # type: ignore[override]  # a text that becomes a position
        try:
            return find_position(super()._deserialize(value, attr, data, **kwargs), get_config().name_resolver_url)
        except PositionError as error:
            raise ma.ValidationError(str(error)) from None


class PointText(ma.fields.Field[tuple[float, float]]):
    """``POINT(ra dec)`` in degrees."""

    json_schema: ClassVar[dict[str, Any]] = {"type": "string", "examples": ["POINT(83.82 -5.39)"]}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[float, float]:
        matched = WKT_POINT.fullmatch(str(value)[:LONGEST_WKT])
        positions = _read_positions(matched[1]) if matched else []
        if len(positions) != 1:
            raise ma.ValidationError("Must be POINT(ra dec) in degrees, such as POINT(83.82 -5.39).")
        return positions[0]


class PolygonText(ma.fields.Field[Ring]):
    """``POLYGON((ra dec, ra dec, …))`` in degrees: a closed ring smaller than half the sky.

    Or ``BOX(ra dec, width height)``, whose sides are great circles, to the north, south, east and west of its centre.
    """

    json_schema: ClassVar[dict[str, Any]] = {
        "type": "string",
        "examples": ["POLYGON((83 -6, 84 -6, 84 -5, 83 -6))", "BOX(83.8 -5.4, 2 1)"],
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Ring:
        text = str(value)
        if len(text) <= LONGEST_WKT:
            if polygon := WKT_POLYGON.fullmatch(text):
                return _checked(np.array(_read_positions(polygon[1])))
            if box := BOX.fullmatch(text):
                return _checked(_read_box(*box.groups()))
        raise ma.ValidationError(
            "Must be one ring POLYGON((ra dec, ra dec, …)) in degrees whose last corner is its first, or "
            "BOX(ra dec, width height) in degrees."
        )


class Footprint(ma.fields.Field[Ring | None]):
    """A footprint as GeoJSON: a Polygon of one closed ring.

    A frame whose odd WCS gives it a footprint that can't be searched, as one that crosses itself, goes without it.
    """

    json_schema: ClassVar[dict[str, Any]] = {"type": "object", "required": ["type", "coordinates"]}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Ring | None:
        ring = _read_ring(value)
        try:
            check_ring(ring)
        except ValueError as error:
            log.warning("%s goes without its footprint: %s", (data or {}).get("basename"), error)
            return None
        return normalize_ring(ring)


class FitsHeader(ma.fields.Dict):
    """A header as a JSON object; what no database takes is cleaned as it is when a file is read."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        loaded = super()._deserialize(value, attr, data, **kwargs)  # type: ignore[no-untyped-call]  # marshmallow left it so
        header: dict[str, Any] = clean_json_value(build_json_value(loaded))
        try:
            orjson.dumps(header)  # as it will be shown
        except orjson.JSONEncodeError:
            raise ma.ValidationError("Must not be nested so deeply.") from None
        return header


def _read_ring(value: Any) -> Ring:
    try:
        if value["type"] != "Polygon" or len(value["coordinates"]) != 1:
            raise ma.ValidationError("Must be a GeoJSON Polygon of one ring, or null.")
        ring = np.array(value["coordinates"][0], dtype=float)
    except (TypeError, KeyError, ValueError):
        raise ma.ValidationError("Must be a GeoJSON Polygon of one ring, or null.") from None
    try:
        check_positions(ring)
    except ValueError as error:
        raise ma.ValidationError(str(error)) from None
    return ring


def _read_positions(text: str) -> list[tuple[float, float]]:
    """Read ``ra dec, ra dec, …``; an RA outside [0°, 360°) is taken around."""
    positions = []
    for part in text.split(","):
        matched = WKT_POSITION.fullmatch(part)
        if not matched:
            raise ma.ValidationError(f"{part.strip()!r} is no position: give RA and Dec in degrees.")
        ra, dec = float(matched[1]), float(matched[2])
        if not (abs(ra) <= 720 and abs(dec) <= 90):
            raise ma.ValidationError(f"{part.strip()!r} is not on the sky: a declination lies within ±90°.")
        positions.append((ra % 360, dec))
    return positions


def _read_box(centre: str, width: str, height: str) -> Ring:
    sides_deg = np.array([float(width), float(height)])
    if not ((sides_deg > 0) & (sides_deg <= LARGEST_BOX_DEG)).all():
        raise ma.ValidationError(f"The sides of a box are more than 0° and at most {LARGEST_BOX_DEG}° long.")
    plane = TangentPlane.about(to_unit_vectors(_read_positions(centre)))
    corners = np.tan(np.radians(sides_deg / 2)) * [(1, -1), (1, 1), (-1, 1), (-1, -1), (1, -1)]
    ring = plane.unproject(corners)
    ring[:, 0] %= 360
    return ring


def _checked(ring: Ring) -> Ring:
    try:
        check_ring(ring)
    except ValueError as error:
        raise ma.ValidationError(str(error)) from None
    return normalize_ring(ring)
