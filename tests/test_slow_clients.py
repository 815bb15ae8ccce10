"""When a request has come, and whether an answer is taken."""

import socket
from contextlib import suppress

import pytest
from gunicorn.http.errors import LimitRequestHeaders

from app.slow_clients import HELD_BODY_BYTES, LARGEST_HEAD_BYTES, Answer, Arrival

POST = b"POST / HTTP/1.1\r\nHost: archive\r\n"
CHUNKS = POST + b"Transfer-Encoding: chunked\r\n\r\n"
LARGE = POST + b"Content-Length: %d\r\n\r\n" % 2**40


@pytest.mark.parametrize(
    "whole",
    [
        b"GET / HTTP/1.1\r\nHost: archive\r\n\r\n",
        POST + b"content-length:3 \r\n\r\nabc",
        POST + b"Content-Length: 0\r\nExpect: 100-continue\r\n\r\n",
        CHUNKS + b"3\r\nabc\r\n10;of=sixteen\r\n0\r\n\r\n5678901234567"[:-2] + b"\r\n0\r\n\r\n",
        CHUNKS + b"0\r\nTrailer: last\r\n\r\n",
    ],
)
def test_a_request_has_come_with_its_last_byte_and_not_before(whole: bytes) -> None:
    for at_once in (1, 7, len(whole)):
        arrival = Arrival(b"")
        for begin in range(0, len(whole), at_once):
            assert not arrival.has_come()
            arrival.add(whole[begin : begin + at_once])
        assert arrival.has_come()
        assert arrival.received == whole


@pytest.mark.parametrize("refused", [b"-5\r\n", b"\r\n", b"0x5\r\n"[1:], b"nothing\r\n"])
def test_what_the_parser_will_refuse_has_come(refused: bytes) -> None:
    assert Arrival(CHUNKS + refused).has_come()


def test_of_a_large_body_the_beginning_is_enough() -> None:
    assert not Arrival(LARGE + bytes(HELD_BODY_BYTES - 1)).has_come()
    assert Arrival(LARGE + bytes(HELD_BODY_BYTES)).has_come()
    assert Arrival(CHUNKS + b"FFFFFFFF\r\n" + bytes(HELD_BODY_BYTES)).has_come()


def test_a_head_without_end_is_refused() -> None:
    arrival = Arrival(POST + b"X: " + b"a" * LARGEST_HEAD_BYTES)
    with pytest.raises(LimitRequestHeaders):
        arrival.has_come()


def test_who_waits_for_a_word_before_the_body_gets_it_once() -> None:
    arrival = Arrival(POST + b"Expect: 100-Continue\r\nContent-Length: 3\r\n\r\n")
    assert not arrival.has_come()
    assert arrival.wants_continue
    arrival.add(b"abc")
    assert arrival.has_come()
    assert arrival.received == POST + b"Content-Length: 3\r\n\r\nabc"


def test_an_answer_that_is_not_taken_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.slow_clients.GRACE_S", -0.001)
    monkeypatch.setattr("app.slow_clients.LEAST_BYTES_PER_S", 2**60)
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()):
        server, _ = listener.accept()
        with server:
            answer = Answer(server)
            assert answer.is_taken()  # nothing is sent yet
            server.setblocking(False)
            with suppress(BlockingIOError):
                while server.send(bytes(2**16)):
                    pass
            assert not answer.is_taken()
        assert answer.is_taken()  # it is closed
