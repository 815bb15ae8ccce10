"""RabbitMQ as intake needs it: a connection, a queue, and a place for the messages that are refused."""

import logging
from collections.abc import Callable
from typing import NamedTuple

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError, ChannelClosedByBroker
from pika.exchange_type import ExchangeType
from pika.spec import PRECONDITION_FAILED

log = logging.getLogger(__name__)

TIMEOUT_S = 5
#: What a refused message keeps beside its body. Headers and the rest may tell the broker to send it astray.
KEPT_PROPERTIES = ("content_type", "content_encoding", "correlation_id", "message_id", "timestamp", "type", "app_id")
BROKER_ERRORS = (
    AMQPError,
    AMQPConnectorException,
    OSError,
)  # pika lets time-outs and name look-ups through as they are


class QueueError(Exception):
    """The broker answers, but the queue can't be used; the message names the mend."""


class Delivery(NamedTuple):
    """A message as pika hands it over."""

    channel: BlockingChannel
    method: pika.spec.Basic.Deliver
    properties: pika.BasicProperties
    body: bytes


def connect(url: str) -> pika.BlockingConnection:
    """Open a connection.

    Raises
    ------
    AMQPError, AMQPConnectorException, OSError
        If the broker is away.
    """
    parameters = pika.URLParameters(url)
    parameters.socket_timeout = parameters.stack_timeout = TIMEOUT_S
    parameters.blocked_connection_timeout = parameters.blocked_connection_timeout or TIMEOUT_S
    parameters.client_properties = {"connection_name": "archive intake"}
    return pika.BlockingConnection(parameters)


def name_dead(queue: str) -> str:
    """Return the name of the exchange, and of the queue, to which refused messages go."""
    return f"{queue}.dead"


def declare(connection: pika.BlockingConnection, queue: str) -> None:
    """Make the queue, and the exchange and queue for what is refused, where they are missing.

    A queue that exists with arguments of its own, such as a quorum queue, is used as it is.

    Raises
    ------
    QueueError
        If one of them can't be made, or exists and would not outlive the broker.
    """
    dead = name_dead(queue)
    to_dead = {"x-dead-letter-exchange": dead}
    _declare(connection, dead, lambda channel: channel.exchange_declare(dead, ExchangeType.fanout, durable=True))
    _declare(connection, dead, lambda channel: channel.queue_declare(dead, durable=True))
    _declare(connection, dead, lambda channel: channel.queue_bind(dead, dead))
    _declare(connection, queue, lambda channel: channel.queue_declare(queue, durable=True, arguments=to_dead))


def publish_refused(delivery: Delivery, queue: str, code: str, reason: str) -> None:
    """Put a message where refused ones wait for a person, the reason in its headers; return once the broker has it.

    The channel must be one with publisher confirms.

    Raises
    ------
    AMQPError
        If the broker did not take it.
    """
    properties = pika.BasicProperties(
        **{name: getattr(delivery.properties, name) for name in KEPT_PROPERTIES},
        delivery_mode=pika.DeliveryMode.Persistent,
        headers={"refusal_code": code, "refusal_message": reason},
    )
    delivery.channel.basic_publish(name_dead(queue), queue, delivery.body, properties, mandatory=True)


def _declare(connection: pika.BlockingConnection, name: str, declare_on: Callable[[BlockingChannel], object]) -> None:
    channel = connection.channel()  # one of its own, for the broker closes it if it refuses
    try:
        declare_on(channel)
        channel.close()
    except ChannelClosedByBroker as error:
        if error.reply_code != PRECONDITION_FAILED or "'x-" not in error.reply_text:  # the name of an argument
            raise QueueError(
                f"{name} can't be used ({error.reply_text}): delete it once it is empty, as by “rabbitmqctl "
                f"delete_queue {name}”, and the archive makes it anew; or set INTAKE_QUEUE_NAME to another name."
            ) from error
        log.warning("%s has arguments of its own, and is used as it is: %s", name, error.reply_text)
