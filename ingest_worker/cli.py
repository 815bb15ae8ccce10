"""``flask --app wsgi worker``: an RQ worker inside the application's context."""

import logging

import click
from flask.cli import with_appcontext
from rq import SimpleWorker

from app.extensions import get_queue, get_redis
from app.ingest.actions import INGEST_QUEUE, PREVIEW_QUEUE, ring_for_all


@click.command("worker")
@click.option("--burst", is_flag=True, help="Stop when nothing waits.")
@with_appcontext
def worker(burst: bool) -> None:
    """Ingest files, and make previews while no file waits."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    ring_for_all()
    # In this process, without a fork for each job: astropy is imported once, and connections are kept.
    queues = [get_queue(INGEST_QUEUE), get_queue(PREVIEW_QUEUE)]  # the first comes first
    SimpleWorker(queues, connection=get_redis()).work(burst=burst, logging_level="WARNING")
