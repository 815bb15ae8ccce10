"""Fixtures: those who are told, a queue of RabbitMQ and a webhook, and the publisher that tells them."""

import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pika
import pytest
from flask import Flask

from app.processes import PROJECT_DIR, end_with_parent
from tests.fixtures.application import MakeApp
from tests.services import LOOPBACK, RabbitServer

PATIENCE_S = 60.0
SECRET = "of the webhook"
PUBLIC_URL = "https://archive.example/science"


@dataclass(frozen=True)
class Received:
    """One message as it came, with its id."""

    id: str
    data: dict[str, Any]
    headers: Any
    body: bytes


class Inbox:
    """A durable queue that a pipeline has bound to the exchange; it outlives a stop of the broker."""

    def __init__(self, url: str) -> None:
        self.url, self.exchange = url, f"archived-{uuid.uuid4().hex}"
        with self._open() as channel:
            channel.exchange_declare(self.exchange, "fanout", durable=True)
            channel.queue_declare(self.exchange, durable=True)
            channel.queue_bind(self.exchange, self.exchange)

    @contextmanager
    def _open(self) -> Iterator[Any]:
        with pika.BlockingConnection(pika.URLParameters(self.url)) as connection:
            yield connection.channel()

    def take(self) -> list[Received]:
        """Return what has come, in its order, and empty the queue."""
        taken = []
        with self._open() as channel:
            while (found := channel.basic_get(self.exchange, auto_ack=True))[0]:
                _, properties, body = found
                taken.append(Received(properties.message_id, json.loads(body), properties, body))
        return taken

    def wait_for(self, count: int) -> list[Received]:
        """Return what has come as soon as it is so many."""
        taken: list[Received] = []
        deadline_s = time.monotonic() + PATIENCE_S
        while len(taken) < count and time.monotonic() < deadline_s:
            taken += self.take()
            time.sleep(0.2)
        return taken


class Hook(ThreadingHTTPServer):
    """A webhook that keeps what it is sent. It answers 204, but for the next `answers`, and waits at its `gate`."""

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.received: list[Received] = []
        self.answers: list[int] = []
        self.connections = 0
        self.gate = threading.Event()
        self.gate.set()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server_port}/archived"

    def get_request(self) -> Any:
        self.connections += 1
        return super().get_request()

    def handle_error(self, *_args: object) -> None:
        """Keep quiet about senders that die."""

    def wait_for(self, count: int) -> None:
        """Return as soon as so many messages have come, answered or not."""
        deadline_s = time.monotonic() + PATIENCE_S
        while len(self.received) < count:
            assert time.monotonic() < deadline_s, f"{len(self.received)} messages came"
            time.sleep(0.02)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.received.append(Received(self.headers["webhook-id"], json.loads(body)["data"], self.headers, body))
        self.server.gate.wait(PATIENCE_S)
        status = self.server.answers.pop(0) if self.server.answers else 204
        answer = b"" if status == 204 else b"no such frame is wanted"
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        if status == 301:
            self.send_header("Location", self.server.url)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def inbox(rabbitmq: RabbitServer) -> Inbox:
    return Inbox(rabbitmq.url)


@pytest.fixture
def hook() -> Iterator[Hook]:
    server = Hook()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.gate.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def make_telling_app(make_app: MakeApp) -> Callable[..., Flask]:
    """A function that builds the application with the targets that it is given."""

    def make(inbox: Inbox | None = None, *hook_urls: str) -> Flask:
        settings = {"PUBLIC_URL": PUBLIC_URL, "WEBHOOK_URLS": ",".join(hook_urls), "WEBHOOK_SECRET": SECRET}
        if inbox:
            settings |= {"PROCESSED_EXCHANGE_ENABLED": "true", "PROCESSED_EXCHANGE_NAME": inbox.exchange}
            settings |= {"QUEUE_BROKER_URL": inbox.url}
        return make_app(**settings)

    return make


@pytest.fixture
def telling_hook(make_telling_app: Callable[..., Flask], hook: Hook) -> Flask:
    """The application with one webhook as its target."""
    return make_telling_app(None, hook.url)


@pytest.fixture
def telling_broker(make_telling_app: Callable[..., Flask], inbox: Inbox) -> Flask:
    """The application with RabbitMQ as its target."""
    return make_telling_app(inbox)


@contextmanager
def publishing(*options: str, **streams: Any) -> Iterator["subprocess.Popen[str]"]:
    """Run a publisher of the application made last, whose settings are in the environment, in its own process."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "publish", *options]
    environ = os.environ | {"FLASK_SKIP_DOTENV": "1"}
    with subprocess.Popen(
        command, cwd=PROJECT_DIR, env=environ, text=True, preexec_fn=end_with_parent, **streams
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def publish_once(app: Flask) -> int:
    """Send what is due, and return the exit status: 1 if something stays owed."""
    done = app.test_cli_runner().invoke(args=["publish", "--once"])
    assert isinstance(done.exception, SystemExit | None), done.exception
    return done.exit_code


def list_told(received: list[Received]) -> list[tuple[str, str]]:
    """Return which versions were told, as (basename, key), each at its first telling."""
    told = [(message.data["basename"], message.data["version_set"][0]["key"]) for message in received]
    return list(dict.fromkeys(told))


def count_ids(received: list[Received]) -> Counter[str]:
    return Counter(message.id for message in received)
