"""The faults: each is a function that brings one about, waits at `yield` while it lasts, and ends its cause.

Whatever dies by itself in an archive is started again by its supervisor, and needs no hand here.
"""

import os
import signal
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from random import Random

import redis

from tests.faults.archive import WEB, WORKERS
from tests.faults.evidence import find_busy_worker
from tests.faults.proxy import Exchange
from tests.faults.site import Site

LONGEST_WORK_S = 0.15  # on one file, or little more
SHARE_OF_REQUESTS = 0.7  # that a failing S3 fails


@dataclass(frozen=True)
class Fault:
    """One kind of fault."""

    bring_about: Callable[[Site, Random], AbstractContextManager[None]]
    weight: int  # how often it comes, beside the others
    exclusive: bool  # whether it begins when the exclusive one before it is over
    needs: str  # the part of the site without which it can't be

    @property
    def name(self) -> str:
        return self.bring_about.__doc__.rstrip(".")


FAULTS: list[Fault] = []
BringAbout = Callable[[Site, Random], Iterator[None]]


def fault(weight: int, *, exclusive: bool = False, needs: str = "") -> Callable[[BringAbout], BringAbout]:
    """Put a function among the faults; the first line of its docstring is the fault's name."""

    def register(function: BringAbout) -> BringAbout:
        FAULTS.append(Fault(contextmanager(function), weight, exclusive, needs))
        return function

    return register


def choose_faults(site: Site, count: int, only: Collection[str], random: Random) -> list[Fault]:
    """Return the faults of a run: each kind that the site can have once, if there is room; the rest by weight.

    `only` limits them to those whose names contain one of these texts; if it is empty, to nothing.
    """
    possible = [fault for fault in FAULTS if not fault.needs or getattr(site, fault.needs) is not None]
    if only:
        possible = [fault for fault in possible if any(part.lower() in fault.name.lower() for part in only)]
    chosen = random.sample(possible, min(count, len(possible)))
    chosen += random.choices(possible, [fault.weight for fault in possible], k=count - len(chosen))
    random.shuffle(chosen)
    return chosen


@fault(14)
def busy_worker_killed(site: Site, random: Random) -> Iterator[None]:
    """Worker killed with a file in hand."""
    workers = {site.archive.programs[name].process.pid: site.archive.programs[name] for name in WORKERS}
    if busy := workers.get(find_busy_worker(site)):
        time.sleep(random.uniform(0, LONGEST_WORK_S))
        busy.kill()
    yield


@fault(12)
def worker_killed(site: Site, random: Random) -> Iterator[None]:
    """Worker killed."""
    oldest = min((site.archive.programs[name] for name in WORKERS), key=lambda one: one.started_s)
    oldest.kill()
    yield


@fault(4)
def workers_killed(site: Site, random: Random) -> Iterator[None]:
    """Both workers killed."""
    for name in WORKERS:
        site.archive.programs[name].kill()
    yield


@fault(3)
def worker_told_to_stop(site: Site, random: Random) -> Iterator[None]:
    """Worker told to stop (SIGTERM)."""
    site.archive.programs[random.choice(WORKERS)].kill(signal.SIGTERM)
    yield


@fault(6)
def web_process_killed(site: Site, random: Random) -> Iterator[None]:
    """Web process killed."""
    if children := site.archive.programs[WEB].list_children():
        with suppress(ProcessLookupError):
            os.kill(random.choice(children), signal.SIGKILL)
    yield


@fault(3)
def web_server_killed(site: Site, random: Random) -> Iterator[None]:
    """Whole web server killed."""
    site.archive.programs[WEB].kill()
    yield


@fault(2)
def reconciler_killed(site: Site, random: Random) -> Iterator[None]:
    """Reconciler killed."""
    site.archive.programs["reconciler"].kill()
    yield


@fault(3)
def publisher_killed(site: Site, random: Random) -> Iterator[None]:
    """Publisher killed."""
    site.archive.programs["publisher"].kill()
    yield


@fault(3)
def message_intake_killed(site: Site, random: Random) -> Iterator[None]:
    """Intake from RabbitMQ killed."""
    site.archive.programs["intake from RabbitMQ"].kill()
    yield


@fault(3)
def folder_intake_killed(site: Site, random: Random) -> Iterator[None]:
    """Intake from the watched folder killed."""
    site.archive.programs["intake from folders"].kill()
    yield


@fault(5)
def redis_emptied(site: Site, random: Random) -> Iterator[None]:
    """Redis emptied."""
    away = redis.ConnectionError  # at this moment, which empties it too
    with redis.Redis.from_url(site.redis.url) as connection, suppress(away):
        connection.flushall()
    yield


@fault(6, exclusive=True)
def redis_killed(site: Site, random: Random) -> Iterator[None]:
    """Redis killed; it comes back empty."""
    site.redis.process.stop(signal.SIGKILL)
    yield
    site.redis.process.start()


@fault(3, exclusive=True, needs="postgres")
def database_stopped(site: Site, random: Random) -> Iterator[None]:
    """PostgreSQL stopped for a while."""
    site.postgres.process.stop(signal.SIGINT)
    yield
    site.postgres.process.start()


@fault(5, exclusive=True, needs="postgres")
def database_restarted(site: Site, random: Random) -> Iterator[None]:
    """PostgreSQL restarted."""
    site.postgres.process.stop(signal.SIGINT)
    site.postgres.process.start()
    yield


@fault(4, exclusive=True, needs="postgres")
def database_crashed(site: Site, random: Random) -> Iterator[None]:
    """PostgreSQL ended without a shutdown, and started again."""
    site.postgres.process.stop(signal.SIGQUIT)
    site.postgres.process.start()
    yield


@fault(2, exclusive=True)
def broker_killed(site: Site, random: Random) -> Iterator[None]:
    """RabbitMQ killed."""
    site.rabbit.process.stop(signal.SIGKILL)
    yield
    site.rabbit.process.start()


@fault(5, exclusive=True, needs="disk")
def disk_full(site: Site, random: Random) -> Iterator[None]:
    """Local disk full for a while."""
    with site.disk.filled():
        yield


def _let_s3_fail(weight: int, name: str, misbehaviour: Callable[[Exchange], None]) -> None:
    def s3_fails(site: Site, random: Random) -> Iterator[None]:
        with site.s3.misbehave(misbehaviour, SHARE_OF_REQUESTS):
            yield

    s3_fails.__doc__ = name
    fault(weight, exclusive=True, needs="s3")(s3_fails)


_let_s3_fail(4, "S3 answers 500.", Exchange.answer_500)
_let_s3_fail(4, "S3 answers 503.", Exchange.answer_503)
_let_s3_fail(3, "S3 is slow.", Exchange.answer_slowly)
_let_s3_fail(4, "S3 cuts uploads off mid-body.", Exchange.cut_request)
_let_s3_fail(4, "S3 cuts its answers off mid-body.", Exchange.cut_answer)
_let_s3_fail(4, "S3 stores, and is gone before it answers.", Exchange.drop_answer)
_let_s3_fail(3, "S3 keeps half of a file, and says that all is well.", Exchange.keep_half)
