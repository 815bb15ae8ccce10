"""What a request for a zip may say, as JSON or as a form."""

import re
from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from werkzeug.datastructures import MultiDict

from app.fields import WholeNumber

MOST_FRAMES = 10_000
LARGEST_REQUEST_BYTES = 2**20  # 10,000 ids, each with a long name before it
FRAME_ID_NAME = re.compile(r"frame_ids(\[\d*\])?")  # a browser's form numbers the parts of a list, or leaves it
HOW_MANY = "Name 1 to {max} frames at a time."
GIVEN_TWICE = "This parameter is given more than once."


class ZipSchema(ma.Schema):
    """Which frames to put into a zip, and how."""

    frame_ids = ma.fields.List(
        WholeNumber(smallest=1),
        required=True,
        validate=ma.validate.Length(1, MOST_FRAMES, error=HOW_MANY),
        metadata={"description": "Ids of the frames; a form repeats frame_ids, or numbers them: frame_ids[0]."},
    )
    uncompress = ma.fields.Boolean(
        load_default=False, metadata={"description": "Whether .fits.fz files become .fits files."}
    )
    catalog_only = ma.fields.Boolean(
        load_default=False, metadata={"description": "Whether only the frames' catalogues are wanted."}
    )
    auth_token = ma.fields.String(
        load_default="",
        allow_none=True,
        load_only=True,
        metadata={"description": "An API token, for a form, which can't send headers; empty: none."},
    )

    @ma.pre_load
    def _check_count(self, body: Any, **_kwargs: Any) -> Any:
        """Look at the number before the parts: of very many each would be answered."""
        frame_ids = body.get("frame_ids") if isinstance(body, Mapping) else None
        if isinstance(frame_ids, list) and len(frame_ids) > MOST_FRAMES:
            raise ma.ValidationError(HOW_MANY.format(max=MOST_FRAMES), "frame_ids")
        return body

    @ma.validates_schema
    def _check_choice(self, data: Mapping[str, Any], **_kwargs: Any) -> None:
        if data["uncompress"] and data["catalog_only"]:
            raise ma.ValidationError("Ask for one of uncompress and catalog_only.", "catalog_only")


def gather_form(form: "MultiDict[str, str]") -> dict[str, Any]:
    """Return a form's fields, the frames as a list; fields that are left empty count as absent.

    Raises
    ------
    marshmallow.ValidationError
        If a field other than the frames is given twice.
    """
    filled = [(name, value.strip()) for name, value in form.items(multi=True) if value.strip()]
    frame_ids = [value for name, value in filled if FRAME_ID_NAME.fullmatch(name)]
    others = MultiDict((name, value) for name, value in filled if not FRAME_ID_NAME.fullmatch(name))
    if twice := {name: [GIVEN_TWICE] for name in others if len(others.getlist(name)) > 1}:
        raise ma.ValidationError(twice)
    return others.to_dict() | ({"frame_ids": frame_ids} if frame_ids else {})
