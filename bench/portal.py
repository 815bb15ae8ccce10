"""``make bench-portal``: what becomes of other users' requests while the Observation Portal does not answer."""

import datetime as dt
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from statistics import quantiles

import click
import requests

from app.processes import PROJECT_DIR
from bench.machine import describe_machine, describe_versions
from bench.report import build_table, replace_section
from bench.workers import BenchError
from bench.zip import fill, local_store, set_environment
from tests.portal.portal_server import PortalServer, build_profile, portal_server
from tests.services import NO_LIMITS, temporary_folder
from tests.web_server import running_web_server

DOCUMENT = PROJECT_DIR / "docs" / "performance.md"
FRAMES, FRAME_BYTES = 100, 1000
CLIENTS = {"anonymous": 4, "new portal token": 4}
PAUSE_S = 0.2  # between two requests of a client
PORTAL_USERS = 200
LONGEST_503_S = 5.0
COLUMNS = ("portal", "asked as", "requests", "median", "p95", "longest", "statuses")
WELL, AWAY = "well", "hangs"
PARTS = ((WELL, 1 / 4), (AWAY, 1 / 2), (WELL, 1 / 4))  # before and after: a machine that gets slower must not count


@dataclass
class Answers:
    """How long some requests took, and how they ended."""

    durations_s: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def p95_s(self) -> float:
        return quantiles(self.durations_s, n=20)[-1]

    def describe(self) -> list[str]:
        half_s, longest_s = quantiles(self.durations_s, n=2)[0], max(self.durations_s)
        times = (f"{seconds * 1000:.0f} ms" for seconds in (half_s, self.p95_s, longest_s))
        statuses = ", ".join(f"{status}: {number}" for status, number in sorted(self.statuses.items()))
        return [str(len(self.durations_s)), *times, statuses]


Measured = dict[tuple[str, str], Answers]


@contextmanager
def asking(url: str, state: Callable[[], str], measured: Measured) -> Iterator[None]:
    """Let clients ask as long as the block lasts, each its next request a moment after the answer."""
    tokens, stop = count(), threading.Event()
    ask = {
        "anonymous": lambda session: session.get(f"{url}/frames/", timeout=60),
        "new portal token": lambda session: session.get(
            f"{url}/profile/", headers={"Authorization": f"Token {next(tokens)}"}, timeout=60
        ),
    }

    def be_client(kind: str) -> None:
        with requests.Session() as session:
            while not stop.wait(PAUSE_S):
                answers, begin_s = measured[state(), kind], time.monotonic()
                answers.statuses[ask[kind](session).status_code] += 1
                answers.durations_s.append(time.monotonic() - begin_s)

    clients = [threading.Thread(target=be_client, args=[kind]) for kind in CLIENTS for _ in range(CLIENTS[kind])]
    for client in clients:
        client.start()
    try:
        yield
    finally:
        stop.set()
        for client in clients:
            client.join()


def measure(url: str, portal: PortalServer, seconds: float) -> Measured:
    """Ask for a while, in the middle of which the portal takes questions and does not answer."""
    measured = {(state, kind): Answers() for state in (WELL, AWAY) for kind in CLIENTS}
    with asking(url, lambda: portal.mood, {(state, kind): Answers() for state, kind in measured}):
        time.sleep(2)  # the first requests of a server do not count
    with asking(url, lambda: portal.mood, measured):
        for state, part in PARTS:
            portal.mood = state
            time.sleep(seconds * part)
    return measured


def check(measured: Measured) -> None:
    """Make sure that nobody else was harmed, and that nobody waited for long.

    Raises
    ------
    BenchError
        If they were.
    """
    anonymous = measured[WELL, "anonymous"].statuses + measured[AWAY, "anonymous"].statuses
    if set(anonymous) != {200}:
        raise BenchError(f"Anonymous requests failed: {anonymous}")
    if max(measured[AWAY, "new portal token"].durations_s) > LONGEST_503_S:
        raise BenchError(f"Who needed the portal waited for more than {LONGEST_503_S:.0f} s.")


@contextmanager
def busy_archive() -> Iterator[tuple[str, PortalServer]]:
    """Run an archive of a few frames, and the portal that it asks."""
    with ExitStack() as stack:
        folder, portal = stack.enter_context(temporary_folder()), stack.enter_context(portal_server())
        portal.profiles |= {f"Token {number}": build_profile(f"user{number % PORTAL_USERS}") for number in range(10**5)}
        settings = (
            stack.enter_context(local_store(folder))
            | NO_LIMITS
            | {
                "DATA_DIR": str(folder),
                "DATABASE_URL": f"sqlite:///{folder / 'archive.db'}",
                "REDIS_URL": "redis://127.0.0.1:1",  # nothing is ingested: there is none
                "SECRET_KEY": "bench",
                "OAUTH_PROFILE_URL": portal.url,
            }
        )
        stack.enter_context(set_environment(settings))
        fill(settings, FRAMES, FRAME_BYTES)
        yield stack.enter_context(running_web_server(settings, folder / "web.log")).url, portal


@click.command()
@click.option("--seconds", default=60.0, show_default=True, help="How long to ask, half of it with the portal away.")
@click.option("--write", is_flag=True, help=f"Write the table into {DOCUMENT.relative_to(PROJECT_DIR)}.")
def main(seconds: float, write: bool) -> None:
    """Measure, and print the table."""
    with busy_archive() as (url, portal):
        measured = measure(url, portal, seconds)
    check(measured)
    names = {WELL: "answers", AWAY: "away"}
    rows = [[names[state], kind, *answers.describe()] for (state, kind), answers in measured.items()]
    ratio = measured[AWAY, "anonymous"].p95_s / measured[WELL, "anonymous"].p95_s
    report = (
        f"{dt.datetime.now(dt.UTC):%Y-%m-%d}. {describe_machine()}. {describe_versions('gunicorn', 'requests')}.\n\n"
        f"{build_table(COLUMNS, rows)}\n\n"
        f"The p95 of anonymous requests with the portal away is {ratio:.2f} × that with the portal."
    )
    click.echo(report)
    if write:
        replace_section(DOCUMENT, "portal", report)


if __name__ == "__main__":
    main()
