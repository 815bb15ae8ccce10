"""``flask --app wsgi worker`` and ``reconcile``: the processes beside the web, inside the application's context."""

import itertools
import logging
import os
import signal
import time

import click
from flask.cli import with_appcontext
from sqlalchemy.exc import SQLAlchemyError

from app.carts.actions import prune_carts
from app.extensions import db, get_queue, get_redis
from app.frame_columns.actions import forget_changes
from app.ingest.actions import reconcile as reconcile_due
from app.ingest.actions import ring_for_missing
from app.ingest.bell import INGEST_QUEUE, PREVIEW_QUEUE

RECONCILE_EVERY_S = 1.0
RING_FOR_MISSING_EVERY = 60  # rounds
PRUNE_CARTS_EVERY = 3600

log = logging.getLogger(__name__)


@click.command("worker")
@click.option("--burst", is_flag=True, help="Stop when nothing waits.")
@click.option(
    "--queue",
    "queue_names",
    type=click.Choice([INGEST_QUEUE, PREVIEW_QUEUE]),
    multiple=True,
    default=[INGEST_QUEUE, PREVIEW_QUEUE],
    help="Serve this queue only.",
)
@with_appcontext
def worker(burst: bool, queue_names: tuple[str, ...]) -> None:
    """Ingest files, and make previews while no file waits."""
    from ingest_worker.archive_worker import ArchiveWorker  # with astropy, without which all other processes start

    engine = db.engine
    os.register_at_fork(after_in_child=lambda: engine.dispose(close=False))  # a connection serves one process
    queues = [get_queue(name) for name in queue_names]  # the first comes first
    archive_worker = ArchiveWorker(queues, connection=get_redis())  # before any use: it lets the connection wait long
    ring_for_missing()
    db.session.remove()  # else the connection would go along into each child
    archive_worker.work(burst=burst, logging_level="WARNING")


@click.command("reconcile")
@with_appcontext
def reconcile() -> None:
    """Look after the jobs that are due, for ever: those that wait, and those whose worker or whose bell is gone."""
    signal.signal(signal.SIGTERM, _end)
    log.info("the reconciler begins")
    for turn in itertools.count():
        try:
            reconcile_due()
            if turn % RING_FOR_MISSING_EVERY == 0:
                ring_for_missing()
                forget_changes()
            if turn % PRUNE_CARTS_EVERY == 0:
                prune_carts()
                db.session.commit()
        except SQLAlchemyError as error:
            log.error("the database did not answer: %s", error)
        finally:
            db.session.remove()
        time.sleep(RECONCILE_EVERY_S)


def _end(*_signal: object) -> None:
    """End at once: what is not committed has not been done. A container's first process has no default for SIGTERM."""
    raise SystemExit
