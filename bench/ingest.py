"""``make bench``: what the ingest of a file costs, by size, store and number of workers, next to its floor.

The floor is what bare processes take that read, hash and copy the same files (`bench.floor`). The processor time is
that of the workers: what the database, the queue and the S3 server take does not count. Previews are another worker's,
and have rows of their own.
"""

import datetime as dt
import itertools
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from app.processes import PROJECT_DIR
from bench.archive import Cost
from bench.frames import write_frames
from bench.machine import describe_machine, describe_versions
from bench.report import build_table, replace_section
from bench.setups import S3_SETTINGS, SETUPS, Servers, Setup, Store, empty_archive, empty_store, running_servers
from tests.services import temporary_folder

DOCUMENT = PROJECT_DIR / "docs" / "performance.md"
SIZES = {"100 kB": 100_000, "30 MB": 30_000_000}
SMALL_FILES_PER_LARGE = {"100 kB": 1, "30 MB": 15}
FEWEST_FILES = 2
WARM_UP = 8  # files that do not count, so that each worker has connected and has its statements ready
MOST_PREVIEWS = 20
FLOOR_RUNS = 3
COLUMNS = ("files", "archive", "workers", "frames/s", "floor", "CPU ms/file", "floor", "times", "more by")


@dataclass(frozen=True)
class Files:
    """Files of about one size: those that are measured, and some that go before."""

    size: str
    measured: Sequence[Path]
    warm_up: Sequence[Path]


def measure_row(files: Files, setup: Setup, workers: int, servers: Servers, folder: Path) -> list[str]:
    """Measure the ingest of files, and its floor, which is the cheapest of some runs.

    What was written before is deleted just before each measurement, so that its memory is used anew: on a virtual
    machine, memory that the host must find first costs more than the copying.
    """
    with empty_store(setup, servers, folder) as store, empty_archive(setup, servers, store, folder) as archive:
        floor = min((measure_floor(files, store, workers) for _ in range(FLOOR_RUNS)), key=lambda run: run.cpu_s)
        cost = archive.ingest(files.measured, files.warm_up, workers, just_before=store.delete_copies)
    return build_row(files.size, setup, workers, cost, floor)


def measure_previews(files: Files, setup: Setup, servers: Servers, folder: Path) -> list[str]:
    """Measure the making of some files' previews."""
    with empty_store(setup, servers, folder) as store, empty_archive(setup, servers, store, folder) as archive:
        cost = archive.make_previews(files.measured[:MOST_PREVIEWS])
    return build_row(f"previews of {files.size}", setup, 1, cost, None)


def measure_floor(files: Files, store: Store, processes: int) -> Cost:
    """Measure as many bare processes as there are workers, each with its share of the files."""
    store.delete_copies()
    command = [sys.executable, "-m", "bench.floor", store.copies]
    running = [
        subprocess.Popen(
            [*command, files.warm_up[number], *files.measured[number::processes]],
            cwd=PROJECT_DIR,
            env=os.environ | S3_SETTINGS,
            stdout=subprocess.PIPE,
        )
        for number in range(processes)
    ]
    taken = [json.loads(process.communicate()[0]) for process in running]
    return Cost(len(files.measured), max(part["wall_s"] for part in taken), sum(part["cpu_s"] for part in taken))


def build_row(files: str, setup: Setup, workers: int, cost: Cost, floor: Cost | None) -> list[str]:
    row = [files, str(setup), str(workers), f"{cost.files_per_s:.1f}", "", f"{cost.cpu_ms_per_file:.1f}", "", "", ""]
    if floor:
        row[4] = f"{floor.files_per_s:.1f}"
        row[6] = f"{floor.cpu_ms_per_file:.1f}"
        row[7] = f"{cost.cpu_ms_per_file / floor.cpu_ms_per_file:.1f} ×"
        row[8] = f"{cost.cpu_ms_per_file - floor.cpu_ms_per_file:.1f} ms"
    return row


def write_files(folder: Path, sizes: Sequence[str], count: int) -> Iterator[Files]:
    """Write the files of a run, in the number that `count` small ones correspond to."""
    for size in sizes:
        number = max(FEWEST_FILES, count // SMALL_FILES_PER_LARGE[size])
        paths = write_frames(folder / size.replace(" ", ""), number + WARM_UP, SIZES[size])
        yield Files(size, paths[WARM_UP:], paths[:WARM_UP])


def build_report(rows: Sequence[Sequence[str]], files: Sequence[Files]) -> str:
    counts = " and ".join(f"{len(some.measured)} files of {some.size}" for some in files)
    versions = describe_versions("astropy", "SQLAlchemy", "rq", "boto3", "moto")
    heading = f"{dt.datetime.now(dt.UTC):%Y-%m-%d}: {counts}. {describe_machine()}. {versions}."
    return f"{heading}\n\n{build_table(COLUMNS, rows)}"


@click.command()
@click.option("--files", "count", default=300, show_default=True, help="Number of small files; of large ones, a 15th.")
@click.option("--size", "sizes", type=click.Choice(list(SIZES)), multiple=True, default=list(SIZES))
@click.option("--setup", "names", type=click.Choice(list(SETUPS)), multiple=True, default=list(SETUPS))
@click.option("--workers", "crews", type=int, multiple=True, default=[1, 2])
@click.option("--previews/--no-previews", default=True, help="Whether the making of previews is measured too.")
@click.option("--write", is_flag=True, help=f"Write the table into {DOCUMENT.relative_to(PROJECT_DIR)}.")
def main(
    count: int, sizes: Sequence[str], names: Sequence[str], crews: Sequence[int], previews: bool, write: bool
) -> None:
    """Measure ingest, and print the table."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # the S3 server tells of each request
    setups = [SETUPS[name] for name in names]
    rows = []
    with temporary_folder() as folder, running_servers(setups) as servers:
        files = list(write_files(folder / "frames", sizes, count))
        for setup, some, workers in itertools.product(setups, files, crews):
            rows.append(measure_row(some, setup, workers, servers, folder))
            click.echo(" | ".join(rows[-1]), err=True)  # it takes minutes: this is how far it has come
        if previews:
            rows += [measure_previews(some, setups[0], servers, folder) for some in files]
    report = build_report(rows, files)
    click.echo(report)
    if write:
        replace_section(DOCUMENT, "ingest", report)


if __name__ == "__main__":
    main()
