"""The process that tells of new frames: ``flask --app wsgi alerts``."""

import logging
import signal
import threading
import time

import click
from flask import Blueprint, current_app
from sqlalchemy.exc import SQLAlchemyError

from app.events.exceptions import LeaseLostError
from app.extensions import db, get_config
from app.processes import name_process
from app.saved_searches.leases import claim, release
from app.saved_searches.sending import send_due
from app.saved_searches.watching import look, prune

LOOK_EVERY_S = 15.0  # what comes in between is told together
PRUNE_EVERY_S = 3600.0

log = logging.getLogger(__name__)
blueprint = Blueprint("saved_searches_cli", __name__, cli_group=None)


@blueprint.cli.command("alerts")
@click.option("--once", is_flag=True, help="Look and send once, and leave.")
def alerts(once: bool) -> None:
    """Tell those who keep a search of new frames that it finds, for ever. One process does it; others wait."""
    config, stopping = get_config(), threading.Event()
    if not config.public_url:
        log.warning("PUBLIC_URL is not set: the links in alerts begin with http://%s:%d", config.host, config.port)
    base_url = config.public_url or f"http://{config.host}:{config.port}"
    with current_app.test_request_context(base_url=base_url):
        if once:
            run_once(stopping)
            return
        signal.signal(signal.SIGTERM, lambda *_: stopping.set())
        signal.signal(signal.SIGINT, lambda *_: stopping.set())
        _run(stopping)


def run_once(stopping: threading.Event) -> None:
    """Look for new frames and send what is due, unless another process does. Needs a request, for its links."""
    owner = name_process()
    try:
        if claim(owner):
            look(owner)
            send_due(owner, stopping.is_set)
    except LeaseLostError as error:
        log.warning("%s", error)


def _run(stopping: threading.Event) -> None:
    log.info("the alerts begin")
    pruned_s = time.monotonic()
    while not stopping.is_set():
        try:
            run_once(stopping)
            if time.monotonic() - pruned_s > PRUNE_EVERY_S:
                prune()
                pruned_s = time.monotonic()
        except SQLAlchemyError as error:
            log.error("the database did not answer: %s", error)
        finally:
            db.session.remove()
        stopping.wait(LOOK_EVERY_S)
    release(name_process())
