"""``flask --app wsgi intake rabbitmq`` and ``intake folder PATH…``: one process for each door."""

import signal
from pathlib import Path
from typing import NoReturn

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from app.extensions import get_config
from app.fields import CONTROL_CHARACTERS

intake = AppGroup("intake", help="Take files in by other doors than HTTP.")


@intake.command("rabbitmq")
def rabbitmq() -> None:
    """Take jobs from the queue INTAKE_QUEUE_NAME of the broker QUEUE_BROKER_URL."""
    from ingest_worker.intake.rabbitmq import Consumer  # each command brings its own libraries

    config = get_config()
    _check_broker_url(config.queue_broker_url)
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # Flask's own way to the object
    consumer = Consumer(app, config.queue_broker_url, config.intake_queue_name)
    signal.signal(signal.SIGTERM, consumer.stop)
    signal.signal(signal.SIGINT, consumer.stop)
    consumer.run()


@intake.command("folder")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--every",
    "every_s",
    default=1.0,
    show_default=True,
    type=click.FloatRange(min=0.01),
    help="Seconds between two looks.",
)
@click.option(
    "--quiet-s",
    default=5.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Seconds for which a file must not have changed.",
)
def folder(paths: tuple[Path, ...], every_s: float, quiet_s: float) -> None:
    """Take the files that are, or come to be, below folders, once they have been quiet."""
    from ingest_worker.intake.folder import FolderIntake  # as above

    for path in paths:
        if CONTROL_CHARACTERS.search(str(path)):
            raise click.BadParameter(f"{str(path)!r} has control characters, or is not UTF-8: rename the folder.")
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    FolderIntake(paths, quiet_s).run(every_s)


def _check_broker_url(url: str) -> None:
    import pika  # as above

    if not url:
        raise click.ClickException("The setting QUEUE_BROKER_URL is missing: it names the broker.")
    try:
        if not url.startswith(("amqp://", "amqps://")):  # pika would take http for it
            raise ValueError("it must begin with amqp:// or amqps://")
        pika.URLParameters(url)
    except ValueError as error:
        raise click.ClickException(f"The setting QUEUE_BROKER_URL names no broker: {error}") from error


def _end(*_signal: object) -> NoReturn:
    raise SystemExit(0)  # at any moment: what is not committed is taken again
