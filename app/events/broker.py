"""The message broker as a target: RabbitMQ, with publisher confirms."""

import json
from contextlib import suppress

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError
from pika.exchange_type import ExchangeType

from app.events.exceptions import TargetAwayError
from app.events.messages import Message
from app.times import format_json_value

TIMEOUT_S = 10
ERRORS = (AMQPError, AMQPConnectorException, OSError)  # pika lets time-outs and name look-ups through as they are


class Broker:
    """A fanout exchange, to which one connection is kept."""

    longest_wait_s = 60.0

    def __init__(self, url: str, exchange: str) -> None:
        """Name an exchange; nothing connects before the first message.

        Raises
        ------
        ValueError
            If the URL is none of a broker.
        """
        self._parameters = pika.URLParameters(url)
        self._parameters.heartbeat = self._parameters.heartbeat or TIMEOUT_S  # a dead peer is noticed in 30 s
        self._parameters.blocked_connection_timeout = self._parameters.blocked_connection_timeout or TIMEOUT_S
        self._exchange = exchange
        self._channel: BlockingChannel | None = None

    def deliver(self, message: Message) -> None:
        """Publish a message, and return when the broker has confirmed it.

        Raises
        ------
        TargetAwayError
        """
        properties = pika.BasicProperties(
            content_type="application/json",
            delivery_mode=pika.DeliveryMode.Persistent,
            message_id=message.id,
            timestamp=int(message.created.timestamp()),
        )
        body = json.dumps(message.data, default=format_json_value).encode()
        try:
            self._open().basic_publish(self._exchange, "", body, properties)
        except ERRORS as error:
            self.close()
            raise TargetAwayError(repr(error)) from error  # what str() gives may be empty

    def rest(self) -> None:
        """Answer the broker's heartbeats; without them it would close an idle connection."""
        if self._channel is not None:
            try:
                self._channel.connection.process_data_events()
            except ERRORS:
                self.close()  # the next message opens another

    def close(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            with suppress(*ERRORS):
                channel.connection.close()

    def _open(self) -> BlockingChannel:
        if self._channel is None:
            channel = pika.BlockingConnection(self._parameters).channel()
            self._channel = channel
            channel.exchange_declare(self._exchange, ExchangeType.fanout, durable=True)
            channel.confirm_delivery()
        return self._channel
