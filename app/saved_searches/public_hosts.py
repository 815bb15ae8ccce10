"""Connections to hosts of the public internet only: an address that a user gives must not lead into our own network.

A name is looked up once, all that it stands for is checked, and that is connected to: there is no second look-up in
which a name could mean something else.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: an address of IPv4 in its last 32 bits
LAST_32_BITS = 2**32 - 1


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Say whether an address is one of the public internet, also where it stands for one of IPv4."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            inner = IPv4Address(int(address) & LAST_32_BITS)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


def open_public_session() -> requests.Session:
    """Return a session that speaks HTTPS to public addresses, and nothing to others; no proxy is asked."""
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", _PublicAdapter())
    del session.adapters["http://"]
    return session


class _PublicConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        host = self.host
        try:
            found = socket.getaddrinfo(host, self.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            reason = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
            raise NameResolutionError(host, self, reason) from error
        addresses = [str(place[0]) for *_, place in found]
        if not all(is_public(ip_address(address)) for address in addresses):
            raise NewConnectionError(self, f"{host} is no host of the public internet")
        try:
            return create_connection((addresses[0], self.port), self.timeout, socket_options=self.socket_options)
        except OSError as error:
            raise NewConnectionError(self, f"no connection: {error}") from error


class _PublicPool(HTTPSConnectionPool):
    ConnectionCls = _PublicConnection


class _PublicAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"https": _PublicPool}
