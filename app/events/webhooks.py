"""A webhook as a target: a signed POST, in the manner of Standard Webhooks."""

import base64
import hmac
import json
import time
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import requests

from app.events.exceptions import MessageRefusedError, TargetAwayError
from app.events.messages import Message
from app.times import format_json_value, format_time

EVENT = "version.archived"
TIMEOUT_S = 10
#: 4xx answers that are about the moment, or about the address in the settings.
NOT_ABOUT_THE_MESSAGE = {
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}
EXCERPT_BYTES = 300


class Webhook:
    """An address of somebody else's, to which one connection is kept."""

    longest_wait_s = 600.0

    def __init__(self, url: str, secret: str) -> None:
        self._url, self._secret = url, secret
        self._session = requests.Session()

    def deliver(self, message: Message) -> None:
        """Post a message, and return when it was answered with 2xx.

        Raises
        ------
        TargetAwayError
            If there was no answer in time, or one that says nothing of the message.
        MessageRefusedError
            If there was another.
        """
        post_signed(self._session, self._url, message.id, build_body(message), self._secret)

    def rest(self) -> None:
        """Do nothing: a connection that has ended is replaced when it is needed."""

    def close(self) -> None:
        self._session.close()


def post_signed(session: requests.Session, url: str, message_id: str, body: bytes, secret: str) -> None:
    """Post a body of JSON, and return when it was answered with 2xx.

    Raises
    ------
    TargetAwayError, MessageRefusedError
        As `Webhook.deliver`.
    """
    headers = {"Content-Type": "application/json"} | sign(message_id, int(time.time()), body, secret)
    options: dict[str, Any] = {"timeout": TIMEOUT_S, "allow_redirects": False, "stream": True}
    try:
        with session.post(url, data=body, headers=headers, **options) as response:
            _check(response)
    except requests.RequestException as error:
        raise TargetAwayError(_describe(error)) from error


def build_body(message: Message) -> bytes:
    envelope = {"type": EVENT, "id": message.id, "timestamp": format_time(message.created), "data": message.data}
    return json.dumps(envelope, default=format_json_value).encode()


def sign(message_id: str, timestamp_s: int, body: bytes, secret: str) -> dict[str, str]:
    """Return the headers that show that a body is ours, and when it was sent."""
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp_s, body)
    signature = base64.b64encode(hmac.digest(secret.encode(), signed, "sha256")).decode()
    return {"webhook-id": message_id, "webhook-timestamp": str(timestamp_s), "webhook-signature": f"v1,{signature}"}


def _check(response: requests.Response) -> None:
    """Return if a message was taken, raise what the answer means if not."""
    answer = f"HTTP {response.status_code} {_read_excerpt(response)}".rstrip()
    if 200 <= response.status_code < 300:
        return
    if response.is_redirect:
        raise TargetAwayError(f"{answer} (it has another address now: WEBHOOK_URLS must name that)")
    if 400 <= response.status_code < 500 and response.status_code not in NOT_ABOUT_THE_MESSAGE:
        raise MessageRefusedError(answer)
    raise TargetAwayError(answer)


def _describe(error: requests.RequestException) -> str:
    """Say what went wrong without the address, whose path may be secret."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return f"{type(error).__name__}: {reason}" if reason else type(error).__name__


def _read_excerpt(response: requests.Response) -> str:
    """Read how an answer begins. A short one is read to its end, and so its connection can serve again."""
    with suppress(requests.RequestException):  # the status has said it all
        return next(response.iter_content(EXCERPT_BYTES), b"").decode(errors="replace")
    return ""
