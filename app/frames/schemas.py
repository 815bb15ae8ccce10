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


def _about(description: str) -> dict[str, str]:
    """Return what the OpenAPI document says of a field."""
    return {"description": description}


class Line(ma.fields.String):
    """A text of one line, which may be longer than what one searches for."""

    def __init__(self, longest: int, *checks: ma.validate.Validator, **kwargs: Any) -> None:
        is_short = ma.validate.Length(max=longest, error="Must be at most {max} characters long.")
        super().__init__(validate=[is_short, _check_characters, *checks], **kwargs)


class Blank(Line):
    """A text that may be absent; the archive then keeps an empty one."""

    def __init__(self, description: str, longest: int = LONGEST_TEXT) -> None:
        super().__init__(longest, allow_none=True, load_default="", metadata=_about(description))

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

    key = Line(
        LONGEST_KEY,
        ma.validate.Length(min=1),
        ma.validate.Regexp(r"(?!\.{1,2}\Z)[^/]*\Z", error="Must be no path."),
        required=True,
        metadata=_about("The store's name of this version."),
    )
    md5 = ma.fields.String(
        required=True,
        validate=ma.validate.Regexp(r"^[0-9a-f]{32}\Z", error="Must be an MD5."),
        metadata=_about("MD5 of the file."),
    )
    extension = Line(
        LONGEST_TEXT, required=True, metadata=_about("Extension of the file's name, with its dots, such as .fits.fz.")
    )
    size = WholeNumber(
        smallest=0,
        allow_none=True,
        load_default=None,
        metadata=_about("Size of the file in bytes; what the store says of it counts more."),
    )


class NewVersionSchema(PostedVersionSchema):
    """One stored file."""

    store_path = ma.fields.String(required=True)


class NewFrameSchema(ma.Schema):
    """A frame on its way in. OCS clients send more than this; what the archive does not keep is passed over."""

    class Meta:
        unknown = ma.EXCLUDE

    basename = Line(
        LONGEST_BASENAME,
        ma.validate.Length(min=1),
        required=True,
        metadata=_about("Name of the frame: its file's up to the first dot."),
    )
    observation_date = UtcTime(
        allow_none=True,
        load_default=None,
        metadata=_about("When the exposure began; without it no list shows the frame."),
    )
    observation_day = Night(
        allow_none=True,
        load_default=None,
        metadata=_about("Observing night; the day of the observation date if absent."),
    )
    public_date = UtcTime(
        allow_none=True, load_default=None, metadata=_about("When the frame becomes public; never if absent.")
    )
    proposal_id = Blank("Proposal's id.")
    instrument_id = Blank("Instrument's code.")
    target_name = Blank("Target's name.", LONGEST_TARGET_NAME)
    site_id = Blank("Site's code.")
    telescope_id = Blank("Telescope's code.")
    primary_optical_element = Blank("Filter, or the grating of a spectrograph.")
    configuration_type = Blank("Configuration type, such as EXPOSE or BIAS.")
    reduction_level = WholeNumber(
        smallest=-LARGEST_INT, largest=LARGEST_INT, load_default=0, metadata=_about("0 is raw, 91 reduced.")
    )
    exposure_time = ma.fields.Float(allow_none=True, load_default=None, metadata=_about("Exposure time in seconds."))
    observation_id = WholeNumber(allow_none=True, load_default=None, metadata=_about("Observation's number."))
    request_id = WholeNumber(allow_none=True, load_default=None, metadata=_about("Request's number."))
    area = Footprint(
        allow_none=True,
        load_default=None,
        metadata=_about("Footprint on the sky: a GeoJSON Polygon of one closed ring of [ra, dec], ICRS degrees."),
    )
    headers = FitsHeader(load_default=dict, metadata=_about("The FITS header: values by their keywords."))
    version_set = ma.fields.List(ma.fields.Nested(NewVersionSchema), load_default=list)
    related_frame_filenames = ma.fields.List(
        Line(LONGEST_BASENAME, allow_none=True),
        load_default=list,
        metadata=_about("Basenames of the frames that it was made from; they need not have arrived."),
    )

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

    version_set = ma.fields.List(
        ma.fields.Nested(PostedVersionSchema),
        load_default=list,
        validate=_check_distinct,
        metadata=_about("Its new files, which the archive must not know yet; the last is the newest."),
    )
