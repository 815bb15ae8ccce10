"""A client that costs next to nothing: one kept connection, plain sockets, and as many processes as there are clients.

The clients run on the machine that is measured, so what they take is taken from the server.
"""

import json
import multiprocessing
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice

from bench.workers import BenchError

BLOCK_BYTES = 2**18
LONGEST_ANSWER_S = 60.0
GET_READY_S = 0.1  # until all clients have connected
TOLD = 300  # characters of an answer that is an error


@dataclass(frozen=True)
class Request:
    """What is asked; a body, which is sent as JSON, makes it a POST."""

    path: str
    headers: str = ""  # lines that end with CRLF
    body: bytes | None = None
    first_byte: bool = False  # whether to hang up on the rest of the answer


@dataclass
class Sent:
    """What some requests of one client took."""

    durations_s: list[float] = field(default_factory=list)
    size: int = 0  # bytes of all bodies
    whole_s: float = 0.0
    example: bytes = b""  # the first body


class Connection:
    """A connection to a server, which is made anew when the server has closed it."""

    def __init__(self, port: int, patience_s: float = LONGEST_ANSWER_S) -> None:
        self._port, self._patience_s = port, patience_s
        self._socket: socket.socket | None = None

    def ask(self, request: Request) -> bytes:
        """Send a request, and return the answer's body, or as much as came with its first byte.

        Raises
        ------
        BenchError
            If the status is not 200.
        TimeoutError
            If nothing comes for as long as the connection's patience.
        """
        length = "" if request.body is None else f"Content-Length: {len(request.body)}\r\n"
        head = (
            f"{'GET' if request.body is None else 'POST'} {request.path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
            f"Accept: application/json\r\nContent-Type: application/json\r\n{request.headers}{length}\r\n"
        )
        self._connect().sendall(head.encode() + (request.body or b""))
        status, headers, body = self._read_head()
        if status != 200:
            raise BenchError(f"{request.path}: {status} {body[:TOLD]!r}")
        if request.first_byte:
            body = body or self._receive()
            self.close()
            return body
        return self._read_body(headers, body)

    def close(self) -> None:
        if self._socket:
            self._socket.close()
            self._socket = None

    def _connect(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), self._patience_s)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket

    def _receive(self) -> bytes:
        data = self._connect().recv(BLOCK_BYTES)
        if not data:
            raise BenchError("The server has closed the connection within an answer.")
        return data

    def _read_head(self) -> tuple[int, bytes, bytes]:
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._receive()
        return int(received[9:12]), received[:end].lower(), received[end + 4 :]

    def _read_body(self, headers: bytes, body: bytes) -> bytes:
        size = int(headers.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])
        parts, missing = [body], size - len(body)
        while missing > 0:
            parts.append(self._receive())
            missing -= len(parts[-1])
        if b"\r\nconnection: close" in headers:
            self.close()
        return b"".join(parts)


class Clients:
    """Processes that send requests; to be made before this one has any threads, as they are forks of it."""

    def __init__(self, most: int) -> None:
        self._pool = multiprocessing.get_context("fork").Pool(most)

    def __enter__(self) -> "Clients":
        return self

    def __exit__(self, *_error: object) -> None:
        self._pool.close()  # to end them by a signal could fail: forks keep the handlers that this process had
        self._pool.join()

    def send(
        self,
        port: int,
        requests: Sequence[Request],
        clients: int,
        seconds: float,
        most: int,
        patience_s: float = LONGEST_ANSWER_S,
    ) -> list[Sent]:
        """Send requests in turn, from several processes at once, each its next one after the answer.

        Parameters
        ----------
        seconds, most
            How long, and how many requests in all; each client sends one at least, beside one that does not count.
        patience_s
            How long to wait for an answer; a client that got none stops, and has that for its last duration.
        """
        begin_s, share = time.monotonic() + GET_READY_S, -(-most // clients)
        parts = [_turn(requests, number, clients) for number in range(clients)]
        jobs = [(port, part, begin_s, seconds, share, patience_s) for part in parts]
        return self._pool.starmap(_be_client, jobs, chunksize=1)


def count_rows(body: bytes) -> int:
    """Return how many rows an answer has: of a list its frames, of facets their values, else one."""
    try:
        answer = json.loads(body)
    except ValueError:
        return 0
    if "results" in answer:
        return len(answer["results"])
    return sum(len(values) for values in answer.values() if isinstance(values, list)) if "sites" in answer else 1


def _turn(requests: Sequence[Request], number: int, clients: int) -> list[Request]:
    """Let each client begin elsewhere, so that no two ask for the same at the same time."""
    begin = number * len(requests) // clients
    return [*requests[begin:], *requests[:begin]]


def _be_client(
    port: int, requests: list[Request], begin_s: float, seconds: float, most: int, patience_s: float
) -> Sent:
    connection, sent = Connection(port, patience_s), Sent()
    try:
        connection.ask(requests[-1])
    except TimeoutError:
        connection.close()  # its answer may still come
    time.sleep(max(0.0, begin_s - time.monotonic()))
    begin_s = now_s = time.perf_counter()
    for request in islice(cycle(requests), most):
        try:
            body = connection.ask(request)
        except TimeoutError:
            connection.close()
            body, seconds = b"", 0.0
        before_s, now_s = now_s, time.perf_counter()
        sent.durations_s.append(now_s - before_s)
        sent.size += len(body)
        sent.example = sent.example or body
        if now_s - begin_s > seconds:
            break
    sent.whole_s = now_s - begin_s
    connection.close()
    return sent
