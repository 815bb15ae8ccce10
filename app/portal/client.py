"""Asks the Observation Portal, within a time that nothing can stretch, above all whose a token is."""

import json
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, TypeVar

import marshmallow as ma
import requests

from app.portal.schemas import Profile, ProfileSchema
from app.portal.turns import PortalAwayError, Turns

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")

LONGEST_WAIT_S = 3.5  # with the wait for a turn, 1 s, and all else, a request has its answer within 5 s
LARGEST_ANSWER_BYTES = 2**20
CHUNK_BYTES = 2**16
#: A question whose answer trickles on after its time keeps its thread; there are never more of them than this.
MOST_THREADS = 8
REFUSALS = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


class UnusableError(Exception):
    """There was an answer, but none that says what was asked."""


class Portal:
    """The portal, as one web process asks it.

    Parameters
    ----------
    profile_url
        Where it says whose the token of the request is; empty: it is asked of no token.
    longest_wait_s
        Seconds from the question to the end of the answer: to look up the name, to connect, to read, all together.
    turns
        Whose turn it is to ask.
    """

    def __init__(self, profile_url: str, longest_wait_s: float = LONGEST_WAIT_S, turns: Turns | None = None) -> None:
        self.profile_url, self._longest_wait_s = profile_url, longest_wait_s
        self.turns = turns or Turns()
        self._threads = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="portal")

    def find_profile(self, authorization: str) -> Profile | None:
        """Return whose an Authorization header is; None if the portal does not know it.

        Raises
        ------
        PortalAwayError
            If it does not say so in time, or not in a way that can be understood.
        """
        return self.ask(lambda deadline: fetch_profile(self.profile_url, authorization, deadline))

    def ask(self, question: Callable[[float], Answer]) -> Answer:
        """Return the answer to a question, which is given the time at which it must have ended, of the monotonic clock.

        Raises
        ------
        PortalAwayError
            If it takes longer, or raises an error of `requests` or `UnusableError`; others are passed on.
        """
        asked = self._threads.submit(question, time.monotonic() + self._longest_wait_s)
        try:
            answer = asked.result(self._longest_wait_s)
        except (TimeoutError, requests.RequestException, UnusableError) as error:
            asked.cancel()
            log.warning("the Observation Portal did not answer what it was asked: %s", _describe(error))
            self.turns.note_failure()
            raise PortalAwayError from None
        self.turns.note_answer()
        return answer


def fetch_profile(url: str, authorization: str, deadline: float) -> Profile | None:
    """Return whose an Authorization header is, as the profile at an address says; None if it is nobody's."""
    profile = fetch_json(url, deadline, authorization)
    return None if profile is None else load_profile(ProfileSchema(), profile)


def fetch_json(url: str, deadline: float, authorization: str = "") -> Any:
    """Return the JSON at an address; None if it refuses the header.

    Raises
    ------
    UnusableError
        If there is none.
    """
    with requests.get(
        url,
        auth=_send_on(authorization),
        headers={"Accept": "application/json"},
        timeout=max(0.001, deadline - time.monotonic()),
        allow_redirects=False,  # the token is for nobody else
        stream=True,
    ) as answer:
        if answer.status_code in REFUSALS:
            return None
        if answer.status_code != HTTPStatus.OK:
            raise UnusableError(f"it answered {answer.status_code} at {url}; is this address, a setting, right?")
        return _read_json(_read(answer, deadline))


def load_profile(schema: ma.Schema, said: Any) -> Profile:
    """Read what was said of a user.

    Raises
    ------
    UnusableError
        If the schema does not know it as a profile.
    """
    try:
        profile: Profile = schema.load(said)
    except ma.ValidationError as error:
        raise UnusableError(f"its answer is no profile: {error.messages}") from None
    return profile


def _send_on(authorization: str) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
    """Return what sets the header last: what a .netrc says of the portal's host would go over it."""

    def authorize(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if authorization:
            request.headers["Authorization"] = authorization
        return request

    return authorize


def _read(answer: requests.Response, deadline: float) -> bytes:
    """Read a body that is not too long and does not take too long."""
    body = b""
    for chunk in answer.iter_content(CHUNK_BYTES):
        body += chunk
        if len(body) > LARGEST_ANSWER_BYTES or time.monotonic() > deadline:
            raise UnusableError("its answer has no end")
    return body


def _read_json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise UnusableError("its answer is no JSON") from None


def _describe(error: Exception) -> str:
    """Say what went wrong. A request's own error has the address, which stands in the settings, and no token."""
    return "no answer in time" if isinstance(error, TimeoutError) else str(error)
