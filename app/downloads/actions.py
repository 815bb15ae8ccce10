"""Granting downloads: links that carry the right to one stored version, or one picture, for a while, in themselves."""

import functools
import hmac
import re
import time
from typing import Any
from urllib.parse import quote

import orjson
from flask import current_app, url_for
from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer
from itsdangerous.encoding import base64_encode, int_to_bytes

from app.errors import NotFound
from app.extensions import get_config

#: What is signed of the one is no signature of the other.
VERSION, THUMBNAIL = "downloads.version", "downloads.thumbnail"
ENDPOINTS = {VERSION: "downloads.download", THUMBNAIL: "downloads.show_thumbnail"}
PLAIN = re.compile(r"[\w.~-]+", re.ASCII)  # stands in an address as it is
SAFE_IN_PATH = "!$&'()*+,/:;=@"  # as werkzeug leaves them in an address


class Links:
    """Grants links that work without any header for DOWNLOAD_LINK_HOURS from now on.

    Their tokens are those of `URLSafeTimedSerializer`, which would find the key, the time and the address anew for each
    of the thousand links of a page. Whoever calls has made sure that the viewer may see the frame.
    """

    def __init__(self) -> None:
        self._time = base64_encode(int_to_bytes(int(time.time())))
        self._kinds: dict[str, tuple[str, bytes]] = {}

    def to_version(self, version_id: int, filename: str) -> str:
        """Return a link that downloads one version."""
        return self._grant(VERSION, version_id, filename)

    def to_thumbnail(self, thumbnail_id: int, key: str, filename: str) -> str:
        """Return a link that shows one thumbnail, until another picture takes its place.

        Parameters
        ----------
        key
            The store's name of the picture.
        """
        return self._grant(THUMBNAIL, [thumbnail_id, key], filename)

    def _grant(self, kind: str, what: Any, filename: str) -> str:
        if kind not in self._kinds:
            key = _derive_key(current_app.config["SECRET_KEY"], kind)
            self._kinds[kind] = _find_prefix(ENDPOINTS[kind]), key
        prefix, key = self._kinds[kind]
        signed = b"%b.%b" % (base64_encode(orjson.dumps(what)), self._time)
        signature = base64_encode(hmac.digest(key, signed, "sha1"))
        name = filename if PLAIN.fullmatch(filename) else quote(filename, safe=SAFE_IN_PATH)
        return f"{prefix}{signed.decode()}.{signature.decode()}/{name}"


def find_link_period() -> int:
    """Return a number that lasts for half of a link's life: a copy of links is good for as long as it is the same."""
    return int(time.time() // (get_config().download_link_hours * 1800))


def grant_link(version_id: int, filename: str) -> str:
    """Return a link that downloads one version, as `Links` does."""
    return Links().to_version(version_id, filename)


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
    return _make_serializer(current_app.config["SECRET_KEY"], kind)


@functools.cache
def _make_serializer(secret_key: str, kind: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret_key, salt=kind)


@functools.cache
def _derive_key(secret_key: str, kind: str) -> bytes:
    key: bytes = _make_serializer(secret_key, kind).make_signer(kind).derive_key()
    return key


def _find_prefix(endpoint: str) -> str:
    return url_for(endpoint, **{"token": "-", "filename": "-"}, _external=True).removesuffix("-/-")
