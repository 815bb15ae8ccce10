"""The publisher, ``flask --app wsgi publish``, and what a person decides of the outbox."""

import logging
import signal
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

import click
from flask import Blueprint, Flask, current_app

from app.events import actions, queries
from app.events.broker import Broker
from app.events.models import BROKER
from app.events.publisher import Publisher, Receiver
from app.events.webhooks import Webhook
from app.extensions import db, get_config
from app.processes import name_process

Run = Callable[[Publisher, threading.Event], None]

log = logging.getLogger(__name__)
blueprint = Blueprint("events_cli", __name__, cli_group=None)


@blueprint.cli.command("publish")
@click.option("--once", is_flag=True, help="Send what is due, and leave; the exit status is 1 if anything stays owed.")
def publish(once: bool) -> None:
    """Tell the message broker and the webhooks of each version that is archived, for ever."""
    publishers = _build_publishers()
    actions.register_targets()
    _warn()
    if once:
        _run_all(publishers, Publisher.run_once)
        raise SystemExit(1 if _count_owed(publishers) else 0)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # like Ctrl-C
    _run_all(publishers, Publisher.run)


@blueprint.cli.group("outbox")
def outbox() -> None:
    """Messages that their targets have not got."""


@outbox.command("retry")
@click.argument("target")
def retry(target: str) -> None:
    """Try TARGET (broker, or a webhook's address) at once, also with the messages that it refused."""
    count = _decide(actions.retry, target)
    click.echo(f"{target} is tried at once; {count} messages that it refused are sent again.")


@outbox.command("forget")
@click.argument("target")
def forget(target: str) -> None:
    """Delete the messages that TARGET refused; all of them if it is no longer in the settings."""
    click.echo(f"{_decide(actions.forget, target)} messages to {target} are deleted.")


def _decide(action: Callable[[str], int], target: str) -> int:
    count = action(target)
    db.session.commit()
    return count


def _build_publishers() -> list[Publisher]:
    """Return a publisher for each target of the settings, all of one owner.

    Raises
    ------
    click.ClickException
        If there is none, or the broker's URL is none.
    """
    publishers = [Publisher(name, _build_receiver(name), name_process()) for name in actions.list_targets()]
    if not publishers:
        raise click.ClickException("There is nobody to tell: set PROCESSED_EXCHANGE_ENABLED or WEBHOOK_URLS.")
    return publishers


def _build_receiver(target: str) -> Receiver:
    config = get_config()
    if target != BROKER:
        return Webhook(target, config.webhook_secret)
    try:
        return Broker(config.queue_broker_url, config.processed_exchange_name)
    except ValueError as error:
        raise click.ClickException(f"The setting QUEUE_BROKER_URL names no broker: {error}") from error


def _warn() -> None:
    """Say what a person should know before it surprises them."""
    told = actions.list_targets()
    if not get_config().public_url:
        log.warning("PUBLIC_URL is not set: the links in messages begin with %s", _public_url())
    for name, counted in queries.count_owed().items():
        if name not in told:
            log.warning(
                "%d messages are owed to %s, which is no longer in the settings: name it again, or delete them by "
                "“flask --app wsgi outbox forget %s”",
                counted.owed + counted.refused,
                name,
                name,
            )


def _run_all(publishers: list[Publisher], run: Run) -> None:
    """Run each publisher in a thread of its own, so that none waits for another's target. One that fails ends all."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # Flask's own way to the object
    public_url, stopping = _public_url(), threading.Event()
    with ThreadPoolExecutor(len(publishers)) as pool:
        runs = [pool.submit(_run_in_context, app, public_url, run, publisher, stopping) for publisher in publishers]
        try:
            wait(runs, return_when=FIRST_EXCEPTION)
        except KeyboardInterrupt:
            stopping.set()  # before it is said
            log.info("stopping after the messages in hand")
        finally:
            stopping.set()
    for done in runs:
        done.result()


def _run_in_context(app: Flask, public_url: str, run: Run, publisher: Publisher, stopping: threading.Event) -> None:
    with app.test_request_context(base_url=public_url):  # links begin with this
        run(publisher, stopping)


def _public_url() -> str:
    config = get_config()
    return config.public_url or f"http://{config.host}:{config.port}"


def _count_owed(publishers: list[Publisher]) -> int:
    counted = queries.count_owed()
    return sum(counted[publisher.name].owed for publisher in publishers if publisher.name in counted)
