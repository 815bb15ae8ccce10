"""``flask --app wsgi worker``: an RQ worker inside the application's context."""

import logging
import os

import click
from flask.cli import with_appcontext
from rq import Queue, Worker
from rq.job import Job
from rq.worker import WorkerStatus

from app.extensions import db, get_queue, get_redis
from app.ingest.actions import INGEST_QUEUE, PREVIEW_QUEUE, ring_for_all


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
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    engine = db.engine
    os.register_at_fork(after_in_child=lambda: engine.dispose(close=False))  # a connection serves one process
    ring_for_all()
    queues = [get_queue(INGEST_QUEUE), get_queue(PREVIEW_QUEUE)]  # the first comes first
    ArchiveWorker(queues, connection=get_redis()).work(burst=burst, logging_level="WARNING")
