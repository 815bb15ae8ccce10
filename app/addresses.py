"""Addresses: the one that was asked for with some parameters changed, users' own, the one at which they reach us."""

import ipaddress
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Flask, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.routing import IntegerConverter, Map

from app.fields import CONTROL_CHARACTERS, LARGEST_BIGINT

IPV6_HOST_BITS = 64


class RowNumber(IntegerConverter):
    """A number in a path that a row may have; there is nothing at an address with a larger one."""

    def __init__(self, map: Map, *args: Any, **kwargs: Any) -> None:
        super().__init__(map, *args, **{"max": LARGEST_BIGINT} | kwargs)


def address_with(**changes: Any) -> str:
    """Return the address of this request with some parameters changed; None takes one away."""
    return build_address(request.base_url, request.args, **changes)


def build_address(path: str, arguments: "MultiDict[str, str]", **changes: Any) -> str:
    """Return an address with some parameters changed: a list gives one several times, None takes it away."""
    kept = [(name, value) for name, value in arguments.items(multi=True) if name not in changes]
    lists = [(name, value if isinstance(value, list) else [value]) for name, value in changes.items()]
    changed = [(name, value) for name, values in lists for value in values if value is not None]
    query = urlencode([(name, value) for name, value in kept + changed if value != ""])
    return f"{path}?{query}" if query else path


def own_address(address: str) -> str:
    """Return a path of this server; anything else would let a link lead a user away."""
    is_own = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if is_own and not CONTROL_CHARACTERS.search(address) else url_for("frames_views.search")


def find_client_network() -> str:
    """Return where a request comes from: an address of IPv4, or a /64 of IPv6, which is one client's.

    Behind proxies that is right if TRUSTED_PROXIES is.
    """
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:  # a Unix socket, or a proxy's own word
        return "unknown"
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    network = ipaddress.IPv6Address(int(address) >> IPV6_HOST_BITS << IPV6_HOST_BITS)
    return str(address.ipv4_mapped or f"{network}/{IPV6_HOST_BITS}")


def serve_at(app: Flask, public_url: str) -> None:
    """Let every link name the address at which users reach the archive, whatever Host a request names."""
    parts, inner = urlsplit(public_url), app.wsgi_app

    def wsgi_app(environ: Any, start_response: Any) -> Any:
        environ |= {"wsgi.url_scheme": parts.scheme, "HTTP_HOST": parts.netloc, "SCRIPT_NAME": parts.path.rstrip("/")}
        return inner(environ, start_response)

    app.wsgi_app = wsgi_app  # type: ignore[method-assign]  # Flask's documented way to wrap an application
