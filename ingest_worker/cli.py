"""``flask --app wsgi worker`` and ``reconcile``: the processes beside the web, inside the application's context."""

import itertools
import logging
import os
import time

import click
from flask.cli import with_appcontext
from rq import Queue, Worker
from rq.job import Job
from rq.worker import WorkerStatus
from sqlalchemy.exc import SQLAlchemyError

from app.extensions import db, get_queue, get_redis
from app.ingest.actions import reconcile as reconcile_due
from app.ingest.actions import ring_for_missing
from app.ingest.bell import INGEST_QUEUE, PREVIEW_QUEUE

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
RECONCILE_EVERY_S = 1.0
RING_FOR_MISSING_EVERY = 60  # rounds

log = logging.getLogger(__name__)


class ArchiveWorker(Worker):
    """A worker that ingests in its own process and makes previews in a child.

    Without a fork for each file astropy is imported once, and connections are kept. A picture's decoder, though, may
    crash on a damaged file, and must not take the worker with it.
    """

    def execute_job(self, job: Job, queue: Queue) -> None:
        if queue.name == PREVIEW_QUEUE:
            super().execute_job(job, queue)
        else:
            self.perform_job(job, queue, self.prepare_execution(job))
            self.set_state(WorkerStatus.IDLE)


@click.command("worker")
@click.option("--burst", is_flag=True, help="Stop when nothing waits.")
@with_appcontext
def worker(burst: bool) -> None:
    """Ingest files, and make previews while no file waits."""
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    engine = db.engine
    os.register_at_fork(after_in_child=lambda: engine.dispose(close=False))  # a connection serves one process
    ring_for_missing()
    queues = [get_queue(INGEST_QUEUE), get_queue(PREVIEW_QUEUE)]  # the first comes first
    ArchiveWorker(queues, connection=get_redis()).work(burst=burst, logging_level="WARNING")


@click.command("reconcile")
@with_appcontext
def reconcile() -> None:
    """Look after the jobs that are due, for ever: those that wait, and those whose worker or whose bell is gone."""
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    for turn in itertools.count():
        try:
            reconcile_due()
            if turn % RING_FOR_MISSING_EVERY == 0:
                ring_for_missing()
        except SQLAlchemyError as error:
            log.error("the database did not answer: %s", error)
        finally:
            db.session.remove()
        time.sleep(RECONCILE_EVERY_S)
