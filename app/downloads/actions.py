"""Granting downloads: links that carry the right to one stored version, for a while, in themselves."""

from flask import current_app, url_for
from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from app.errors import NotFound
from app.extensions import get_config


def grant_link(version_id: int, filename: str) -> str:
    """Return a link that downloads one version, without any header, for DOWNLOAD_LINK_HOURS.

    Whoever calls this has made sure that the viewer may see the version's frame.
    """
    token = _serializer().dumps(version_id)
    return url_for("downloads.download", token=token, filename=filename, _external=True)


def redeem_link(token: str) -> int:
    """Return the id of the version that a link's token grants.

    Raises
    ------
    NotFound
        If the token is too old, or none of ours.
    """
    hours = get_config().download_link_hours
    try:
        version_id: int = _serializer().loads(token, max_age=hours * 3600)
    except SignatureExpired:
        raise NotFound(
            f"This link has ended: links work for {hours} hours. Search for the frame again.",
            code="link_expired",
        ) from None
    except BadSignature:
        raise NotFound("This is no download link of this archive.", code="link_invalid") from None
    return version_id


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="downloads.version")
