"""How a text from outside is read: each class turns it into a value, or says what would do.

What a class of its own reads stands in its `json_schema`, for the OpenAPI document.
"""

import datetime as dt
import re
from typing import Any, ClassVar

import marshmallow as ma
from anyascii import anyascii

LARGEST_INT, LARGEST_BIGINT = 2**31 - 1, 2**63 - 1
LONGEST_TEXT = 200
#: What no text may hold: control characters, and halves of surrogate pairs, which no database takes.
CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class Word(ma.fields.String):
    """A text of one line."""

    json_schema: ClassVar[dict[str, Any]] = {"maxLength": LONGEST_TEXT}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if len(text) > LONGEST_TEXT:
            raise ma.ValidationError(f"Must be at most {LONGEST_TEXT} characters long.")
        if CONTROL_CHARACTERS.search(text):
            raise ma.ValidationError("Must not contain control characters.")
        return text


class AnyOf(ma.fields.List[Any]):
    """Values of which any will do, given by repetition. What is wrong with one is told as of a parameter of one."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        try:
            return super()._deserialize(value if isinstance(value, list) else [value], attr, data, **kwargs)
        except ma.ValidationError as error:
            raise ma.ValidationError([told for messages in error.messages_dict.values() for told in messages]) from None


class WholeNumber(ma.fields.Integer):
    """An integer that a database column can hold."""

    def __init__(self, *, smallest: int = -LARGEST_BIGINT, largest: int = LARGEST_BIGINT, **kwargs: Any):
        super().__init__(validate=ma.validate.Range(smallest, largest), **kwargs)


class UtcTime(ma.fields.Field[dt.datetime]):
    """An ISO 8601 time; UTC where it names no offset, and a day's first moment where it names no time."""

    json_schema: ClassVar[dict[str, Any]] = {"type": "string", "examples": ["2026-11-20T03:15:00Z"]}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dt.datetime:
        text = str(value).strip()
        day, _, rest = text.replace("T", " ").partition(" ")
        try:
            # A space that remains was an offset's plus sign: a URL turns it into one.
            time = dt.datetime.fromisoformat(f"{day} {rest.replace(' ', '+')}".strip())
            return (time if time.tzinfo else time.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
        except (ValueError, OverflowError):
            raise ma.ValidationError(
                f"{text!r} is no time: give UTC as 2026-11-20, 2026-11-20 03:15 or 2026-11-20T03:15:00Z."
            ) from None


class Night(ma.fields.Field[dt.date]):
    """An observing night, ``YYYY-MM-DD`` or ``YYYYMMDD``."""

    json_schema: ClassVar[dict[str, Any]] = {"type": "string", "examples": ["2026-11-20"]}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dt.date:
        text = str(value).strip()
        try:
            return dt.date.fromisoformat(text)
        except ValueError:
            raise ma.ValidationError(f"{text!r} is no night: give 2026-11-20 or 20261120.") from None


def to_ascii(name: str) -> str:
    """Transliterate a name to lower-case ASCII, as both sides of a search for a target are."""
    return anyascii(name).lower()
