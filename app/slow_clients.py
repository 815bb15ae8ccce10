"""How fast a client must be: what has come of a request, and whether an answer is taken."""

import fcntl
import re
import socket
import struct
import termios
import time

from gunicorn.http.errors import LimitRequestHeaders

GRACE_S = 20.0
LEAST_BYTES_PER_S = 4096  # of a telescope behind a very slow line
LARGEST_HEAD_BYTES = 2**16
HELD_BODY_BYTES = 2**20  # as much as is read of those who may not ingest

LINE_END, HEAD_END = b"\r\n", b"\r\n\r\n"
CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*(?=\r\n)", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r\n]*chunked", re.IGNORECASE)
EXPECTATION = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*(?=\r\n)", re.IGNORECASE)
CHUNK_SIZE = re.compile(rb"[0-9a-f]{1,15}", re.IGNORECASE)
BYTES_ACKED = struct.Struct("=120xQ")  # of Linux's struct tcp_info
QUEUED_BYTES = struct.Struct("=i")


class Pace:
    """Whether bytes go over a connection as fast as they must: 4 KiB a second, after a while."""

    def __init__(self) -> None:
        self._begun, self._bytes = time.monotonic(), 0

    def note(self, count: int) -> None:
        """Remember that some bytes more have gone."""
        self._bytes += count

    def find_rest_s(self) -> float:
        """Return for how many seconds the next ones may still be waited for."""
        return self._begun + GRACE_S + self._bytes / LEAST_BYTES_PER_S - time.monotonic()


class Arrival:
    """A request on its way in.

    Attributes
    ----------
    received
        What has come of it so far.
    wants_continue
        Whether its client waits for a word before it sends the body.
    """

    def __init__(self, received: bytes) -> None:
        self.received = bytearray(received)
        self.pace = Pace()
        self.wants_continue = False
        self._searched = 0
        self._body = 0  # where it begins; 0: the head has not come
        self._length: int | None = None  # of the body; None: it comes in chunks
        self._chunk = 0  # where the next one begins

    def add(self, data: bytes) -> None:
        """Take what has come."""
        self.received += data
        self.pace.note(len(data))

    def has_come(self) -> bool:
        """Say whether a thread can work on it without waiting for the client, but for the rest of a large body.

        What is no proper request has come, too: gunicorn's parser refuses it at once.

        Raises
        ------
        LimitRequestHeaders
        """
        if not self._body and not self._find_head():
            return False
        held = len(self.received) - self._body
        return held >= HELD_BODY_BYTES or (self._have_chunks_come() if self._length is None else held >= self._length)

    def _find_head(self) -> bool:
        end = self.received.find(HEAD_END, max(0, self._searched - len(HEAD_END)))
        self._searched = len(self.received)
        if (end if end >= 0 else len(self.received)) > LARGEST_HEAD_BYTES:
            raise LimitRequestHeaders(f"more than {LARGEST_HEAD_BYTES} bytes")
        if end >= 0:
            self._read_head(end + len(HEAD_END))
        return end >= 0

    def _read_head(self, end: int) -> None:
        head = bytes(self.received[:end])
        if not CHUNKED.search(head):
            length = CONTENT_LENGTH.search(head)
            self._length = int(length[1]) if length else 0
        if self._length != 0 and EXPECTATION.search(head):
            self.wants_continue = True
            head = EXPECTATION.sub(b"", head)  # or gunicorn would say the word a second time
            self.received[:end] = head
        self._body = self._chunk = len(head)

    def _have_chunks_come(self) -> bool:
        """Say whether the last of the chunks has come, and what may follow it, or one that can't be."""
        while (line_end := self.received.find(LINE_END, self._chunk)) >= 0:
            size = CHUNK_SIZE.match(self.received, self._chunk)
            if size is None:
                return True
            if int(size[0], 16) == 0:
                return self.received.find(HEAD_END, line_end) >= 0
            self._chunk = line_end + int(size[0], 16) + 2 * len(LINE_END)
        return False


class Answer:
    """An answer on its way out, which its client must take: a thread waits for that."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._pace = Pace()
        self._acked: int | None = None  # bytes, since the connection began

    def is_taken(self) -> bool:
        """Say whether the client keeps pace, as it does as long as nothing waits to be sent."""
        try:
            queued = QUEUED_BYTES.unpack(fcntl.ioctl(self._sock, termios.TIOCOUTQ, bytes(QUEUED_BYTES.size)))[0]
            info = self._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, BYTES_ACKED.size)
        except (OSError, ValueError):  # closed by now, or not TCP
            return True
        (acked,) = BYTES_ACKED.unpack(info)
        if not queued or self._acked is None:
            self._pace, self._acked = Pace(), acked
            return True
        self._pace.note(acked - self._acked)
        self._acked = acked
        return self._pace.find_rest_s() > 0
