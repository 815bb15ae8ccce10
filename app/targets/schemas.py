"""What may be asked of a list of targets: by a form, as text, or by a program, as JSON."""

from collections.abc import Mapping
from typing import Any, ClassVar

import marshmallow as ma

from app.frames.positions import PositionError, clean
from app.frames.search import ON_SKY, SEARCH_PARAMETERS, SearchParameter, build_schema
from app.targets.lists import MOST_TARGETS, Line

LARGEST_DEG = 180
_RADIUS = SearchParameter(
    "radius",
    ma.fields.Float(validate=ma.validate.Range(0, LARGEST_DEG)),
    "Radius",
    "Of all targets without one of their own; 0 or none: the footprint covers the position.",
    unit="°",
    widget="number",
)
#: What frames can be narrowed by beside their place.
CONDITIONS = (_RADIUS, *(parameter for parameter in SEARCH_PARAMETERS if parameter.name not in ON_SKY))


class TargetEntry(ma.fields.Field[Line]):
    """A target as a program sends it."""

    json_schema: ClassVar[dict[str, Any]] = {
        "anyOf": [
            {"type": "string"},
            {
                "type": "object",
                "properties": {
                    "name": {"type": "string", "description": "Of an object, or whatever it shall be called."},
                    "ra": {"type": ["number", "string"], "description": "Degrees, or a text in hours."},
                    "dec": {"type": ["number", "string"], "description": "Degrees."},
                    "position": {"type": "string", "description": "A position as the search box takes it."},
                    "radius": {"type": "number", "description": "Its own, in degrees."},
                },
                "additionalProperties": False,
            },
        ],
        "examples": ["M 42", {"name": "my star", "ra": 83.82, "dec": -5.39, "radius": 0.1}],
    }
    _names: ClassVar[set[str]] = {"name", "ra", "dec", "position", "radius"}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Line:
        entry = {"name": value} if isinstance(value, str) else value
        if not isinstance(entry, Mapping) or not entry.keys() <= self._names:
            raise ma.ValidationError("A target is a text, or has name, ra, dec, position and radius, or some of these.")
        texts = {name: str(part).strip() for name, part in entry.items() if part is not None}
        numbers = f"{texts.get('ra', '')} {texts.get('dec', '')}".strip()
        place = texts.get("position") or numbers or texts.get("name", "")
        try:
            radius = None if "radius" not in texts else float(texts["radius"])
            name = texts.get("name", "") if place != texts.get("name") else ""
            return Line(0, str(value) if isinstance(value, str) else place, name, clean(place), radius)
        except PositionError as error:
            raise ma.ValidationError(str(error)) from None
        except ValueError:
            raise ma.ValidationError("A radius is a number of degrees.") from None


class _Body(ma.Schema):
    class Meta:
        unknown = ma.RAISE

    targets = ma.fields.List(
        TargetEntry(),
        required=True,
        validate=ma.validate.Length(1, MOST_TARGETS, error="A list has {min} to {max} targets."),
        metadata={"description": f"Names and positions, up to {MOST_TARGETS}."},
    )


class _Form(ma.Schema):
    targets = ma.fields.String(metadata={"description": "The list as text: a target a line, or CSV."})


class _Upload(_Form):
    file = ma.fields.Raw(metadata={"type": "string", "format": "binary", "description": "The list as a file."})


TargetsSchema = build_schema("TargetsSchema", CONDITIONS, _Body)
TargetsFormSchema = build_schema("TargetsFormSchema", CONDITIONS, _Form)
TargetsUploadSchema = build_schema("TargetsUploadSchema", CONDITIONS, _Upload)
