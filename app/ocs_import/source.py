"""The archive that is copied. Of its API no more is used than the OCS contract promises."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from threading import Event
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from requests.adapters import HTTPAdapter
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential_jitter
from tenacity.nap import sleep_using_event

CONNECT_TIMEOUT_S, ANSWER_TIMEOUT_S = 10, 120
LONGEST_WAIT_S, LONGEST_THROTTLE_S = 60.0, 3600.0
LONGEST_EXCERPT = 200
AWAY = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
Record = dict[str, Any]


class SourceError(Exception):
    """The source can't be read for now, or not at all: the copy stops, and can go on from here."""


class AnswerError(Exception):
    """The source does not give one thing; others it may."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class AwayError(SourceError):
    """The source, or the way to it, is away."""

    attempts: float = 8  # some three minutes


class ThrottledError(AwayError):
    """The source wants to be asked later: that is waited for, however often."""

    attempts = float("inf")

    def __init__(self, message: str, retry_after_s: float | None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class BrokenAnswerError(AnswerError):
    """The source failed at one thing, perhaps by chance."""

    attempts: float = 2


Passing = type[Exception] | tuple[type[Exception], ...]
MAY_PASS = (AwayError, BrokenAnswerError)
NO_QUERY: Mapping[str, str] = {}


@dataclass(frozen=True)
class SourcePage:
    """A page of records; an empty cursor says that no page follows."""

    records: list[Any]
    next_cursor: str


class Source:
    """An OCS archive, asked by several threads.

    Its methods raise `SourceError`, and where they say so `AnswerError`.

    Parameters
    ----------
    url
        The root of its API.
    token
        Of an account there, best of an admin; empty: nobody's.
    connections
        The most that are open at once.
    page_limit
        Frames a page.
    """

    def __init__(self, url: str, token: str, connections: int, page_limit: int) -> None:
        self.url = url.rstrip("/")
        self._token = token
        self._page_limit = page_limit
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=connections))
        self._closed = Event()

    def close(self) -> None:
        """Let nobody wait for the next try any longer."""
        self._closed.set()
        self._session.close()

    def get_profile(self) -> Record:
        """Return who the source takes us for.

        Raises
        ------
        AnswerError
            If it is no OCS archive.
        """
        return self._ask("profile/", {}, ThrottledError)  # a wrong address is told at once

    def get_page(self, cursor: str, **include: str) -> SourcePage:
        """Return the page of frames at a cursor, in the order of their ids: those that arrive meanwhile come last.

        Raises
        ------
        AnswerError
            If the source does not know the cursor, with its status 400.
        """
        place = {"cursor": cursor} if cursor else {}
        paging = {"pagination_style": "cursor", "ordering": "id", "limit": str(self._page_limit)}
        body = self._ask("frames/", paging | include | place)
        if not isinstance(body.get("results"), list):
            raise SourceError(f"{self.url} is the root of no OCS archive: its frames/ has no results.")
        return SourcePage(body["results"], self._find_cursor(body.get("next"), cursor))

    def get_headers(self, frame_id: int) -> Record:
        """Return a frame's header.

        Raises
        ------
        AnswerError
            If the source does not give it.
        """
        header = self._ask(f"frames/{frame_id}/headers/").get("data")
        if not isinstance(header, dict):
            raise AnswerError(f"The source answers the headers of frame {frame_id} without any.", HTTPStatus.OK)
        return header

    def get_frame(self, frame_id: int) -> Record:
        """Return a frame's record, also of one that no list shows.

        Raises
        ------
        AnswerError
            If the source does not give it.
        """
        return self._ask(f"frames/{frame_id}/")

    def find_count(self, path: str, **search: str) -> int | None:
        """Return how many there are of what a list shows; None if the source does not say so exactly."""
        try:
            body = self._ask(path, {"limit": "1"} | search, ThrottledError)
        except (AnswerError, AwayError):  # to count may be more than it can do in time
            return None
        count = body.get("count")
        return count if isinstance(count, int) and not body.get("count_estimated") else None

    def _find_cursor(self, link: Any, present: str) -> str:
        """Read the next cursor out of a link, whose host may be one that only the source's own proxy knows."""
        if not link:
            return ""
        cursor = parse_qs(urlsplit(str(link)).query).get("cursor", [""])[0]
        if cursor in ("", present):
            raise SourceError(f"{self.url} does not page by cursor: its next page is {link}.")
        return cursor

    def _ask(self, path: str, query: Mapping[str, str] = NO_QUERY, passing: Passing = MAY_PASS) -> Record:
        """Ask again while the error may pass, and raise the last one."""
        retrying = Retrying(
            retry=retry_if_exception_type(passing),
            stop=self._give_up,
            wait=_find_wait_s,
            sleep=sleep_using_event(self._closed),
            reraise=True,
        )
        return retrying(self._ask_once, path, query)

    def _give_up(self, state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        attempts: float = getattr(error, "attempts", 1)
        return self._closed.is_set() or state.attempt_number >= attempts

    def _ask_once(self, path: str, query: Mapping[str, str]) -> Record:
        address = f"{self.url}/{path}"
        timeouts_s = (CONNECT_TIMEOUT_S, ANSWER_TIMEOUT_S)
        try:
            answer = self._session.get(address, params=query, auth=self._authorize, timeout=timeouts_s)
        except requests.RequestException as error:
            kind = SourceError if isinstance(error, ValueError) else AwayError  # an address or a token that can't be
            raise kind(f"{self.url} does not answer: {error}") from error
        return _judge(answer)

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:  # as a header of the session, a .netrc of the user's would go over it
            request.headers["Authorization"] = f"Token {self._token}"
        return request


def _judge(answer: requests.Response) -> Record:
    """Return the JSON object of an answer, or raise what its status means."""
    said = f"The source answered {answer.status_code} at {answer.url}: {answer.text[:LONGEST_EXCERPT]}"
    if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        raise ThrottledError(said, read_retry_after_s(answer.headers.get("Retry-After", "")))
    if answer.status_code in AWAY:
        raise AwayError(said)
    if answer.status_code == HTTPStatus.UNAUTHORIZED:
        raise SourceError(f"The source does not know the token in OCS_TOKEN. {said}")
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise BrokenAnswerError(said, answer.status_code)
    if not answer.ok:
        raise AnswerError(said, answer.status_code)
    try:
        body = answer.json()
    except (requests.JSONDecodeError, RecursionError):
        raise BrokenAnswerError(said, answer.status_code) from None
    if not isinstance(body, dict):
        raise AnswerError(said, answer.status_code)
    return body


def read_retry_after_s(text: str) -> float | None:
    """Read the header Retry-After: seconds, or a date."""
    try:
        return min(max(0.0, float(text)), LONGEST_THROTTLE_S)
    except ValueError:
        pass
    try:
        wait_s = (parsedate_to_datetime(text) - dt.datetime.now(dt.UTC)).total_seconds()
        return min(max(0.0, wait_s), LONGEST_THROTTLE_S)
    except (ValueError, TypeError):  # no date; one without an offset
        return None


def _find_wait_s(state: RetryCallState) -> float:
    told_s = getattr(state.outcome and state.outcome.exception(), "retry_after_s", None)
    return wait_exponential_jitter(max=LONGEST_WAIT_S)(state) if told_s is None else told_s
