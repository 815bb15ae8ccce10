"""The opaque token of cursor paging: the last frame seen, in which order, signed so that no other is taken for one."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer

from app.errors import BadRequest


@dataclass(frozen=True)
class Cursor:
    """A place in an order: beyond a frame, or before it."""

    ordering: str
    value: Any
    frame_id: int
    is_backwards: bool = False

    def to_token(self) -> str:
        is_time = isinstance(self.value, dt.datetime)
        value = self.value.isoformat() if is_time else self.value
        return str(_serializer().dumps([self.ordering, value, is_time, self.frame_id, self.is_backwards]))

    @classmethod
    def from_token(cls, token: str, ordering: str) -> "Cursor":
        """Read a token.

        Raises
        ------
        BadRequest
            If it is none of ours, or one of another order.
        """
        try:
            token_ordering, value, is_time, frame_id, is_backwards = _serializer().loads(token)
        except (BadSignature, ValueError):
            raise _bad_cursor("This is no cursor of this archive; begin again without one.") from None
        if token_ordering != ordering:
            raise _bad_cursor(f"This cursor belongs to the order {token_ordering!r}; begin again without one.")
        return cls(ordering, dt.datetime.fromisoformat(value) if is_time else value, frame_id, is_backwards)


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="frames.cursor")


def _bad_cursor(message: str) -> BadRequest:
    return BadRequest(f"cursor: {message}", code="bad_parameter", fields={"cursor": [message]})
