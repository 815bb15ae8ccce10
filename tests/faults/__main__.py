"""The fault run: ``python -m tests.faults --files 2000 --faults 200 --seed 1``, or ``make faults``."""

import argparse
import logging
import os
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

import app.settings
import ocs_archive.settings
from tests.faults.disk import take_own_mounts
from tests.faults.night import Plan, run_night
from tests.faults.reckoning import Reckoning
from tests.services import ServiceMissing

CLEAN, NOT_CLEAN, SERVICE_MISSING = 0, 1, 3  # 2 is argparse's
CASES_SHOWN = 50
OWN_SERVERS = ("TEST_DATABASE_URL", "TEST_REDIS_URL", "TEST_RABBITMQ_URL")  # what is not ours is not killed


def main() -> int:
    """Run one bad night and print what it came to; return 1 if anything that must be zero is not.

    3 means that a server that it needs is not installed here.
    """
    options = parse_options()
    take_own_mounts()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # of the S3 server, which would tell each request
    for name in (*app.settings.SETTINGS, *ocs_archive.settings.SETTINGS):
        os.environ.pop(name, None)  # the night has its own
    for name in OWN_SERVERS:
        os.environ.pop(name, None)
    folder = Path(options.keep or tempfile.mkdtemp(prefix="archive-faults-")).resolve()
    if folder.is_dir() and any(folder.iterdir()):
        sys.exit(f"{folder} is not empty: name a new folder.")
    folder.mkdir(parents=True, exist_ok=True)
    only = tuple(options.only)
    plan = Plan(options.files, options.faults, only, options.seed, options.database, options.store)
    try:
        reckoning = run_night(folder, plan)
    except ServiceMissing as missing:
        print(missing, file=sys.stderr)
        return SERVICE_MISSING
    show(reckoning, Console(soft_wrap=True))
    if reckoning.is_clean and not options.keep:
        shutil.rmtree(folder)
    else:
        print(f"The logs of every program, and of the faults and the files with their times, are in {folder}")
    return CLEAN if reckoning.is_clean else NOT_CLEAN


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--files", type=int, default=2000, help="how many files the telescope hands over")
    parser.add_argument("--faults", type=int, default=200, help="how many faults strike meanwhile")
    parser.add_argument("--only", action="append", default=[], metavar="TEXT", help="faults whose names contain this")
    parser.add_argument("--seed", type=int, default=1, help="chooses files, doors and faults")
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--store", choices=["s3", "local"], default="s3")
    parser.add_argument("--keep", metavar="DIR", help="a new folder for logs and files, which stays")
    return parser.parse_args()


def show(reckoning: Reckoning, console: Console) -> None:
    figures = Table(title="A bad night", show_header=False)
    for name, value in reckoning.figures.items():
        figures.add_row(name, write(value))
    zeros = Table(title="What must be zero", show_header=False)
    for name, cases in reckoning.wrong.items():
        zeros.add_row(name, str(len(cases)))
    console.print(figures, zeros)
    for name, cases in reckoning.wrong.items():
        for case in cases[:CASES_SHOWN]:
            console.print(f"{name}: {case}", markup=False, highlight=False)


def write(value: object) -> str:
    if not isinstance(value, Counter):
        return str(value)
    return "\n".join(f"{times:6} {what}" for what, times in value.most_common()) or "none"


if __name__ == "__main__":
    sys.exit(main())
