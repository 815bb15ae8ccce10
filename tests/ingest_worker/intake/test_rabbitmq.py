"""Ingest jobs from RabbitMQ: nothing is acknowledged too soon, and nothing is lost that can't be understood."""

import json
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pika
import pytest
from flask import Flask
from pika.adapters.blocking_connection import BlockingChannel
from sqlalchemy import func, select, text

from app.extensions import db
from app.frames.models import Version
from app.ingest.models import Door, IngestJob
from ingest_worker.intake import broker
from ingest_worker.intake.cli import rabbitmq as rabbitmq_command
from ingest_worker.intake.rabbitmq import Consumer
from tests.fits_factory import write_fits
from tests.fixtures.application import MakeApp
from tests.fixtures.ingest import Work
from tests.services import RabbitServer

BASENAME = "coj1m011-kb05-20240219-0125-e91"
HEARTBEAT_S = 3
ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
#: A consumer that dies when it rings: its job is committed, and its message is not acknowledged.
DEADLY_CONSUMER = """
import os, signal
from ingest_worker.intake import rabbitmq
rabbitmq.ring = lambda job_id: os.kill(os.getpid(), signal.SIGKILL)
from wsgi import app
rabbitmq.Consumer(app, os.environ["QUEUE_BROKER_URL"], os.environ["INTAKE_QUEUE_NAME"]).run()
"""

WaitUntil = Callable[[Callable[[], object]], None]


def encode(body: Any) -> bytes:
    """Leave bytes as they are; make JSON of anything else."""
    return body if isinstance(body, bytes) else json.dumps(body).encode()


class Queue:
    """The observatory's queue, as its control system and its operator see it."""

    def __init__(self, url: str, name: str) -> None:
        self.url, self.name, self.dead = url, name, f"{name}.dead"

    @contextmanager
    def connect(self) -> Iterator[BlockingChannel]:
        with pika.BlockingConnection(pika.URLParameters(self.url)) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            yield channel

    def declare(self) -> None:
        with pika.BlockingConnection(pika.URLParameters(self.url)) as connection:
            broker.declare(connection, self.name)

    def delete(self) -> None:
        with self.connect() as channel:
            for name in (self.name, self.dead):
                channel.queue_delete(name)
            channel.exchange_delete(self.dead)

    def publish(self, *bodies: Any) -> None:
        properties = pika.BasicProperties(
            delivery_mode=pika.DeliveryMode.Persistent, message_id="n1", expiration="600000"
        )
        with self.connect() as channel:
            for body in bodies:
                channel.basic_publish("", self.name, encode(body), properties, mandatory=True)

    def count(self) -> int:
        """Return how many messages wait that no consumer holds."""
        with self.connect() as channel:
            return int(channel.queue_declare(self.name, passive=True).method.message_count)

    def read_dead(self) -> list[tuple[pika.BasicProperties, bytes]]:
        """Take what was refused."""
        read = []
        with self.connect() as channel:
            while (message := channel.basic_get(self.dead, auto_ack=True))[0]:
                read.append(message[1:])
        return read


@pytest.fixture
def queue(rabbitmq: RabbitServer, request: pytest.FixtureRequest) -> Iterator[Queue]:
    """A queue for each test, with the place for what it refuses."""
    queue = Queue(rabbitmq.url, request.node.name)
    queue.declare()
    yield queue
    queue.delete()


@pytest.fixture
def app(make_app: MakeApp, night: Path, queue: Queue) -> Flask:
    """The application, with the test's queue."""
    return make_app(INGEST_ROOTS=str(night), QUEUE_BROKER_URL=queue.url, INTAKE_QUEUE_NAME=queue.name)


@pytest.fixture
def file(night: Path) -> Path:
    return write_fits(night / f"{BASENAME}.fits")


@contextmanager
def consuming(app: Flask, queue: Queue, options: str = "") -> Iterator[None]:
    """Consume in a thread; at the end, as on SIGTERM, finish the message in hand."""
    consumer = Consumer(app, queue.url + options, queue.name)
    thread = threading.Thread(target=consumer.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        consumer.stop()
        thread.join(60)
        assert not thread.is_alive()


def list_jobs(app: Flask) -> list[IngestJob]:
    with app.app_context():
        return list(db.session.scalars(select(IngestJob).order_by(IngestJob.id)))


def count_lines(caplog: pytest.LogCaptureFixture, part: str) -> int:
    return sum(part in record.getMessage() for record in caplog.records)


def rename_table(app: Flask, old: str, new: str) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))


def test_a_message_becomes_a_job_and_is_acknowledged(
    app: Flask, queue: Queue, file: Path, work: Work, wait_until: WaitUntil
) -> None:
    queue.publish({"filepath": str(file), "file_metadata": {"PROPID": "CALIB"}})
    with consuming(app, queue):
        wait_until(lambda: list_jobs(app))
    assert queue.count() == 0
    work()
    (job,) = list_jobs(app)
    assert (job.door, job.filepath, job.file_metadata) == (Door.RABBITMQ, str(file), {"PROPID": "CALIB"})
    assert (job.state, job.submitted_by) == ("archived", None)


@ONE_DATABASE
def test_what_cannot_be_understood_waits_for_a_person_with_the_reason(
    app: Flask, queue: Queue, file: Path, wait_until: WaitUntil
) -> None:
    path = str(file)
    refused: list[tuple[Any, str]] = [
        (b"", "bad_json"),
        (b"\xff\xfe{", "bad_json"),
        (b'{"filepath": ' + b"[" * 100_000, "bad_json"),
        (b'"' + b"x" * 2**20 + b'"', "too_large"),
        (path, "bad_parameter"),
        ({}, "bad_parameter"),
        ({"filepath": 7}, "bad_parameter"),
        ({"filepath": "night/a.fits"}, "bad_parameter"),
        ({"filepath": "/" + "a" * 5000}, "bad_parameter"),
        ({"filepath": f"{path}\n"}, "bad_parameter"),
        ({"filepath": path, "file_metadata": {"EXPTIME": float("nan")}}, "bad_parameter"),
        ({"filepath": path, "\ud800" * 9999: 1}, "bad_parameter"),
        ({"filepath": "/etc/passwd"}, "path.outside_roots"),
        ({"filepath": f"{file.parent}/../secret.fits"}, "path.outside_roots"),
    ]
    queue.publish(*(body for body, _code in refused), {"filepath": path})
    with consuming(app, queue):
        wait_until(lambda: list_jobs(app))
    assert len(list_jobs(app)) == 1
    dead = queue.read_dead()
    assert [properties.headers["refusal_code"] for properties, _body in dead] == [code for _body, code in refused]
    for properties, _body in dead:
        assert properties.headers["refusal_message"]
        assert (properties.message_id, properties.delivery_mode, properties.expiration) == ("n1", 2, None)
    assert [body for _properties, body in dead] == [encode(body) for body, _code in refused]
    assert "INGEST_ROOTS" in dead[-2][0].headers["refusal_message"]


@ONE_DATABASE
def test_an_error_that_nobody_foresaw_stops_no_other_message(
    app: Flask, queue: Queue, file: Path, wait_until: WaitUntil, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise RuntimeError("a bug")

    queue.publish({"filepath": str(file)})
    with monkeypatch.context() as patch:
        patch.setattr("app.ingest.actions.is_below_ingest_roots", fail)
        with consuming(app, queue):
            wait_until(lambda: (dead := queue.read_dead()) and dead[0][0].headers["refusal_code"] == "unforeseen")
    assert (list_jobs(app), queue.count()) == ([], 0)


@ONE_DATABASE
def test_a_consumer_that_is_killed_before_it_acknowledges_costs_nothing(
    app: Flask, queue: Queue, file: Path, work: Work, start_intake: Callable[..., Any], wait_until: WaitUntil
) -> None:
    queue.publish({"filepath": str(file)})
    killed = start_intake(program=("-c", DEADLY_CONSUMER))
    assert killed.wait(60) == -signal.SIGKILL
    assert len(list_jobs(app)) == 1
    wait_until(lambda: queue.count() == 1)
    process = start_intake("rabbitmq")
    wait_until(lambda: len(list_jobs(app)) == 2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert queue.count() == 0
    work()
    work()
    assert sorted(job.state for job in list_jobs(app)) == ["already_archived", "archived"]
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Version)) == 1


def test_a_message_waits_while_the_database_is_away(
    app: Flask, queue: Queue, file: Path, wait_until: WaitUntil, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    rename_table(app, "ingest_job", "away")
    queue.publish({"filepath": str(file)})
    with consuming(app, queue):
        wait_until(lambda: count_lines(caplog, "The database is away"))
    assert queue.count() == 1
    with consuming(app, queue):
        wait_until(lambda: count_lines(caplog, "The database is away") == 2)
        rename_table(app, "away", "ingest_job")
        wait_until(lambda: list_jobs(app))
        wait_until(lambda: count_lines(caplog, "The database is back"))
    assert (len(list_jobs(app)), queue.count()) == (1, 0)


@ONE_DATABASE
def test_the_connection_outlives_a_slow_database(
    app: Flask, queue: Queue, file: Path, wait_until: WaitUntil, caplog: pytest.LogCaptureFixture
) -> None:
    with app.app_context(), db.engine.connect() as connection, consuming(app, queue, f"?heartbeat={HEARTBEAT_S}"):
        connection.execute(text("BEGIN IMMEDIATE"))
        queue.publish({"filepath": str(file)})
        threading.Event().wait(3 * HEARTBEAT_S + 1)  # the broker drops who is silent for two heartbeats
        connection.rollback()
        wait_until(lambda: list_jobs(app))
    assert (len(list_jobs(app)), queue.count(), caplog.records) == (1, 0, [])


@ONE_DATABASE
def test_the_broker_may_restart(
    app: Flask,
    queue: Queue,
    rabbitmq: RabbitServer,
    night: Path,
    wait_until: WaitUntil,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if rabbitmq.process is None:
        pytest.skip("The broker is not ours to stop.")
    caplog.set_level(logging.INFO)
    with consuming(app, queue):
        queue.publish({"filepath": f"{night}/before.fits"})
        wait_until(lambda: list_jobs(app))
        rabbitmq.process.stop()
        wait_until(lambda: count_lines(caplog, "RabbitMQ is away"))
        rabbitmq.process.start()
        queue.publish({"filepath": f"{night}/after.fits"})
        wait_until(lambda: count_lines(caplog, "RabbitMQ is back"))
        wait_until(lambda: {job.filename for job in list_jobs(app)} == {"before.fits", "after.fits"})
    assert count_lines(caplog, "RabbitMQ is away") == 1
    assert queue.count() == 0


@ONE_DATABASE
def test_a_queue_that_is_deleted_is_made_anew(app: Flask, queue: Queue, file: Path, wait_until: WaitUntil) -> None:
    def publish() -> bool:
        try:
            queue.publish({"filepath": str(file)})
        except (pika.exceptions.UnroutableError, pika.exceptions.ChannelClosedByBroker):
            return False
        return True

    with consuming(app, queue):
        queue.publish({"filepath": str(file)})
        wait_until(lambda: list_jobs(app))
        with queue.connect() as channel:
            channel.queue_delete(queue.name)
        wait_until(publish)
        wait_until(lambda: len(list_jobs(app)) == 2)


@ONE_DATABASE
def test_a_queue_with_arguments_of_its_own_is_used(
    app: Flask, queue: Queue, file: Path, wait_until: WaitUntil, caplog: pytest.LogCaptureFixture
) -> None:
    with queue.connect() as channel:
        channel.queue_delete(queue.name)
        channel.queue_declare(queue.name, durable=True, arguments={"x-queue-type": "quorum"})
    with consuming(app, queue):
        queue.publish({"filepath": str(file)})
        wait_until(lambda: list_jobs(app))
    assert count_lines(caplog, "arguments of its own") == 1


@ONE_DATABASE
def test_a_queue_that_would_not_outlive_the_broker_is_refused_until_it_is_mended(
    app: Flask, queue: Queue, file: Path, wait_until: WaitUntil, caplog: pytest.LogCaptureFixture
) -> None:
    with queue.connect() as channel:
        channel.queue_delete(queue.name)
        channel.queue_declare(queue.name, durable=False)
    with consuming(app, queue):
        wait_until(lambda: count_lines(caplog, f"rabbitmqctl delete_queue {queue.name}"))
        with queue.connect() as channel:
            channel.queue_delete(queue.name)
            channel.queue_declare(queue.name, durable=True, arguments={"x-dead-letter-exchange": queue.dead})
        queue.publish({"filepath": str(file)})
        wait_until(lambda: list_jobs(app))
    assert count_lines(caplog, "is away") == 1


@ONE_DATABASE
@pytest.mark.parametrize(
    ("url", "told"),
    [("", "is missing"), ("http://broker/", "names no broker"), ("amqp://broker:port/", "names no broker")],
)
def test_without_a_broker_it_says_what_is_missing(make_app: MakeApp, url: str, told: str) -> None:
    done = make_app(QUEUE_BROKER_URL=url).test_cli_runner().invoke(rabbitmq_command)
    assert (done.exit_code, f"The setting QUEUE_BROKER_URL {told}" in done.output) == (1, True)
