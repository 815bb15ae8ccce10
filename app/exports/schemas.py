"""What may be asked of an export, and which links."""

import marshmallow as ma

from app.frames.search import LIST_PARAMETERS, SEARCH_PARAMETERS, build_schema

MOST_LINKS = 500

#: A search whose frames are wanted in its order, all of them.
ExportSchema = build_schema(
    "ExportSchema", (*SEARCH_PARAMETERS, *(parameter for parameter in LIST_PARAMETERS if parameter.name == "ordering"))
)


class LinksSchema(ma.Schema):
    """Files of which links are wanted, by their MD5s."""

    class Meta:
        unknown = ma.RAISE

    md5 = ma.fields.List(
        ma.fields.String(validate=ma.validate.Regexp(r"^[0-9a-f]{32}\Z", error="Must be an MD5.")),
        required=True,
        validate=ma.validate.Length(1, MOST_LINKS, error="Name 1 to {max} files at a time."),
        metadata={"description": f"MD5 of a file; may be repeated, up to {MOST_LINKS} times."},
    )
