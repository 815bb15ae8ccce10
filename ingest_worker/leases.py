"""Keeping a job while its file is worked on: a thread renews the lease, so that only a dead worker loses it."""

import contextvars
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from app.extensions import db, get_config
from app.ingest.actions import renew_lease

log = logging.getLogger(__name__)

RENEWALS_PER_LEASE = 3


@contextmanager
def kept_lease(job_id: int, owner: str) -> Iterator[None]:
    """Renew the lease of a job until the block is left."""
    has_left = threading.Event()
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # Flask's own way to the object
    every_s = get_config().ingest_lease_s / RENEWALS_PER_LEASE
    in_context = contextvars.copy_context().run  # its lines in the log name the job too
    keeper = threading.Thread(target=in_context, args=(_keep, app, job_id, owner, every_s, has_left), daemon=True)
    keeper.start()
    try:
        yield
    finally:
        has_left.set()
        keeper.join()


def _keep(app: Flask, job_id: int, owner: str, every_s: float, has_left: threading.Event) -> None:
    while not has_left.wait(every_s):
        with app.app_context():
            try:
                if not renew_lease(job_id, owner):
                    return  # whoever has it now keeps it; this worker's own marks are refused
            except SQLAlchemyError as error:
                log.warning("the lease of ingest job %d could not be renewed: %s", job_id, error)
            finally:
                db.session.remove()
