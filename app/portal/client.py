"""Asks the Observation Portal whose token it is, within a time that nothing can stretch."""

import json
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

import marshmallow as ma
import requests

from app.portal.schemas import Profile, ProfileSchema
from app.portal.turns import PortalAwayError, Turns

log = logging.getLogger(__name__)

LONGEST_WAIT_S = 4.0  # with what else a request does, an answer comes within 5 s
LARGEST_ANSWER_BYTES = 2**20
CHUNK_BYTES = 2**16
#: A question whose answer trickles on after its time keeps its thread; there are never more of them than this.
MOST_THREADS = 8
REFUSALS = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


class _UnusableError(Exception):
    """There was an answer, but none that says whose the token is."""


class Portal:
    """The portal, as one web process asks it.

    Parameters
    ----------
    profile_url
        Where it says whose the token of the request is.
    longest_wait_s
        Seconds from the question to the end of the answer: to look up the name, to connect, to read, all together.
    turns
        Whose turn it is to ask.
    """

    def __init__(self, profile_url: str, longest_wait_s: float = LONGEST_WAIT_S, turns: Turns | None = None) -> None:
        self._profile_url, self._longest_wait_s = profile_url, longest_wait_s
        self.turns = turns or Turns()
        self._threads = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="portal")

    def find_profile(self, authorization: str) -> Profile | None:
        """Return whose an Authorization header is; None if the portal does not know it.

        Raises
        ------
        PortalAwayError
            If it does not say so in time, or not in a way that can be understood.
        """
        asked = self._threads.submit(self._ask, authorization)
        try:
            profile = asked.result(self._longest_wait_s)
        except (TimeoutError, requests.RequestException, _UnusableError) as error:
            asked.cancel()
            log.warning("the Observation Portal did not say whose a token is: %s", _describe(error))
            self.turns.note_failure()
            raise PortalAwayError from None
        self.turns.note_answer()
        return profile

    def _ask(self, authorization: str) -> Profile | None:
        deadline = time.monotonic() + self._longest_wait_s
        with requests.get(
            self._profile_url,
            auth=_send_on(authorization),
            headers={"Accept": "application/json"},
            timeout=self._longest_wait_s,
            allow_redirects=False,  # the token is for nobody else
            stream=True,
        ) as answer:
            if answer.status_code in REFUSALS:
                return None
            if answer.status_code != HTTPStatus.OK:
                raise _UnusableError(f"it answered {answer.status_code}; OAUTH_PROFILE_URL may be wrong")
            return _read_profile(_read(answer, deadline))


def _send_on(authorization: str) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
    """Return what sets the header last: what a .netrc says of the portal's host would go over it."""

    def authorize(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = authorization
        return request

    return authorize


def _read(answer: requests.Response, deadline: float) -> bytes:
    """Read a body that is not too long and does not take too long."""
    body = b""
    for chunk in answer.iter_content(CHUNK_BYTES):
        body += chunk
        if len(body) > LARGEST_ANSWER_BYTES or time.monotonic() > deadline:
            raise _UnusableError("its answer has no end")
    return body


def _read_profile(body: bytes) -> Profile:
    try:
        profile: Profile = ProfileSchema().load(_read_json(body))
    except ma.ValidationError as error:
        raise _UnusableError(f"its answer is no profile: {error.messages}") from None
    return profile


def _read_json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise _UnusableError("its answer is no JSON") from None


def _describe(error: Exception) -> str:
    """Say what went wrong. A request's own error has the address, which stands in the settings, and no token."""
    return "no answer in time" if isinstance(error, TimeoutError) else str(error)
