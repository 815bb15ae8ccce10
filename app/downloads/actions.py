"""Granting downloads: links that carry the right to one stored version, or one picture, for a while, in themselves."""

from typing import Any

from flask import current_app, url_for
from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from app.errors import NotFound
from app.extensions import get_config

#: What is signed of the one is no signature of the other.
VERSION, THUMBNAIL = "downloads.version", "downloads.thumbnail"


def grant_link(version_id: int, filename: str) -> str:
    """Return a link that downloads one version, without any header, for DOWNLOAD_LINK_HOURS.

    Whoever calls this has made sure that the viewer may see the version's frame.
    """
    token = _serializer(VERSION).dumps(version_id)
    return url_for("downloads.download", token=token, filename=filename, _external=True)


def grant_thumbnail_link(thumbnail_id: int, key: str, filename: str) -> str:
    """Return a link that shows one thumbnail, as `grant_link` does, until another picture takes its place.

    Parameters
    ----------
    key
        The store's name of the picture.
    """
    token = _serializer(THUMBNAIL).dumps([thumbnail_id, key])
    return url_for("downloads.show_thumbnail", token=token, filename=filename, _external=True)


def redeem_link(token: str) -> int:
    """Return the id of the version that a link's token grants.

    Raises
    ------
    NotFound
        If the token is too old, or none of ours.
    """
    version_id: int = _redeem(VERSION, token)
    return version_id


def redeem_thumbnail_link(token: str) -> tuple[int, str]:
    """Return the id of the thumbnail that a link's token grants, and the key of its picture.

    Raises
    ------
    NotFound
        As `redeem_link`.
    """
    thumbnail_id, key = _redeem(THUMBNAIL, token)
    return thumbnail_id, key


def _redeem(kind: str, token: str) -> Any:
    hours = get_config().download_link_hours
    try:
        return _serializer(kind).loads(token, max_age=hours * 3600)
    except SignatureExpired:
        raise NotFound(
            f"This link has ended: links work for {hours} hours. Search for the frame again.",
            code="link_expired",
        ) from None
    except BadSignature:
        raise NotFound("This is no download link of this archive.", code="link_invalid") from None


def _serializer(kind: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=kind)
