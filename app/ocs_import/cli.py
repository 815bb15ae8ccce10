"""The move from another OCS archive, from a shell: ``flask --app wsgi import-ocs URL``."""

import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import IO

import click
from flask import Blueprint
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from app.extensions import db, get_config, get_file_store
from app.ocs_import import queries
from app.ocs_import.copying import Copier, FilesMissingError
from app.ocs_import.models import Part, Stage
from app.ocs_import.source import AnswerError, Source, SourceError
from app.paging import LARGEST_LIMIT

ALL_COPIED, FINDINGS_REMAIN, NOT_FINISHED = 0, 1, 2
STOPS = (SourceError, FilesMissingError, KeyboardInterrupt)
LABELS = {Stage.FRAMES: "Frames", Stage.RELATIONS: "Related frames"}
#: What is compared: lists of the source, and how they are asked so that they count exactly.
LISTS: Mapping[str, Mapping[str, str]] = {"frames": {"force_count": "true"}, "versions": {}, "thumbnails": {}}
#: The rows of the table at the end, each with what tells that something of it could not be copied.
ROWS = {
    "frames": Part.FRAME,
    "versions": Part.FILE,
    "thumbnails": Part.THUMBNAIL,
    "footprints": Part.FOOTPRINT,
    "related frames": Part.RELATED,
}

blueprint = Blueprint("ocs_import_cli", __name__, cli_group=None)


@blueprint.cli.command("import-ocs")
@click.argument("url")
@click.option("--jobs", default=8, show_default=True, type=click.IntRange(1, 64), help="Requests at once.")
@click.option(
    "--page",
    "page_limit",
    default=LARGEST_LIMIT,
    show_default=True,
    type=click.IntRange(1, LARGEST_LIMIT),
    help="Frames a page; fewer for an archive that is slow.",
)
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for what could not be copied, a line of JSON for each; by default import-ocs.jsonl in DATA_DIR.",
)
@click.option("--accept-missing-files", is_flag=True, help="Copy although the store has none of the first files.")
def import_ocs(url: str, jobs: int, page_limit: int, report: Path | None, accept_missing_files: bool) -> None:
    """Copy the records of the OCS archive at URL, such as https://archive.example.org/.

    The files stay where they are: the file store must be the one that the source has. The environment variable
    OCS_TOKEN holds the token of an admin there. Run it again to go on where it was interrupted or, once it is done, to
    fetch what has come since and to retry what could not be copied. See docs/migration.md.

    The exit status is 0 if all was copied, 1 if something could not be, and 2 if it could not be finished.
    """
    if not url.startswith(("http://", "https://")):
        raise click.BadParameter("give the whole address, such as https://archive.example.org/.", param_hint="URL")
    console = Console(soft_wrap=True)
    source = Source(url, os.environ.get("OCS_TOKEN", "").strip(), jobs, page_limit)
    error = None
    with _open_report(report or get_config().data_dir / "import-ocs.jsonl") as file, closing(source):
        try:
            _introduce(source, console)
            _copy(source, jobs, accept_missing_files, console)
        except STOPS as stop:
            db.session.rollback()
            error = _describe_stop(stop)
        raise SystemExit(_conclude(source, file, error, console))


def _open_report(path: Path) -> IO[str]:
    """Open the report before hours of work, rather than after them."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise click.FileError(str(path), error.strerror) from error


def _introduce(source: Source, console: Console) -> None:
    """Say as whom the source is read: what that account may not see stays behind."""
    try:
        profile = source.get_profile()
    except AnswerError as error:
        raise SourceError(f"{source.url} is the root of no OCS archive, or refuses OCS_TOKEN. {error}") from error
    console.print(f"Reading {source.url} as {profile.get('username') or 'nobody'}.", markup=False, highlight=False)
    if not profile.get("is_staff"):
        console.print("That is no admin there: frames hidden from them stay behind. OCS_TOKEN holds the token.")


def _copy(source: Source, jobs: int, may_lack_files: bool, console: Console) -> None:
    pool = ThreadPoolExecutor(jobs, "import-ocs")
    try:
        copier = Copier(source, get_file_store(), pool, may_lack_files=may_lack_files)
        _follow(copier, source.find_count("frames/", **LISTS["frames"]), console)
    except BaseException:
        source.close()  # so that no thread waits for its next try
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _follow(copier: Copier, total: int | None, console: Console) -> None:
    """Copy, and show how far it is: by bars, or by a line for each page where nobody watches."""
    with _build_progress(console) as progress:
        bars = {stage: progress.add_task(label, total=total) for stage, label in LABELS.items()}
        for stage, frames in copier.walk():
            progress.update(bars[stage], completed=frames)
            if not console.is_terminal:
                console.print(f"{LABELS[stage]}: {frames} of {total or 'an unknown number'}", highlight=False)


def _conclude(source: Source, report: IO[str], error: str | None, console: Console) -> int:
    """Say what has been copied, write the report, and return the exit status."""
    run = queries.find_import(source.url)
    findings = queries.count_findings(run.id) if run else {}
    if run:
        counts = {} if error else {path: source.find_count(f"{path}/", **search) for path, search in LISTS.items()}
        console.print(_build_table(counts, queries.count_copied(run.id), findings))
        _write_report(run.id, report)
    if findings:
        console.print(f"{report.name} says what could not be copied, and why.", markup=False, highlight=False)
    if error:
        console.print(
            f"The copy is not finished. {error} Run the command again to go on.", markup=False, highlight=False
        )
    return NOT_FINISHED if error else FINDINGS_REMAIN if findings else ALL_COPIED


def _build_table(source: Mapping[str, int | None], here: Mapping[str, int], findings: Mapping[str, int]) -> Table:
    table = Table("", "source", "here", "not copied")
    for name, part in ROWS.items():
        cells = ["" if cell is None else str(cell) for cell in (source.get(name), here.get(name), findings.get(part))]
        if any(cells):
            table.add_row(name, *cells)
    return table


def _write_report(import_id: int, file: IO[str]) -> None:
    """Write a line of JSON for each finding."""
    for finding in queries.list_findings(import_id):
        line = {"frame_id": finding.source_id, "basename": finding.basename, "part": finding.part}
        print(json.dumps(line | {"reason": finding.reason}, ensure_ascii=False), file=file)


def _describe_stop(stop: BaseException) -> str:
    return "It was interrupted." if isinstance(stop, KeyboardInterrupt) else str(stop)


def _build_progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description:>14}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal)
