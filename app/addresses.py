"""The address that was asked for, with some parameters changed: next page, other order, one condition less."""

from typing import Any
from urllib.parse import urlencode

from flask import request


def address_with(**changes: Any) -> str:
    """Return the address of this request with some parameters changed; None takes one away."""
    kept = [(name, value) for name, value in request.args.items(multi=True) if name not in changes]
    changed = [(name, value) for name, value in changes.items() if value is not None]
    query = urlencode([(name, value) for name, value in kept + changed if value != ""])
    return f"{request.base_url}?{query}" if query else request.base_url
