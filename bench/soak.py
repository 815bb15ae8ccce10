"""``make soak``: reads of every kind while files come in, for minutes: errors, waits, lag, and memory over time."""

import datetime as dt
import itertools
import random
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

import click
import numpy as np
import orjson

from app.extensions import db
from app.ingest.actions import submit_path
from app.ingest.bell import INGEST_QUEUE, ring
from bench.cases import CASES, draw_requests
from bench.draws import BenchViewer, Sample
from bench.frames import write_frames
from bench.gunicorns import Gunicorn, Memory, running_gunicorn
from bench.http_client import Clients, Connection, Request
from bench.loaded_archive import LoadedArchive, loaded_archive
from bench.machine import describe_machine
from bench.measuring import find_percentile
from bench.report import build_table, replace_section
from bench.search import DOCUMENT, MOST_CLIENTS, warm_up
from bench.workers import BenchError, working
from tests.services import redis_server, temporary_folder

CLIENTS, WORKERS = 4, 2
FILE_BYTES = 100_000
WATCHED_EVERY = 5  # files, of which one is looked for until it is found
LOOK_EVERY_S, MEMORY_EVERY_S = 0.05, 5.0
LONGEST_LAG_S = 120.0
DIFFERENT = 20  # requests of each case for each viewer
MOST_REQUESTS = 10**9
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "longest": 1.0}
PARTS = 5  # of the time; after the first, memory should not grow any longer


@dataclass
class Arrivals:
    """Files on their way in: how many were sent, and how long it took until a search found them."""

    sent: int = 0
    lags_s: list[float] = field(default_factory=list)


@contextmanager
def files_arriving(
    archive: LoadedArchive, port: int, viewer: BenchViewer, files: Sequence[Path], rate: float
) -> Iterator[Arrivals]:
    """Submit files at an even rate as long as the block lasts.

    Raises
    ------
    BenchError
        At the end, if one did not arrive.
    """
    arrivals, stop = Arrivals(), threading.Event()

    def submit_all() -> None:
        begin_s = time.monotonic()
        for number, file in enumerate(files):
            if stop.wait(max(0.0, begin_s + number / rate - time.monotonic())):
                return
            submitted_s = time.monotonic()
            _submit(archive, file)
            arrivals.sent += 1
            if number % WATCHED_EVERY == 0:
                _wait_until_found(port, viewer, file)
                arrivals.lags_s.append(time.monotonic() - submitted_s)

    with ThreadPoolExecutor(1) as pool:
        submitting = pool.submit(submit_all)
        try:
            yield arrivals
        finally:
            stop.set()
    submitting.result()


def read_all_the_while(
    crowd: Clients, server: Gunicorn, requests: Sequence[Request], seconds: float
) -> tuple[list[float], list[list[Memory]]]:
    """Send requests from some clients, and look at the memory meanwhile.

    Returns
    -------
    tuple
        What each request took, in ascending order, in seconds, and the memory of each process, each time.
    """
    memories = []
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(crowd.send, server.port, requests, CLIENTS, seconds, MOST_REQUESTS)
        while not sending.done():
            memories.append(server.read_memory())
            time.sleep(MEMORY_EVERY_S)
    return sorted(duration for part in sending.result() for duration in part.durations_s), memories


def build_report(heading: str, durations_s: list[float], arrivals: Arrivals, memories: list[list[Memory]]) -> str:
    """Return the tables of waits and of memory."""
    waits = [
        [name, f"{len(times):,}", *(f"{find_percentile(times, share) * 1000:.0f} ms" for share in SHARES.values())]
        for name, times in (("reads", durations_s), ("submitted until found", sorted(arrivals.lags_s)))
    ]
    parts = np.array_split(np.arange(len(memories)), PARTS)
    rows = []
    for number, name in itertools.product(range(len(memories[0])), ("resident", "shared", "private")):
        mib = np.array([getattr(each[number], name) for each in memories])
        settled = mib[parts[1][0] :]
        slope = np.polyfit(np.arange(len(settled)) * MEMORY_EVERY_S / 60, settled, 1)[0]
        figures = (mib[0], *(np.median(mib[part]) for part in parts), settled.max())
        rows.append([f"process {number + 1}, {name}", *(f"{figure:.0f}" for figure in figures), f"{slope:+.2f}"])
    medians = (f"part {number} of {PARTS}" for number in range(1, PARTS + 1))
    columns = ("MiB", "at first", *medians, "most since part 1", "a minute")
    return "\n\n".join([heading, build_table(("", "number", *SHARES), waits), build_table(columns, rows)])


def mix_requests(archive: LoadedArchive, viewers: Sequence[BenchViewer], seed: int) -> tuple[list[Request], int]:
    """Draw requests of every case for every viewer, in a mixed order; return also how many frames there are."""
    with archive.app.app_context(), archive.app.test_request_context():
        sample = Sample(seed)
        pairs = itertools.product(CASES, viewers)
        asked = [each for case, viewer in pairs for each in draw_requests(case, sample, viewer, DIFFERENT, seed)]
        db.engine.dispose()
    random.Random(seed).shuffle(asked)
    return [each.archive for each in asked], sample.size


def _submit(archive: LoadedArchive, file: Path) -> None:
    with archive.app.app_context():
        job = submit_path(str(file), {}, None)
        db.session.commit()
        ring(job.id)


def _wait_until_found(port: int, viewer: BenchViewer, file: Path) -> None:
    name = file.name.partition(".")[0]
    request = Request(f"/frames/?limit=1&basename_exact={quote(name)}", viewer.headers)
    connection, deadline_s = Connection(port), time.monotonic() + LONGEST_LAG_S
    while not orjson.loads(connection.ask(request))["results"]:
        if time.monotonic() > deadline_s:
            raise BenchError(f"{file.name} was not found within {LONGEST_LAG_S:.0f} s.")
        time.sleep(LOOK_EVERY_S)
    connection.close()


@click.command()
@click.option("--minutes", type=click.FloatRange(1), default=10.0, show_default=True)
@click.option("--frames", default=1_000_000, show_default=True, help="How many, where none are loaded yet.")
@click.option("--rate", default=2.0, show_default=True, help="Files that come in, a second.")
@click.option("--database", type=click.Choice(["postgresql", "sqlite"]), default="postgresql", show_default=True)
@click.option("--url", help="A PostgreSQL database that is loaded; the files that come in stay in it.")
@click.option("--keep", type=click.Path(path_type=Path), help="Folder that keeps the archive for the next run.")
@click.option("--seed", default=1, show_default=True, help="Of what is asked.")
@click.option("--write", is_flag=True, help="Write the tables into docs/performance.md.")
def main(
    minutes: float, frames: int, rate: float, database: str, url: str | None, keep: Path | None, seed: int, write: bool
) -> None:
    """Read and ingest for some minutes, and print what it took."""
    with ExitStack() as stack:
        crowd = stack.enter_context(Clients(MOST_CLIENTS))
        scratch = stack.enter_context(temporary_folder())
        redis = stack.enter_context(redis_server())
        folder = (keep or scratch).resolve()
        archive = stack.enter_context(
            loaded_archive(frames, database, url, folder, redis.url, lambda line: click.echo(line, err=True))
        )
        store = {"FILESTORE_TYPE": "local", "FILESYSTEM_STORAGE_ROOT_DIR": str(scratch / "files")}
        archive = replace(archive, settings=archive.settings | store | {"INGEST_ROOTS": str(scratch)})
        first = 100_000 + int(time.time()) % 800_000  # so that the files of each run are new
        files = write_frames(scratch / "frames", round(minutes * 60 * rate), FILE_BYTES, first)
        viewers = archive.make_viewers()
        requests, size = mix_requests(archive, viewers, seed)
        server = stack.enter_context(running_gunicorn(archive.settings, scratch / "web.log"))
        warm_up(crowd, server, Request("/frames/aggregate/", viewers[-1].headers))
        stack.enter_context(working(archive.settings, INGEST_QUEUE, WORKERS)).wait_until_idle()
        with files_arriving(archive, server.port, viewers[-1], files, rate) as arrivals:
            durations_s, memories = read_all_the_while(crowd, server, requests, minutes * 60)
        with archive.app.app_context():
            db.engine.dispose()
    heading = (
        f"{dt.datetime.now(dt.UTC):%Y-%m-%d}: {minutes:g} minutes, {size:,} frames. {describe_machine()}. {CLIENTS} "
        f"clients read what the table above has, by turns as each viewer; {WORKERS} workers ingested "
        f"{arrivals.sent:,} files of 100 kB. {len(durations_s):,} reads, every answer a 200."
    )
    report = build_report(heading, durations_s, arrivals, memories)
    click.echo(report)
    if write:
        replace_section(DOCUMENT, "soak", report)


if __name__ == "__main__":
    main()
