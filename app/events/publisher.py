"""Tells one target what it is owed, in order, while no other publisher does."""

import logging
import threading
import time
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from app.events import actions, queries
from app.events.exceptions import LeaseLostError, MessageRefusedError, TargetAwayError
from app.events.messages import Message, build_message
from app.events.models import label_target
from app.events.queries import Owed
from app.extensions import db

POLL_S = 1.0
BATCH = 200  # messages between two looks at the outbox
SETTLE_EVERY_S = 1.0  # what a publisher that is killed may have told and not noted

log = logging.getLogger(__name__)


class Receiver(Protocol):
    """How messages reach a target."""

    longest_wait_s: float
    """Seconds between two tries when it has been away for long."""

    def deliver(self, message: Message) -> None:
        """Return when the target has the message for sure.

        Raises
        ------
        TargetAwayError, MessageRefusedError
        """

    def rest(self) -> None:
        """Do what the connection needs while there is nothing to send."""

    def close(self) -> None: ...


class Publisher:
    """Tells one target. Needs a context of the application, in which links name the public address."""

    def __init__(self, name: str, receiver: Receiver, owner: str) -> None:
        self.name, self.owner = name, owner
        self._receiver = receiver
        self._is_away = False

    def run(self, stopping: threading.Event) -> None:
        """Send what is owed as soon as it is due, until told to stop."""
        while not stopping.is_set():
            try:
                has_told = self.tell(stopping)
            except SQLAlchemyError as error:
                log.error("the database did not answer: %s", error)
                has_told = False
            finally:
                db.session.remove()
            if not has_told:
                self._receiver.rest()
                stopping.wait(POLL_S)
        self._receiver.close()

    def run_once(self, stopping: threading.Event) -> None:
        """Send what is due now."""
        while not stopping.is_set() and self.tell(stopping):
            pass
        self._receiver.close()

    def tell(self, stopping: threading.Event) -> bool:
        """Send a batch of what is owed; False if the target is not due, or another publisher has it."""
        if not actions.claim(self.name, self.owner):
            return False
        try:
            self._send_batch(stopping)
        except LeaseLostError as error:
            log.warning("%s What was sent since is sent again.", error)
        return True

    def _send_batch(self, stopping: threading.Event) -> None:
        try:
            self._send_each(stopping)
        except TargetAwayError as error:
            self._is_away = True
            wait_s = actions.postpone(self.name, self.owner, str(error), self._receiver.longest_wait_s)
            log.warning("%s is away, the next try is in %.0f s: %s", label_target(self.name), wait_s, error)
        else:
            actions.release(self.name, self.owner)

    def _send_each(self, stopping: threading.Event) -> None:
        delivered: list[int] = []
        settled_s = time.monotonic()
        try:
            for event in queries.list_owed(self.name, BATCH):
                if self._send(event):
                    delivered.append(event.id)
                if stopping.is_set():
                    return
                if time.monotonic() - settled_s > SETTLE_EVERY_S:
                    self._settle(delivered)
                    settled_s = time.monotonic()
        finally:
            self._settle(delivered)

    def _send(self, event: Owed) -> bool:
        """Send one message; False if the target will not have it."""
        message = build_message(event)
        db.session.rollback()  # no transaction is open while somebody else is waited for
        if message is None:
            return True  # its frame is gone, and this row with it
        try:
            self._receiver.deliver(message)
        except MessageRefusedError as refusal:
            actions.set_aside(self.name, self.owner, event.id, str(refusal))
            log.warning("%s will not have message %s: %s", label_target(self.name), message.id, refusal)
            return False
        return True

    def _settle(self, delivered: list[int]) -> None:
        """Note what was delivered, and empty the list."""
        if not delivered:
            return
        actions.settle(self.name, self.owner, delivered)
        delivered.clear()
        if self._is_away:
            log.info("%s is back", label_target(self.name))
            self._is_away = False
