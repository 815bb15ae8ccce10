"""Ingest from a shell: ``flask --app wsgi ingest PATH…``."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import click
from flask import Blueprint
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from app.errors import BadRequest
from app.extensions import db
from app.ingest import actions, queries
from app.ingest.bell import ring
from app.ingest.models import Door, IngestJob, JobState

POLL_S = 0.5

blueprint = Blueprint("ingest_cli", __name__, cli_group=None)


@blueprint.cli.command("ingest")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--no-wait", is_flag=True, help="Submit the files and leave; the workers go on.")
def ingest(paths: tuple[Path, ...], no_wait: bool) -> None:
    """Ingest files, and all files below folders. The exit status is 1 if any failed."""
    console = Console(soft_wrap=True)
    refusals: list[str] = []
    files = [file for path in paths for file in _list_files(path, refusals)]
    with _build_progress(console) as progress:
        job_ids = _submit_all(files, refusals, progress)
        ended = [] if no_wait else _wait(job_ids, progress)
    failures = refusals + [
        f"{job.filename}: {job.error_class} {job.error_code}: {job.error_message}"
        for job in ended
        if job.state == JobState.FAILED
    ]
    for failure in failures:
        console.print(failure, markup=False, highlight=False)
    console.print(_summarise(job_ids, ended, refusals), highlight=False)
    raise SystemExit(1 if failures else 0)


def _list_files(path: Path, refusals: list[str]) -> Iterator[Path]:
    """Yield a file, or the files below a folder; names that begin with a dot are passed over, and links to folders.

    A folder that can't be read is added to the refusals.
    """
    if not path.is_dir():
        yield path
        return
    for folder, subfolders, names in os.walk(path, onerror=lambda error: refusals.append(_describe(error))):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(names) if not name.startswith("."))


def _describe(error: OSError) -> str:
    return f"{click.format_filename(error.filename)}: not submitted: {error.strerror}"


def _submit_all(files: list[Path], refusals: list[str], progress: Progress) -> list[int]:
    job_ids = []
    for file in progress.track(files, description="Submitted"):
        try:
            job_ids.append(_submit(file))
        except (BadRequest, OSError) as error:
            refusals.append(f"{click.format_filename(file)}: not submitted: {error}")
    return job_ids


def _submit(file: Path) -> int:
    job = actions.submit_file(file.absolute(), Door.SHELL)
    db.session.commit()
    ring(job.id)
    return job.id


def _wait(job_ids: list[int], progress: Progress) -> list[IngestJob]:
    """Wait until each job has ended."""
    bar = progress.add_task("Ended", total=len(job_ids))
    ended: list[IngestJob] = []
    waiting = set(job_ids)
    while waiting:
        time.sleep(POLL_S)
        db.session.rollback()  # see what the workers have written since
        just_ended = queries.list_ended(waiting)
        ended += just_ended
        waiting -= {job.id for job in just_ended}
        progress.update(bar, completed=len(ended))
    return ended


def _summarise(job_ids: list[int], ended: list[IngestJob], refusals: list[str]) -> str:
    counts = {state: sum(job.state == state for job in ended) for state in JobState}
    parts = [f"{count} {state.replace('_', ' ')}" for state, count in counts.items() if count]
    if len(ended) < len(job_ids):
        parts.append(f"{len(job_ids) - len(ended)} submitted")
    if refusals:
        parts.append(f"{len(refusals)} not submitted")
    return ", ".join(parts) or "There was no file to ingest."


def _build_progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description:>9}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console)
