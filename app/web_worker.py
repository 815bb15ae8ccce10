"""gunicorn's worker with threads, of which slow clients keep none, and which shares connections evenly with others.

`gunicorn.conf.py` names it.

gunicorn gives a thread, of which there are few, to each connection for as long as its client likes. Here a request gets
one when it has come, or the first MiB of its body has; and a client that does not take its answer is hung up on.
"""

import logging
import math
import selectors
import socket
import time
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn.http.errors import LimitRequestHeaders
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import TConn, ThreadWorker

from app.errors import SlowBodyError
from app.slow_clients import Answer, Arrival, Pace

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
DEFERENCE_S = 0.001  # that a connection is left to the other processes, for each request that this one has …
MOST_DEFERENCE = 4  # … of so many
BETWEEN_DEFERENCES_S = 0.1  # so that where all are busy they take what comes
NOTICE_EVERY_S = 1.0  # gunicorn ends a process of which it hears nothing for its time-out, a minute
LONGEST_PAUSE_S = 60.0  # of a body whose beginning has come
RECEIVED_BYTES = 2**16
MOST_HELD_BYTES = 2**26  # of all requests that are larger than that, together
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class PacedUnreader(SocketUnreader):  # type: ignore[misc]  # gunicorn has no types
    """Reads the rest of a large body in its thread, and gives up if it comes too slowly."""

    pace: Pace | None = None

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Return what comes next.

        Raises
        ------
        SlowBodyError
        """
        if self.sock.gettimeout() is not None:  # gunicorn, after the answer, waits a while for a body that nobody read
            return bytes(super().chunk(size_hint))
        self.pace = self.pace or Pace()
        self.sock.settimeout(min(LONGEST_PAUSE_S, max(0.001, self.pace.find_rest_s())))
        try:
            data = bytes(super().chunk(size_hint))
        except TimeoutError:
            raise SlowBodyError from None
        finally:
            self.sock.settimeout(None)
        self.pace.note(len(data))
        return data


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Receives requests in its loop, which also looks after those that are slow, and leaves some to other processes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._arrivals: dict[TConn, Arrival] = {}
        self._answers: dict[TConn, Answer] = {}
        self._next_look = self._next_notice = self._next_accept = self._next_deference = 0.0

    def notify(self) -> None:
        """Tell gunicorn that this process lives; to do so several times a request, as it would, is 2 % of a loop."""
        if time.monotonic() >= self._next_notice:
            self._next_notice = time.monotonic() + NOTICE_EVERY_S
            super().notify()

    def accept(self, listener: socket.socket) -> None:
        """Take a connection, but let a process that has less to do take it first: a client may keep it for long."""
        busy, now = self.nr_conns - len(self.keepalived_conns), time.monotonic()
        if self.cfg.workers > 1 and busy and now >= self._next_deference:
            self._next_accept = now + min(busy, MOST_DEFERENCE) * DEFERENCE_S
            self._next_deference = math.inf  # what comes next is taken, however late
            self.set_accept_enabled(False)  # gunicorn's loop enables it again
        else:
            super().accept(listener)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Listen for connections, or don't; gunicorn's loop asks for it again where `_next_accept` is still to come."""
        if not enabled or time.monotonic() >= self._next_accept:
            super().set_accept_enabled(enabled)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for events, but where connections are left to others not for longer than that."""
        is_last_look = self._accepting and self._next_deference == math.inf  # for one that the others did not take
        if is_last_look:
            timeout = 0.0
        elif self.alive and not self._accepting and self.nr_conns < self.worker_connections:
            timeout = min(timeout, max(0.0, self._next_accept - time.monotonic()))
        super().wait_for_and_dispatch_events(timeout)
        if is_last_look:
            self._next_deference = time.monotonic() + BETWEEN_DEFERENCES_S

    def enqueue_req(self, conn: TConn) -> None:
        """Begin to receive a request, where gunicorn would give a thread to a connection that is new or was kept."""
        if self.cfg.is_ssl:  # needs a thread for its handshake; a proxy does that
            super().enqueue_req(conn)
            return
        if not conn.initialized:
            conn.init()
            conn.parser.unreader = PacedUnreader(conn.sock)
        conn.sock.setblocking(False)
        self._arrivals[conn] = Arrival(conn.parser.unreader.take_buffered())
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._receive, conn))
        self._receive(conn)

    def murder_pending(self) -> None:
        """Hang up on slow clients, once a second; gunicorn's loop calls this as often, or oftener."""
        super().murder_pending()
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK_EVERY_S
        for conn, arrival in list(self._arrivals.items()):
            if arrival.pace.find_rest_s() < 0 or not (arrival.received or self.alive):
                self._drop(conn)
        for conn, answer in self._answers.copy().items():
            if not answer.is_taken():
                log.info("%s does not take an answer: hung up", conn.client[0])
                with suppress(OSError):  # the client is gone
                    conn.sock.shutdown(socket.SHUT_RDWR)  # which ends the thread's wait

    def handle(self, conn: TConn) -> Any:
        """Answer a request; this runs in a thread."""
        self._answers[conn] = Answer(conn.sock)
        try:
            return super().handle(conn)
        finally:
            del self._answers[conn]

    def _receive(self, conn: TConn, _sock: Any = None) -> None:
        """Take what has come of a request, and hand it over once all has."""
        arrival = self._arrivals[conn]
        try:
            if arrival.has_come() or self._take(conn, arrival):
                self._hand_over(conn)
        except BlockingIOError:
            pass
        except LimitRequestHeaders as error:
            self.handle_error(None, conn.sock, conn.client, error)
            self._drop(conn)
        except (OSError, EOFError):
            self._drop(conn)

    def _take(self, conn: TConn, arrival: Arrival) -> bool:
        data = conn.sock.recv(RECEIVED_BYTES)
        if not data or (len(arrival.received) > RECEIVED_BYTES and self._count_held() > MOST_HELD_BYTES):
            raise EOFError
        arrival.add(data)
        has_come = arrival.has_come()
        if arrival.wants_continue:
            arrival.wants_continue = False
            conn.sock.send(CONTINUE)
        return has_come

    def _count_held(self) -> int:
        return sum(len(arrival.received) for arrival in self._arrivals.values())

    def _hand_over(self, conn: TConn) -> None:
        self.poller.unregister(conn.sock)
        conn.parser.unreader.unread(bytes(self._arrivals.pop(conn).received))
        conn.parser.unreader.pace = None
        super().enqueue_req(conn)

    def _drop(self, conn: TConn) -> None:
        self.poller.unregister(conn.sock)
        del self._arrivals[conn]
        self.nr_conns -= 1
        conn.close()
