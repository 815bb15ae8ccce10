"""What is read of another archive's records: a frame as its POST has it, and what only the archive itself knows."""

import marshmallow as ma

from app.fields import UtcTime, WholeNumber
from app.frames.models import THUMBNAIL_SIZES
from app.frames.schemas import LONGEST_BASENAME, Line, NewFrameSchema, PostedVersionSchema


class SourceVersionSchema(PostedVersionSchema):
    """A file of the source, with what orders it among the frame's others."""

    id = WholeNumber(load_default=0)
    created = UtcTime(allow_none=True, load_default=None)


class SourceFrameSchema(NewFrameSchema):
    """A frame of the source."""

    version_set = ma.fields.List(ma.fields.Nested(SourceVersionSchema), load_default=list)


class SourceThumbnailSchema(ma.Schema):
    """A picture of a frame of the source. The contract promises its size only."""

    class Meta:
        unknown = ma.EXCLUDE

    size = ma.fields.String(required=True, validate=ma.validate.OneOf(THUMBNAIL_SIZES))
    filename = Line(LONGEST_BASENAME, allow_none=True, load_default=None)
    width = WholeNumber(smallest=0, allow_none=True, load_default=None)
    height = WholeNumber(smallest=0, allow_none=True, load_default=None)


class NamedFrameSchema(ma.Schema):
    """A frame of the source of which only the name matters."""

    class Meta:
        unknown = ma.EXCLUDE

    basename = Line(LONGEST_BASENAME, ma.validate.Length(min=1), required=True)


FRAME, THUMBNAIL, NAMED_FRAME = SourceFrameSchema(), SourceThumbnailSchema(), NamedFrameSchema()
