"""Granting downloads: links that carry the right to one stored version, or one picture, for a while, in themselves."""

import functools
import hmac
import re
import time
from base64 import urlsafe_b64encode
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
    """Grants links that work without any header for DOWNLOAD_LINK_HOURS from a moment on.

    Their tokens are those of `URLSafeTimedSerializer`, which would find the key, the time and the address anew for each
    of the thousand links of a page. Whoever calls has made sure that the viewer may see the frame.

    Parameters
    ----------
    moment_s
        In seconds since 1970; now, if it is not given.
    """

    def __init__(self, moment_s: float | None = None) -> None:
        self._time = base64_encode(int_to_bytes(int(time.time() if moment_s is None else moment_s)))
        self._kinds: dict[str, tuple[str, bytes]] = {}

    @classmethod
    def of_this_period(cls) -> "Links":
        """Return what grants the same links for half of their life: a copy of them is good as long as they are."""
        period_s = get_config().download_link_hours * 1800
        return cls(time.time() // period_s * period_s)

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
            self._kinds[kind] = _find_prefix(ENDPOINTS[kind]), _derive_key(current_app.config["SECRET_KEY"], kind)
        prefix, key = self._kinds[kind]
        signed = b"%b.%b" % (urlsafe_b64encode(orjson.dumps(what)).rstrip(b"="), self._time)
        signature = urlsafe_b64encode(hmac.digest(key, signed, "sha1")).rstrip(b"=")
        name = filename if PLAIN.fullmatch(filename) else quote(filename, safe=SAFE_IN_PATH)
        return f"{prefix}{signed.decode()}.{signature.decode()}/{name}"


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
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=kind)


@functools.cache
def _derive_key(secret_key: str, kind: str) -> bytes:
    key: bytes = URLSafeTimedSerializer(secret_key, salt=kind).make_signer(kind).derive_key()
    return key


def _find_prefix(endpoint: str) -> str:
    return url_for(endpoint, **{"token": "-", "filename": "-"}, _external=True).removesuffix("-/-")
