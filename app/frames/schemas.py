"""What is written of a frame: the body of the contract's POST, which the ingest worker fills in too."""

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

import marshmallow as ma

from app.fields import CONTROL_CHARACTERS, LARGEST_INT, LONGEST_TEXT, Night, UtcTime, WholeNumber
from app.frames.fields import FitsHeader, Footprint

LARGEST_RECORD_BYTES = 32 * 2**20  # a header of 10 MB, each of its characters escaped three times over
LONGEST_BASENAME = 255
LONGEST_TARGET_NAME = 500
LONGEST_KEY = 1024  # S3's ids of versions may be so long


class Line(ma.fields.String):
    """A text of one line, which may be longer than what one searches for."""

    def __init__(self, longest: int, *checks: ma.validate.Validator, **kwargs: Any) -> None:
        is_short = ma.validate.Length(max=longest, error="Must be at most {max} characters long.")
        super().__init__(validate=[is_short, _check_characters, *checks], **kwargs)


class Blank(Line):
    """A text that may be absent; the archive then keeps an empty one."""

    def __init__(self, longest: int = LONGEST_TEXT) -> None:
        super().__init__(longest, allow_none=True, load_default="")

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text: str | None = super().deserialize(value, *args, **kwargs)
        return text or ""


def _check_characters(text: str) -> None:
    if CONTROL_CHARACTERS.search(text):
        raise ma.ValidationError("Must not contain control characters.")


class PostedVersionSchema(ma.Schema):
    """One file, which its sender has stored."""

    class Meta:
        unknown = ma.EXCLUDE

    key = Line(LONGEST_KEY, ma.validate.Length(min=1), required=True)
    md5 = ma.fields.String(required=True, validate=ma.validate.Regexp(r"^[0-9a-f]{32}\Z", error="Must be an MD5."))
    extension = Line(LONGEST_TEXT, required=True)
    size = WholeNumber(smallest=0, allow_none=True, load_default=None)


class NewVersionSchema(PostedVersionSchema):
    """One stored file."""

    store_path = ma.fields.String(required=True)


class NewFrameSchema(ma.Schema):
    """A frame on its way in. OCS clients send more than this; what the archive does not keep is passed over."""

    class Meta:
        unknown = ma.EXCLUDE

    basename = Line(LONGEST_BASENAME, ma.validate.Length(min=1), required=True)
    observation_date = UtcTime(allow_none=True, load_default=None)
    observation_day = Night(allow_none=True, load_default=None)
    public_date = UtcTime(allow_none=True, load_default=None)
    proposal_id = Blank()
    instrument_id = Blank()
    target_name = Blank(LONGEST_TARGET_NAME)
    site_id = Blank()
    telescope_id = Blank()
    primary_optical_element = Blank()
    configuration_type = Blank()
    reduction_level = WholeNumber(smallest=-LARGEST_INT, largest=LARGEST_INT, load_default=0)
    exposure_time = ma.fields.Float(allow_none=True, load_default=None)
    observation_id = WholeNumber(allow_none=True, load_default=None)
    request_id = WholeNumber(allow_none=True, load_default=None)
    area = Footprint(allow_none=True, load_default=None)
    headers = FitsHeader(load_default=dict)
    version_set = ma.fields.List(ma.fields.Nested(NewVersionSchema), load_default=list)
    related_frame_filenames = ma.fields.List(Line(LONGEST_BASENAME, allow_none=True), load_default=list)

    @ma.pre_load
    def drop_blanks(self, frame: Any, **_kwargs: Any) -> Any:
        """Take an empty text for absent, as OCS clients send one where a header says that it has no number."""
        if not isinstance(frame, Mapping):
            return frame
        return {name: value for name, value in frame.items() if value not in (None, "")}

    @ma.post_load
    def complete(self, frame: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        """Name the night of a frame that names none, the UTC day on which it was taken; drop names that are none."""
        frame["related_frame_filenames"] = [name for name in frame["related_frame_filenames"] if name]
        date: dt.datetime | None = frame["observation_date"]
        if frame["observation_day"] is None and date is not None:
            frame["observation_day"] = date.date()
        return frame


def _check_distinct(versions: Collection[Mapping[str, Any]]) -> None:
    if len({version["md5"] for version in versions}) < len(versions):
        raise ma.ValidationError("Two versions have the same md5.")


class PostedFrameSchema(NewFrameSchema):
    """A frame whose files its sender has stored: where they lie follows from the rest."""

    version_set = ma.fields.List(ma.fields.Nested(PostedVersionSchema), load_default=list, validate=_check_distinct)
