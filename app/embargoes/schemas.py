"""What an operator says of an embargo, in a form or in a command."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import marshmallow as ma

from app.embargoes.models import Embargo
from app.fields import CONTROL_CHARACTERS, UtcTime, WholeNumber, Word
from app.params import build_bad_parameter

NEVER = "never"
LONGEST_REASON = 500


class PublicDate(ma.fields.Field[dt.datetime | None]):
    """A time, or “never”: until further notice."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dt.datetime | None:
        return None if str(value).strip().lower() == NEVER else UtcTime().deserialize(value)


def _check_reason(text: str) -> None:
    if not text.strip() or len(text) > LONGEST_REASON or CONTROL_CHARACTERS.search(text):
        raise ma.ValidationError(f"Say why, in a line of at most {LONGEST_REASON} characters.")


class RulingSchema(ma.Schema):
    """When frames become public, and why."""

    class Meta:
        unknown = ma.EXCLUDE

    public_date = PublicDate(required=True)
    reason = ma.fields.String(required=True, validate=_check_reason)


class SubjectSchema(ma.Schema):
    """What a form is about: a frame, or a proposal's frames."""

    class Meta:
        unknown = ma.EXCLUDE

    subject = ma.fields.String(required=True, validate=ma.validate.OneOf(["frame", "proposal"]))
    frame_id = WholeNumber(load_default=None, allow_none=True)
    proposal = Word(load_default="")
    change = ma.fields.String(required=True, validate=ma.validate.OneOf(["set", "clear"]))


def load(schema: ma.Schema, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a form or a command says, as a schema loads it.

    Raises
    ------
    BadRequest
        If a value is missing or malformed; it names each of them.
    """
    try:
        loaded: dict[str, Any] = schema.load(values)
    except ma.ValidationError as error:
        raise build_bad_parameter(error.messages_dict) from error
    return loaded


def build_ruling(values: Mapping[str, Any], *, stands: bool, username: str) -> Embargo:
    """Return a ruling, on nothing yet; one that ends another has a reason, and no date.

    Raises
    ------
    BadRequest
        As `load`.
    """
    wanted = RulingSchema() if stands else RulingSchema(only=["reason"])
    return Embargo(stands=stands, username=username, **load(wanted, values))
