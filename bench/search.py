"""``make bench N=…``: what reads of a large archive cost, next to bare SQL, and whether both say the same."""

import datetime as dt
import itertools
import json
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import orjson

from app.extensions import db
from app.frame_columns.refresh import FrameColumns
from app.processes import PROJECT_DIR
from bench.cases import CASES, EMPTY_ROUTE, ZIP_CASES, Asked, Case, draw_count, draw_requests, draw_zips
from bench.draws import BenchViewer, Sample
from bench.explaining import explain
from bench.floor_indexes import floor_indexes
from bench.growth import build_growth, draw_growth
from bench.gunicorns import Gunicorn, ask_once, running_gunicorn
from bench.http_client import Clients, Request
from bench.loaded_archive import LoadedArchive, loaded_archive
from bench.machine import describe_machine, describe_versions
from bench.measuring import Effort, measure, measure_by_turns, time_loop_ms
from bench.report import replace_section
from bench.search_report import BY_NAME, build_report, is_over
from bench.sizes import measure_insertion, measure_sizes
from bench.workers import BenchError
from tests.services import redis_server, temporary_folder

DOCUMENT = PROJECT_DIR / "docs" / "performance.md"
MEASUREMENTS = PROJECT_DIR / "docs" / "measurements"
PICTURE = PROJECT_DIR / "docs" / "images" / "growth.svg"
CLIENTS = (1, 4)
MOST_CLIENTS = 8  # as many as the web server has threads
DIFFERENT = 40  # requests of a case
WARM_UP_PATIENCE_S = 1800.0
QUICK_S = 1.5  # each of eight facets of everything at once, by an archive that has read its columns
FLOOR = "bench.floor_server:app"
LINES = [EMPTY_ROUTE, *BY_NAME]
NOT_ALIKE = {"url", "next", "previous", "generated_at", "count", "count_estimated"}

Cell = dict[str, Any]


def build_columns(archive: LoadedArchive) -> float:
    """Make the columns as before an upgrade, and return how long that took."""
    begin_s = time.monotonic()
    columns: FrameColumns = archive.app.extensions["frame_columns"]
    if not columns.build():
        raise BenchError("Another process makes the columns.")
    return time.monotonic() - begin_s


def warm_up(crowd: Clients, server: Gunicorn, request: Request) -> None:
    """Ask until all processes answer at once."""
    begin_s = time.monotonic()
    while time.monotonic() - begin_s < WARM_UP_PATIENCE_S:
        sent = crowd.send(server.port, [request], MOST_CLIENTS, 0, MOST_CLIENTS, WARM_UP_PATIENCE_S)
        if max(duration for part in sent for duration in part.durations_s) < QUICK_S:
            return
    raise BenchError("The archive does not become quick.")


def check_alike(archive: Gunicorn, floor: Gunicorn, case: Case, asked: Asked) -> None:
    """Make sure that archive and floor answer the same.

    Raises
    ------
    BenchError
        If they don't.
    """
    answers = (ask_once(archive, asked.archive), ask_once(floor, asked.floor))
    ours, theirs = (pick_comparable(case, orjson.loads(answer)) for answer in answers)
    if ours != theirs:
        raise BenchError(f"{asked.archive.path}: the floor has {str(theirs)[:500]}, the archive {str(ours)[:500]}")


def pick_comparable(case: Case, answer: Any) -> Any:
    """Return of an answer what archive and floor say alike: no links, no time, and no count of a list's frames."""
    if case.draw is draw_count:
        return answer["count"]
    return _without(NOT_ALIKE, answer)


def measure_cases(
    crowd: Clients,
    archive: Gunicorn,
    floor: Gunicorn | None,
    asked: Mapping[tuple[Case, BenchViewer], list[Asked]],
    effort: Effort,
) -> Iterator[Cell]:
    """Measure each case for each viewer, archive and floor in turn."""
    for (case, viewer), requests in asked.items():
        of_archive, of_floor = [each.archive for each in requests], [each.floor for each in requests]
        measure(crowd, archive.port, of_archive, MOST_CLIENTS, effort)  # whoever comes first reads from the disk
        if floor:
            measure(crowd, floor.port, of_floor, MOST_CLIENTS, effort)
        for clients in CLIENTS:
            sides = {"ours": (archive.port, of_archive)} | ({"floor": (floor.port, of_floor)} if floor else {})
            loop_ms = time_loop_ms()
            figures = measure_by_turns(crowd, sides, clients, effort)
            cell = {"case": case.name, "viewer": viewer.name, "clients": clients}
            cell |= {side: asdict(each) for side, each in figures.items()}
            yield cell | {"loop_ms": max(loop_ms, time_loop_ms())}


def measure_zips(
    crowd: Clients, server: Gunicorn, archive: LoadedArchive, zips: Mapping[BenchViewer, list[Request]], effort: Effort
) -> Iterator[Cell]:
    for wait_ms, (viewer, requests), clients in itertools.product(ZIP_CASES, zips.items(), CLIENTS):
        archive.set_store_wait(wait_ms)
        loop_ms, ours = time_loop_ms(), measure(crowd, server.port, requests, clients, effort)
        name = f"zip of 100, store {wait_ms} ms"
        yield {"case": name, "viewer": viewer.name, "clients": clients, "ours": asdict(ours), "loop_ms": loop_ms}
    archive.set_store_wait(0)


def measure_empty_route(crowd: Clients, floor: Gunicorn, effort: Effort) -> Iterator[Cell]:
    for clients in CLIENTS:
        figures = measure(crowd, floor.port, [Request("/empty")], clients, effort)
        yield {"case": EMPTY_ROUTE, "viewer": "", "clients": clients, "floor": asdict(figures), "loop_ms": 0.0}


@contextmanager
def running_servers(archive: LoadedArchive, folder: Path, say: Any) -> Iterator[tuple[Gunicorn, Gunicorn | None]]:
    """Run the archive's gunicorn, and the floor's, which is for PostgreSQL alone."""
    with ExitStack() as stack:
        server = stack.enter_context(running_gunicorn(archive.settings, folder / "web.log"))
        if not archive.is_postgresql:
            yield server, None
            return
        stack.enter_context(floor_indexes(archive.plain_url, say))
        floor_settings = archive.settings | {"DATABASE_URL": archive.plain_url}
        yield server, stack.enter_context(running_gunicorn(floor_settings, folder / "floor.log", FLOOR))


def run(
    archive: LoadedArchive, crowd: Clients, folder: Path, effort: Effort, names: Sequence[str], seed: int, say: Any
) -> Cell:
    """Measure everything, and return all figures."""
    viewers = archive.make_viewers()
    with archive.app.app_context(), archive.app.test_request_context():
        sample = Sample(seed)
        cases = [case for case in CASES if not names or case.name in names]
        pairs = itertools.product(cases, viewers)
        asked = {pair: draw_requests(pair[0], sample, pair[1], DIFFERENT, seed) for pair in pairs}
        zips = {viewer: draw_zips(sample, viewer, DIFFERENT, seed) for viewer in viewers}
        start_s = build_columns(archive)
        say(f"made the columns in {start_s:.0f} s")
        db.engine.dispose()
    with running_servers(archive, folder, say) as (server, floor):
        warm_up(crowd, server, Request("/frames/aggregate/", viewers[-1].headers))
        if floor:
            for (case, viewer), requests in asked.items():
                try:
                    check_alike(server, floor, case, requests[0])
                except TimeoutError:
                    say(f"{case.name}, {viewer.name}: not compared, as no answer came in a minute")
        cells = []
        for cell in itertools.chain(
            measure_empty_route(crowd, floor, effort) if floor else (),
            measure_cases(crowd, server, floor, asked, effort),
            () if names else measure_zips(crowd, server, archive, zips, effort),
        ):
            cells.append(cell)
            say(_describe(cell))
        memory = [asdict(each) for each in server.read_memory()]
    slow = {cell["case"] for cell in cells if is_over(cell)}
    explained = {
        case.name: explain(archive.app, requests[0].archive)
        for (case, viewer), requests in asked.items()
        if case.name in slow and viewer is viewers[0]
    }
    database = "postgresql" if archive.is_postgresql else "sqlite"
    return {
        "date": f"{dt.datetime.now(dt.UTC):%Y-%m-%d}",
        "machine": describe_machine(),
        "versions": describe_versions("Flask", "SQLAlchemy", "psycopg", "orjson", "gunicorn", "numpy"),
        "database": database,
        "frames": sample.size,
        "load_s": archive.load_s,
        "start_s": start_s,
        "memory": memory,
        "cells": cells,
        "explained": explained,
        "sizes": measure_sizes(archive),
        "insertion": measure_insertion(archive),
    }


def _without(names: Collection[str], answer: Any) -> Any:
    if isinstance(answer, dict):
        return {name: _without(names, value) for name, value in answer.items() if name not in names}
    return [_without(names, each) for each in answer] if isinstance(answer, list) else answer


def _describe(cell: Cell) -> str:
    parts = [
        f"{side} {figures['p50_ms']:.1f} / {figures['p95_ms']:.1f} ms, {figures['per_s']:.0f}/s ({figures['requests']})"
        for side in ("ours", "floor")
        if (figures := cell.get(side))
    ]
    return f"{cell['case']}, {cell['viewer']}, {cell['clients']}: {'; '.join(parts)}"


@click.command()
@click.option("--frames", default=10_000_000, show_default=True, help="How many, where none are loaded yet.")
@click.option("--database", type=click.Choice(["postgresql", "sqlite"]), default="postgresql", show_default=True)
@click.option("--url", help="A PostgreSQL database that is loaded, or empty, in place of one of the bench's own.")
@click.option("--keep", type=click.Path(path_type=Path), help="Folder that keeps the archive for the next run.")
@click.option("--case", "names", multiple=True, help="Only these lines of the table.")
@click.option("--seconds", default=4.0, show_default=True, help="Longest that a cell may take.")
@click.option("--requests", default=400, show_default=True, help="Most requests of a cell.")
@click.option("--seed", default=1, show_default=True, help="Of what is asked.")
@click.option("--write", is_flag=True, help=f"Write the tables into {DOCUMENT.relative_to(PROJECT_DIR)}.")
def main(
    frames: int,
    database: str,
    url: str | None,
    keep: Path | None,
    names: Sequence[str],
    seconds: float,
    requests: int,
    seed: int,
    write: bool,
) -> None:
    """Measure reads, and print the tables."""

    def say(line: str) -> None:
        click.echo(line, err=True)  # it takes minutes: this is how far it has come

    with ExitStack() as stack:
        crowd = stack.enter_context(Clients(MOST_CLIENTS))
        folder = (keep or stack.enter_context(temporary_folder())).resolve()
        redis = stack.enter_context(redis_server())
        archive = stack.enter_context(loaded_archive(frames, database, url, folder, redis.url, say))
        result = run(archive, crowd, folder, Effort(seconds, requests), names, seed, say)
    click.echo(build_report(result))
    if write:
        write_results(result)


def write_results(result: Cell) -> None:
    """Keep the figures, and write the tables of all that are kept."""
    MEASUREMENTS.mkdir(exist_ok=True)
    frames = float(f"{result['frames']:.2g}")  # some came in since it was loaded
    path = MEASUREMENTS / f"search-{result['database']}-{frames:.0f}.json"
    if path.exists():  # measurements of other lines stay
        measured, before = {cell["case"] for cell in result["cells"]}, json.loads(path.read_text())
        cells = [cell for cell in before["cells"] if cell["case"] not in measured] + result["cells"]
        explained = {name: told for name, told in before["explained"].items() if name not in measured}
        result["cells"] = sorted(cells, key=lambda cell: LINES.index(cell["case"]))
        result["explained"] = explained | result["explained"]
        result["load_s"] = result["load_s"] or before["load_s"]
    path.write_text(json.dumps(result, indent=1) + "\n")
    kept = sorted((json.loads(path.read_text()) for path in MEASUREMENTS.glob("search-*.json")), key=_by_size)
    replace_section(DOCUMENT, "search", "\n\n".join(build_report(each) for each in reversed(kept)))
    replace_section(DOCUMENT, "growth", build_growth(kept))
    PICTURE.write_text(draw_growth(kept))


def _by_size(result: Cell) -> tuple[bool, int]:
    return result["database"] == "postgresql", result["frames"]


if __name__ == "__main__":
    main()
