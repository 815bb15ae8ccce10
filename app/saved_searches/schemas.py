"""What a search that is kept may ask, and the forms of its page."""

from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import marshmallow as ma
from werkzeug.datastructures import MultiDict

from app.extensions import get_config
from app.fields import CONTROL_CHARACTERS, Word
from app.frames.search import LIST_PARAMETERS, SEARCH_PARAMETERS, build_schema
from app.saved_searches.models import Way
from app.saved_searches.public_hosts import is_public
from app.settings import MAIL_ADDRESS

LONGEST_NAME, LONGEST_ADDRESS = 100, 1000
LAST_HOUR = 23

#: A search without its pages.
KeptSearchSchema = build_schema(
    "KeptSearchSchema",
    (*SEARCH_PARAMETERS, *(parameter for parameter in LIST_PARAMETERS if parameter.name == "ordering")),
)


class NameSchema(ma.Schema):
    """The form that names a search."""

    class Meta:
        unknown = ma.EXCLUDE  # csrf_token

    name = Word(required=True, validate=ma.validate.Length(1, LONGEST_NAME))

    @ma.pre_load
    def strip(self, form: MultiDict[str, str], **_kwargs: Any) -> dict[str, str]:
        """Leave out what nobody sees at the ends."""
        return {name: value.strip() for name, value in form.items()}


class MailAddress(ma.fields.String):
    """An address that any mail server takes."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not MAIL_ADDRESS.fullmatch(text):
            raise ma.ValidationError("Give a mail address, such as name@example.org.")
        return text


class WebhookAddress(ma.fields.String):
    """An address to which a message is posted. Where it leads is looked at again when that is done."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if len(text) > LONGEST_ADDRESS or CONTROL_CHARACTERS.search(text) or " " in text:
            raise ma.ValidationError(f"Give an address of at most {LONGEST_ADDRESS} characters, without spaces.")
        try:
            parts = urlsplit(text)
            host, _ = parts.hostname, parts.port
        except ValueError:
            raise ma.ValidationError("This is no address.") from None
        is_internal_welcome = get_config().alert_webhooks_internal
        if parts.scheme not in ({"https", "http"} if is_internal_welcome else {"https"}) or not host:
            raise ma.ValidationError("Give an address that begins with https://.")
        if parts.username is not None or parts.password is not None:
            raise ma.ValidationError("Leave name and password out: they would be shown on this page.")
        if not is_internal_welcome and not _may_be_public(host):
            raise ma.ValidationError("Give the address of a host on the public internet.")
        return text


class AlertSchema(ma.Schema):
    """The form that says how a user is told of new frames."""

    class Meta:
        unknown = ma.EXCLUDE  # csrf_token

    way = ma.fields.Enum(Way, by_value=True, required=True)
    mail = MailAddress()
    webhook = WebhookAddress()
    often = ma.fields.String(validate=ma.validate.OneOf(["at once", "daily"]), load_default="at once")
    hour = ma.fields.Integer(validate=ma.validate.Range(0, LAST_HOUR), load_default=8)

    @ma.pre_load
    def keep_what_counts(self, form: MultiDict[str, str], **_kwargs: Any) -> dict[str, str]:
        """Pass over fields that were left empty, and the address of the way that was not chosen."""
        filled = {name: value.strip() for name, value in form.items() if value.strip()} | {"way": form.get("way", "")}
        others = {Way.MAIL.value, Way.WEBHOOK.value} - {filled["way"]}
        return {name: value for name, value in filled.items() if name not in others}

    @ma.validates_schema
    def check_address(self, form: dict[str, Any], **_kwargs: Any) -> None:
        """A way that was chosen needs its address."""
        if form["way"] is not Way.NONE and form["way"].value not in form:
            raise ma.ValidationError("Say where to.", form["way"].value)


def _may_be_public(host: str) -> bool:
    """Say whether a host may be one of the public internet, as far as its name tells."""
    try:
        return is_public(ip_address(host))
    except ValueError:
        return "." in host.strip(".") and not host.endswith((".localhost", ".local", ".internal"))
