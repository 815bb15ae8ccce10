"""What may be asked of versions."""

from app.fields import Word
from app.paging import PageSchema


class VersionSearchSchema(PageSchema):
    """Which versions an operator, or a program that has a file in hand, wants to see."""

    md5 = Word(metadata={"description": "MD5 of the file."})
