"""What is written of a frame: the body of the contract's POST, which the ingest worker fills in too."""

import datetime as dt
from typing import Any

import marshmallow as ma

from app.fields import CONTROL_CHARACTERS, LARGEST_INT, LONGEST_TEXT, Night, UtcTime, WholeNumber
from app.frames.fields import GeoJsonPolygon

LONGEST_BASENAME = 255
LONGEST_TARGET_NAME = 500


class _Line(ma.fields.String):
    """A text of one line, which may be longer than what one searches for."""

    def __init__(self, longest: int, *checks: ma.validate.Validator, **kwargs: Any) -> None:
        is_short = ma.validate.Length(max=longest, error="Must be at most {max} characters long.")
        super().__init__(validate=[is_short, _check_characters, *checks], **kwargs)


class _Blank(_Line):
    """A text that may be absent; the archive then keeps an empty one."""

    def __init__(self, longest: int = LONGEST_TEXT) -> None:
        super().__init__(longest, allow_none=True, load_default="")

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text: str | None = super().deserialize(value, *args, **kwargs)
        return text or ""


def _check_characters(text: str) -> None:
    if CONTROL_CHARACTERS.search(text):
        raise ma.ValidationError("Must not contain control characters.")


class NewVersionSchema(ma.Schema):
    """One stored file."""

    class Meta:
        unknown = ma.EXCLUDE

    key = ma.fields.String(required=True)
    md5 = ma.fields.String(required=True, validate=ma.validate.Regexp("^[0-9a-f]{32}$", error="Must be an MD5."))
    extension = ma.fields.String(required=True)
    size = WholeNumber(smallest=0, allow_none=True, load_default=None)
    store_path = ma.fields.String(required=True)


class NewFrameSchema(ma.Schema):
    """A frame on its way in. OCS clients send more than this; what the archive does not keep is passed over."""

    class Meta:
        unknown = ma.EXCLUDE

    basename = _Line(LONGEST_BASENAME, ma.validate.Length(min=1), required=True)
    observation_date = UtcTime(allow_none=True, load_default=None)
    observation_day = Night(allow_none=True, load_default=None)
    public_date = UtcTime(allow_none=True, load_default=None)
    proposal_id = _Blank()
    instrument_id = _Blank()
    target_name = _Blank(LONGEST_TARGET_NAME)
    site_id = _Blank()
    telescope_id = _Blank()
    primary_optical_element = _Blank()
    configuration_type = _Blank()
    reduction_level = WholeNumber(smallest=-LARGEST_INT, largest=LARGEST_INT, load_default=0)
    exposure_time = ma.fields.Float(allow_none=True, load_default=None)
    observation_id = WholeNumber(allow_none=True, load_default=None)
    request_id = WholeNumber(allow_none=True, load_default=None)
    area = GeoJsonPolygon(allow_none=True, load_default=None)
    headers = ma.fields.Dict(load_default=dict)
    version_set = ma.fields.List(ma.fields.Nested(NewVersionSchema), load_default=list)
    related_frame_filenames = ma.fields.List(_Line(LONGEST_BASENAME), load_default=list)

    @ma.post_load
    def name_night(self, frame: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        """Name the night of a frame that names none: the UTC day on which it was taken."""
        date: dt.datetime | None = frame["observation_date"]
        if frame["observation_day"] is None and date is not None:
            frame["observation_day"] = date.date()
        return frame
