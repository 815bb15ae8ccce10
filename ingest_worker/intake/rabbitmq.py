"""Ingest jobs from RabbitMQ: a message is acknowledged once the row of its job is committed.

The database is asked from a second thread, so that the connection's heartbeats go on however slow it is.
"""

import json
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress

import pika
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from app.errors import BadRequest
from app.extensions import db
from app.fields import CONTROL_CHARACTERS
from app.ingest.actions import submit_described
from app.ingest.bell import ring
from app.ingest.models import Door
from ingest_worker.intake.broker import BROKER_ERRORS, Delivery, QueueError, connect, declare, publish_refused
from ingest_worker.intake.outages import Outage

log = logging.getLogger(__name__)

PREFETCH = 50
POLL_S = 0.5
LARGEST_MESSAGE_BYTES = 2**20  # as over HTTP
LONGEST_REASON = 1000  # the headers of a message must fit into one frame, which may be as small as 4 KiB


class StoppedError(Exception):
    """Told to stop while a message waits for the database: the broker keeps it."""


class Consumer:
    """Takes jobs from the queue until told to stop, through outages of the broker and of the database.

    Parameters
    ----------
    app
        The application whose jobs they become.
    url, queue
        The broker, and the queue's name there.
    """

    def __init__(self, app: Flask, url: str, queue: str) -> None:
        self._app, self._url, self._queue = app, url, queue
        self._broker, self._setup = Outage("RabbitMQ"), Outage(f"RabbitMQ's queue {queue}")
        self._database = Outage("The database")
        self._thread = ThreadPoolExecutor(1)
        self._is_stopping = False

    def stop(self, *_signal: object) -> None:
        """Finish the message in hand, and leave; what else was fetched goes back to the queue."""
        self._is_stopping = True

    def run(self) -> None:
        """Consume until told to stop."""
        with self._thread, suppress(StoppedError):
            while not self._is_stopping:
                try:
                    with connect(self._url) as connection:
                        self._consume(connection)
                except QueueError as error:
                    self._rest(self._setup.note(error), time.sleep)
                except BROKER_ERRORS as error:
                    self._rest(self._broker.note(repr(error)), time.sleep)

    def _consume(self, connection: pika.BlockingConnection) -> None:
        declare(connection, self._queue)
        arrived: deque[Delivery] = deque()
        channel = connection.channel()
        channel.basic_qos(prefetch_count=PREFETCH)
        channel.confirm_delivery()
        channel.basic_consume(self._queue, lambda *parts: arrived.append(Delivery(*parts)))
        while not self._is_stopping:
            connection.process_data_events(time_limit=POLL_S)
            while arrived and not self._is_stopping:
                self._handle(connection, arrived.popleft())
            if not channel.consumer_tags:
                raise QueueError("It was deleted; the archive makes it anew.")
            self._broker.end()
            self._setup.end()

    def _handle(self, connection: pika.BlockingConnection, delivery: Delivery) -> None:
        refusal = self._insist(connection, delivery.body)
        if refusal:
            reason = CONTROL_CHARACTERS.sub(" ", refusal.message)[:LONGEST_REASON]
            log.warning("a message was refused: %s: %s", refusal.code, reason)
            publish_refused(delivery, self._queue, refusal.code, reason)
        delivery.channel.basic_ack(delivery.method.delivery_tag)

    def _insist(self, connection: pika.BlockingConnection, body: bytes) -> BadRequest | None:
        """Submit a message's job, however long the database is away; return the error if it can't be one."""
        while True:
            submitted = self._thread.submit(submit, self._app, body)
            while not submitted.done():
                wait([submitted], timeout=POLL_S)
                connection.process_data_events()  # its heartbeats
            try:
                refusal = submitted.result()
            except SQLAlchemyError as error:
                self._rest(self._database.note(error), connection.sleep)
            else:
                self._database.end()
                return refusal
            if self._is_stopping:
                raise StoppedError

    def _rest(self, seconds: float, sleep: Callable[[float], None]) -> None:
        deadline_s = time.monotonic() + seconds
        while not self._is_stopping and time.monotonic() < deadline_s:
            sleep(POLL_S)


def submit(app: Flask, body: bytes) -> BadRequest | None:
    """Commit the job that a message asks for, and ring for it; return the error if it can't be one.

    Raises
    ------
    SQLAlchemyError
        If the database is away.
    """
    with app.app_context():
        try:
            job_id = submit_described(read(body), user_id=None, door=Door.RABBITMQ).id
            db.session.commit()
        except BadRequest as refusal:
            return refusal
        except SQLAlchemyError:
            raise
        except Exception as error:
            # Whatever it is, the messages behind it must get through; the log has the rest.
            log.exception("a message was refused: unforeseen error")
            return BadRequest(f"Unforeseen error, see the log of the intake: {error!r}", code="unforeseen")
        ring(job_id)
        return None


def read(body: bytes) -> object:
    """Return what the JSON of a message says.

    Raises
    ------
    BadRequest
        If it is none.
    """
    if len(body) > LARGEST_MESSAGE_BYTES:
        raise BadRequest(f"It has {len(body)} bytes; at most {LARGEST_MESSAGE_BYTES} are read.", code="too_large")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"It is no JSON: {error}.", code="bad_json") from error
