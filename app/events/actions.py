"""Writes of the outbox."""

import datetime as dt
from collections.abc import Iterable

from app.events.models import BROKER, OwedEvent
from app.extensions import db, get_config


def owe(frame_id: int, version_ids: Iterable[int]) -> None:
    """Owe each target a message for each new version, in the transaction that writes it. The caller commits."""
    now, targets = dt.datetime.now(dt.UTC), list_targets()
    db.session.add_all(
        OwedEvent(target=target, frame_id=frame_id, version_id=version_id, created=now)
        for version_id in version_ids
        for target in targets
    )


def list_targets() -> list[str]:
    """Return the names of those that are told of each version: the broker, and each webhook by its address."""
    config = get_config()
    return ([BROKER] if config.processed_exchange_enabled else []) + list(config.webhook_urls)
