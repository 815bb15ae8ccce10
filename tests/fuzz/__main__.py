"""The fuzz run: ``python -m tests.fuzz --cases 5000 --seed 1``, or ``make fuzz``."""

import argparse
import math
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

import app.settings
import ocs_archive.settings
from app.openapi.operations import OPERATIONS
from tests.contract.stock import SEEN
from tests.fuzz.campaign import Plan, Tally, fuzz
from tests.fuzz.site import running_site
from tests.services import ServiceMissing, postgres_server, redis_server

CLEAN, NOT_CLEAN, SERVICE_MISSING = 0, 1, 3  # 2 is argparse's
DATABASES = ("sqlite", "postgresql")
TABLE_WIDTH = 150  # also where the output is no terminal


def main() -> int:
    """Fuzz an archive of each database, and print what came of it; return 1 if an answer was not as the document says.

    3 means that a server that it needs is not installed here.
    """
    options = parse_options()
    for name in (*app.settings.SETTINGS, *ocs_archive.settings.SETTINGS):
        os.environ.pop(name, None)  # the run has its own
    folder = Path(tempfile.mkdtemp(prefix="archive-fuzz-"))
    plan = Plan(drawn=math.ceil(options.cases / len(OPERATIONS) / len(SEEN)), seed=options.seed)
    try:
        outcomes = [run(folder / database, database, plan) for database in options.database or DATABASES]
    except ServiceMissing as missing:
        print(missing, file=sys.stderr)
        return SERVICE_MISSING
    if not all(outcomes):
        print(f"The web server's logs are in {folder}")
        return NOT_CLEAN
    shutil.rmtree(folder)
    return CLEAN


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument(
        "--cases", type=int, default=5000, help="about how many requests at random; those that are not come on top"
    )
    parser.add_argument("--seed", type=int, default=1, help="chooses them")
    parser.add_argument("--database", action="append", choices=DATABASES, help="both, if none is named")
    return parser.parse_args()


def run(folder: Path, database: str, plan: Plan) -> bool:
    """Fuzz an archive as each viewer; say whether every answer was as the document says."""
    folder.mkdir()
    console, begun_s = Console(width=TABLE_WIDTH), time.monotonic()
    with redis_server() as redis, make_database(folder, database) as url, running_site(folder, url, redis.url) as site:
        tallies = {(operation, viewer): tally for operation, viewer, tally in fuzz(site, plan)}
    console.print(build_table(f"{database}, {time.monotonic() - begun_s:.0f} s: {count_cases(tallies)}", tallies))
    for (operation, viewer), tally in tallies.items():
        for kind, told in tally.failures.items():
            print(f"\n{operation} as {viewer}: {kind}\n{told}")
    return not any(tally.failures for tally in tallies.values())


@contextmanager
def make_database(folder: Path, database: str) -> Iterator[str]:
    """Make an empty database and yield its URL."""
    if database == "sqlite":
        yield f"sqlite:///{folder / 'archive.db'}"
        return
    with postgres_server() as server:
        yield server.create_database()


def count_cases(tallies: dict[tuple[str, str], Tally]) -> str:
    by_viewer: Counter[str] = Counter()
    for (_, viewer), tally in tallies.items():
        by_viewer[viewer] += tally.cases
    return f"{by_viewer.total()} cases, " + ", ".join(f"{viewer} {cases}" for viewer, cases in by_viewer.items())


def build_table(title: str, tallies: dict[tuple[str, str], Tally]) -> Table:
    table = Table("operation", "viewer", "cases", "statuses", "failures", title=title)
    for (operation, viewer), tally in sorted(tallies.items(), key=lambda item: item[0][0]):
        statuses = ", ".join(f"{status}: {times}" for status, times in sorted(tally.statuses.items()))
        table.add_row(operation, viewer, str(tally.cases), statuses, str(len(tally.failures) or ""))
    return table


if __name__ == "__main__":
    sys.exit(main())
