"""What is asked of thumbnails, and what is posted of one."""

from typing import Any

import marshmallow as ma

from app.fields import LONGEST_TEXT, WholeNumber, Word
from app.frames.models import THUMBNAIL_SIZES
from app.frames.schemas import LONGEST_BASENAME, Line, NewFrameSchema, PostedVersionSchema
from app.paging import PageSchema


class ThumbnailSearchSchema(PageSchema):
    """Which thumbnails are asked for."""

    frame_basename = Word(metadata={"description": "The frame's whole basename."})
    proposal_id = Word(metadata={"description": "The frame's proposal."})
    observation_id = WholeNumber(metadata={"description": "The frame's observation."})
    request_id = WholeNumber(metadata={"description": "The frame's request."})
    size = ma.fields.String(
        validate=ma.validate.OneOf(THUMBNAIL_SIZES), metadata={"description": "Which of the sizes."}
    )


class PictureFileSchema(PostedVersionSchema):
    """A picture's file, which its sender has stored."""

    md5 = Line(LONGEST_TEXT, load_default="", metadata={"description": "MD5 of the file, if its sender knows it."})


class PostedThumbnailSchema(NewFrameSchema):
    """A thumbnail, and what its sender knows of the frame that it shows."""

    frame_basename = Line(
        LONGEST_BASENAME, required=True, metadata={"description": "Basename of the frame that it shows."}
    )
    size = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(THUMBNAIL_SIZES),
        metadata={"description": "Which of the sizes it has."},
    )
    basename = Line(
        LONGEST_BASENAME,
        metadata={
            "description": "Name of the picture's file, without its extension; the frame's and the size if absent."
        },
    )
    version_set = ma.fields.List(
        ma.fields.Nested(PictureFileSchema),
        required=True,
        validate=ma.validate.Length(equal=1),
        metadata={"description": "The picture's one file."},
    )

    @ma.post_load
    def name_file(self, thumbnail: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        """Name the file of a picture whose sender does not, as OCS programs name it."""
        return {"basename": f"{thumbnail['frame_basename']}-{thumbnail['size']}"} | thumbnail
