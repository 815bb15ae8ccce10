"""The portal's profile of a user, as the OCS fixes it."""

from dataclasses import dataclass
from typing import Any

import marshmallow as ma

from app.fields import Word


@dataclass(frozen=True)
class Profile:
    """Who somebody is, and what they may see here."""

    username: str
    proposals: frozenset[str] = frozenset()
    is_staff: bool = False


class ProposalSchema(ma.Schema):
    """One of the user's proposals. An empty id would open the frames that have none."""

    class Meta:
        unknown = ma.EXCLUDE

    id = Word(required=True, validate=ma.validate.Length(1))


class RightsSchema(ma.Schema):
    """What else the portal says of a user. Only JSON's own true makes them an operator."""

    class Meta:
        unknown = ma.EXCLUDE

    staff_view = ma.fields.Raw(load_default=False, allow_none=True)


class ClaimsSchema(ma.Schema):
    """What a provider of OpenID Connect says of a user: nothing in it makes an operator."""

    class Meta:
        unknown = ma.EXCLUDE

    preferred_username = Word(required=True, validate=ma.validate.Length(1))
    proposals = ma.fields.List(Word(validate=ma.validate.Length(1)), required=True, allow_none=True)

    @ma.post_load
    def build_profile(self, data: dict[str, Any], **_kwargs: Any) -> Profile:
        return Profile(data["preferred_username"], frozenset(data["proposals"] or ()))


class ProfileSchema(ma.Schema):
    """The answer at OAUTH_PROFILE_URL."""

    class Meta:
        unknown = ma.EXCLUDE

    username = Word(required=True, validate=ma.validate.Length(1))
    proposals = ma.fields.List(ma.fields.Nested(ProposalSchema), load_default=[], allow_none=True)
    profile = ma.fields.Nested(RightsSchema, load_default={}, allow_none=True)

    @ma.post_load
    def build_profile(self, data: dict[str, Any], **_kwargs: Any) -> Profile:
        proposals = frozenset(proposal["id"] for proposal in data["proposals"] or ())
        return Profile(data["username"], proposals, (data["profile"] or {}).get("staff_view") is True)
