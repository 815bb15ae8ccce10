"""What the archive answers: the fields of each record. The answers are not made from these; the tests compare them."""

import copy
from functools import partial
from typing import Any

import marshmallow as ma

from app.frames.models import THUMBNAIL_SIZES
from app.frames.records import OLD_NAMES
from app.ingest.models import Door, JobState, PreviewState
from app.monitoring.parts import Part

FieldType = type[ma.fields.Field[Any]]


def _field(kind: FieldType, description: str, *, required: bool = True, null: bool = False, **schema: Any) -> Any:
    metadata = {"description": description, **schema}
    return kind(required=required, allow_none=null, metadata=metadata)


_text = partial(_field, ma.fields.String)
_whole = partial(_field, ma.fields.Integer)
_number = partial(_field, ma.fields.Float)
_flag = partial(_field, ma.fields.Boolean)
_time = partial(_field, ma.fields.DateTime)
_object = partial(_field, ma.fields.Dict)


def _nested(schema: type[ma.Schema], description: str, *, null: bool = False) -> Any:
    return ma.fields.Nested(schema, required=True, allow_none=null, metadata={"description": description})


def _list(inner: Any, description: str, *, required: bool = True) -> Any:
    return ma.fields.List(inner, required=required, metadata={"description": description})


def _list_of(schema: type[ma.Schema], description: str, *, required: bool = True) -> Any:
    return _list(ma.fields.Nested(schema), description, required=required)


def _texts(description: str) -> Any:
    return _list(ma.fields.String(), description)


class RefusalSchema(ma.Schema):
    """What is wrong, and the mend; the messages on each field stand beside it under the field's name."""

    class Meta:
        unknown = ma.INCLUDE

    detail = _text("What is wrong, for people.")
    code = _text("What is wrong, for programs.")


class ErrorSchema(RefusalSchema):
    """An error."""

    request_id = _field(
        ma.fields.Raw,
        "Id of the request, under which the log knows it; or the messages on a parameter of this name that is wrong.",
        type=["string", "array"],
        items={"type": "string"},
    )


class PolygonSchema(ma.Schema):
    """A footprint as GeoJSON."""

    type = _text("The kind of shape.", enum=["Polygon"])
    coordinates = _list(
        ma.fields.List(ma.fields.List(ma.fields.Float())), "One closed ring of [ra, dec], ICRS degrees."
    )


class VersionSchema(ma.Schema):
    """A stored file of a frame."""

    id = _whole("Number of the version.")
    created = _time("When it was archived (UTC).")
    key = _text("The store's name of this version.")
    md5 = _text("MD5 of the file.")
    size = _whole("Size of the file in bytes; null where an OCS client stored the file.", null=True)
    extension = _text("Extension of the file's name, such as .fits.fz.")
    url = _text("Where to download the file; the link works for some hours.")


class ListedVersionSchema(VersionSchema):
    """A stored file, and whose it is."""

    frame_id = _whole("Number of its frame.")
    basename = _text("Basename of its frame.")


class PictureSchema(ma.Schema):
    """A picture of a frame."""

    id = _whole("Number of the thumbnail.")
    size = _text("Which of the sizes it has.", enum=list(THUMBNAIL_SIZES))
    width = _whole("Width in pixels, if it is known.", null=True)
    height = _whole("Height in pixels, if it is known.", null=True)
    url = _text("Where the picture is; the link works for some hours, or until another takes its place.")


class ThumbnailSchema(PictureSchema):
    """A picture, and what it shows."""

    filename = _text("Name of its file.")
    frame_id = _whole("Number of its frame.")
    frame_basename = _text("Basename of its frame.")
    proposal_id = _text("Proposal of its frame.")
    observation_id = _whole("Observation of its frame.", null=True)
    request_id = _whole("Request of its frame.", null=True)
    created = _time("When it was archived (UTC).")


class _FrameFields(ma.Schema):
    id = _whole("Number of the frame.")
    basename = _text("Name of the frame: its file's, without the extension.")
    reduction_level = _whole("0 is raw, 91 reduced.")
    proposal_id = _text("Proposal's id.")
    instrument_id = _text("Instrument's code.")
    target_name = _text("Target's name.")
    site_id = _text("Site's code.")
    telescope_id = _text("Telescope's code.")
    exposure_time = _number("Exposure time in seconds.", null=True)
    primary_optical_element = _text("Filter, or the grating of a spectrograph.")
    configuration_type = _text("Configuration type, such as EXPOSE or BIAS.")
    observation_id = _whole("Observation's number.", null=True)
    request_id = _whole("Request's number.", null=True)
    observation_date = _time("When the exposure began (UTC).", null=True)
    observation_day = _field(ma.fields.Date, "Observing night.", null=True)
    public_date = _time("When the frame becomes public (UTC).", null=True)
    modified = _time("When the record was last changed (UTC).")
    created = _time("When the record was made (UTC).")
    area = _nested(PolygonSchema, "Footprint on the sky, if it is known.", null=True)
    version_set = _list_of(VersionSchema, "Its files, the newest first.")
    filename = _text("Name of the newest file.", null=True)
    url = _text("Where to download the newest file.", null=True)
    related_frames = _list(
        ma.fields.Integer(), "Numbers of the frames that it names; absent if they are not asked for.", required=False
    )
    thumbnails = _list_of(PictureSchema, "Its pictures; absent unless they are asked for.", required=False)


def _rename(name: str) -> Any:
    """Return a field under a name that older OCS programs look for."""
    field = copy.copy(_FrameFields._declared_fields[name])
    field.metadata = {**field.metadata, "description": f"As {name}.", "deprecated": True}
    return field


FrameSchema = _FrameFields.from_dict({old: _rename(new) for old, new in OLD_NAMES.items()}, name="FrameSchema")


class _LinksSchema(ma.Schema):
    next = _text("Where the next page is, if there is one.", null=True)
    previous = _text("Where the page before is, if there is one.", null=True)


class FramePageSchema(_LinksSchema):
    """A page of a search."""

    count = _whole("How many frames the search finds; absent with cursor paging.", required=False)
    count_estimated = _flag("Whether the count is an estimate; absent with cursor paging.", required=False)
    results = _list_of(FrameSchema, "The frames of this page.")


class VersionPageSchema(_LinksSchema):
    """A page of versions."""

    count = _whole("How many there are.")
    results = _list_of(ListedVersionSchema, "The versions of this page.")


class ThumbnailPageSchema(_LinksSchema):
    """A page of thumbnails."""

    count = _whole("How many there are.")
    results = _list_of(ThumbnailSchema, "The thumbnails of this page.")


class HeadersSchema(ma.Schema):
    """A FITS header."""

    data = _object("The values by their keywords.")


class CalibrationSchema(ma.Schema):
    """A calibration of a frame."""

    kind = _text("bias, dark, flat, arc, bad pixel mask or fringe frame.")
    reason = _text("Why it was chosen, for people.")
    is_own = _flag("Whether the frame's header names it, or that of what was made from the frame.")
    is_best = _flag("Whether it is one to take: one reduced frame, or the raw ones of one series.")
    frame = _nested(FrameSchema, "Its record.")


class CalibrationsSchema(ma.Schema):
    """The calibrations of a frame, those of a kind one after another, the best first."""

    frame_id = _whole("Number of the frame.")
    calibrations = _list_of(CalibrationSchema, "Those that were found.")
    missing = _texts("Kinds of which there is none that suits the frame.")


class TargetAnswerSchema(ma.Schema):
    """What the archive has of a target of a list."""

    line = _whole("Number of its line, or its place in the list, from 1.")
    text = _text("As it was sent.")
    name = _text("What it is called.")
    ra = _number("Right ascension, ICRS degrees; null where it is not known.", null=True)
    dec = _number("Declination, ICRS degrees; null where it is not known.", null=True)
    source = _text("By what its position is known: decimal, sexagesimal, OpenNGC or Sesame.", null=True)
    read_as = _text("As what it was understood.", null=True)
    radius = _number("How near to it footprints come, in degrees.")
    count = _whole("How many frames there are.")
    newest = _time("When the newest of them began (UTC).", null=True)
    filters = _texts("Their filters.")
    error = _text("Why it is not known where it is.", null=True)


class TargetsAnswerSchema(ma.Schema):
    """What the archive has of the targets of a list."""

    count = _whole("How many frames there are, each counted once.")
    targets = _list_of(TargetAnswerSchema, "The targets, in the order of the list.")


class AggregateAnswerSchema(ma.Schema):
    """The values that the frames of a search have."""

    sites = _texts("Sites' codes.")
    telescopes = _texts("Telescopes' codes.")
    filters = _texts("Filters and gratings.")
    instruments = _texts("Instruments' codes.")
    obstypes = _texts("Configuration types.")
    proposals = _texts("Proposals' ids.")
    generated_at = _time("When they were looked up (UTC).")


class ProposalsSchema(ma.Schema):
    """What a user belongs to."""

    proposals = _texts("Ids of the user's proposals.")


class ProfileSchema(ma.Schema):
    """Who is asking."""

    username = _text("The user's name; empty for nobody.")
    profile = _nested(ProposalsSchema, "What the user belongs to.")
    is_staff = _flag("Whether the user is an operator.")


class TokenSchema(ma.Schema):
    """An API token."""

    token = _text("The token, for “Authorization: Token …”.")


class NewTokenSchema(TokenSchema):
    """A token that takes another's place."""

    message = _text("What has happened.")


class ReceiptSchema(ma.Schema):
    """A job that was taken in."""

    id = _whole("Number of the job.")
    state = _text("Where it stands.", enum=list(JobState))
    url = _text("Where to ask what becomes of it.")


class ListedJobSchema(ReceiptSchema):
    """An ingest job."""

    filename = _text("Name of the file, as its sender gave it.")
    filepath = _text("Where the file lies; null for an upload.", null=True)
    door = _text("By which way it came in.", enum=list(Door))
    request_id = _text("Id of the HTTP request that brought it.")
    attempts = _whole("How often it was tried.")
    due = _time("When it will be looked after again (UTC).", null=True)
    error_class = _text("Name of the last error's class.")
    error_code = _text("Code of the last error.")
    error_message = _text("What the last error said.")
    frame_id = _whole("Number of the frame that it became.", null=True)
    frame_url = _text("Where that frame is.", null=True)
    md5 = _text("MD5 of the file.")
    size = _whole("Size of the file in bytes.", null=True)
    preview_state = _text("Where the frame's pictures stand.", enum=list(PreviewState))
    preview_error = _text("Why there are none.")
    created = _time("When it was taken in (UTC).")
    started = _time("When its last attempt began (UTC).", null=True)
    finished = _time("When it ended (UTC).", null=True)


class AttemptSchema(ma.Schema):
    """One attempt at a job."""

    worker = _text("Host and process of the worker.")
    started = _time("When it began (UTC).")
    finished = _time("When it ended (UTC).", null=True)
    outcome = _text("What it came to; empty while it lasts.")
    error_class = _text("Name of the error's class.")
    error_code = _text("Code of the error.")
    error_message = _text("What the error said.")
    read_s = _number("Seconds it took to read the file.", null=True)
    store_s = _number("Seconds it took to store the file.", null=True)
    database_s = _number("Seconds it took to write the rows.", null=True)


class JobSchema(ListedJobSchema):
    """An ingest job with all that it went through."""

    file_metadata = _object("Metadata that came with the file.")
    history = _list_of(AttemptSchema, "Its attempts, the newest last.")


class JobPageSchema(ma.Schema):
    """The newest of the jobs that were asked for."""

    counts = _object("How many jobs there are in each state.", additionalProperties={"type": "integer"})
    results = _list_of(ListedJobSchema, "The jobs, the newest first.")


ReadinessSchema = ma.Schema.from_dict(
    {part.value: _text(f"“ok”, or what is wrong with the {part}.") for part in Part}, name="ReadinessSchema"
)
