"""What carries a right in itself: links in mails, and the secret that signs the calls of a webhook.

Nothing of it is kept: it follows from SECRET_KEY and the key of the saved search.
"""

import base64
import hmac

from flask import url_for
from itsdangerous import BadSignature, URLSafeSerializer, URLSafeTimedSerializer

from app.errors import NotFound
from app.extensions import get_config
from app.saved_searches.models import SavedSearch

CONFIRMATION_DAYS = 3
UNSUBSCRIBE, CONFIRM = "alerts.unsubscribe", "alerts.confirm"


def link_unsubscribe(search: SavedSearch) -> str:
    """Return the link that ends the alerts of a search, whoever follows it."""
    token = URLSafeSerializer(get_config().secret_key, UNSUBSCRIBE).dumps(search.key)
    return url_for("saved_searches.show_unsubscribe", token=token, _external=True)


def read_unsubscribe(token: str) -> str:
    """Return the key of the search that a link is about.

    Raises
    ------
    NotFound
        If we have not made it.
    """
    try:
        key: str = URLSafeSerializer(get_config().secret_key, UNSUBSCRIBE).loads(token)
    except BadSignature:
        raise NotFound("This link is not whole: copy it from the mail again.", code="bad_link") from None
    return key


def link_confirmation(search: SavedSearch) -> str:
    """Return the link by which whoever reads the mail of an address says that it is theirs."""
    token = URLSafeTimedSerializer(get_config().secret_key, CONFIRM).dumps([search.key, search.recipient])
    return url_for("saved_searches.show_confirmation", token=token, _external=True)


def read_confirmation(token: str) -> tuple[str, str]:
    """Return the key of the search, and the address, that a link is about.

    Raises
    ------
    NotFound
        If we have not made it, or too long ago.
    """
    serializer = URLSafeTimedSerializer(get_config().secret_key, CONFIRM)
    try:
        key, address = serializer.loads(token, max_age=CONFIRMATION_DAYS * 86400)
    except BadSignature:
        message = (
            f"This link is not whole, or older than {CONFIRMATION_DAYS} days: ask for another at the saved search."
        )
        raise NotFound(message, code="bad_link") from None
    return key, address


def derive_webhook_secret(search: SavedSearch) -> str:
    """Return what signs the calls of a search's webhook."""
    digest = hmac.digest(get_config().secret_key.encode(), f"alerts.webhook {search.key}".encode(), "sha256")
    return base64.b64encode(digest).decode()
