"""Ingest from a shell: ``flask --app wsgi ingest PATH…``."""

import json
import math
import os
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import marshmallow as ma
from flask import Blueprint
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from app.errors import BadRequest
from app.extensions import db
from app.ingest import actions, queries
from app.ingest.bell import list_workers, ring
from app.ingest.models import Door, IngestJob, JobState
from app.ingest.schemas import JobByUploadSchema
from ocs_archive.input.file import EmptyFile, FileSpecificationException
from ocs_archive.input.filefactory import FileFactory

POLL_S = 0.5
PATIENCE_S = 5.0  # before it says that no worker runs
INTERRUPTED = 128 + signal.SIGINT  # the shells' exit status of what Ctrl-C ended

blueprint = Blueprint("ingest_cli", __name__, cli_group=None)


@dataclass
class _Run:
    """What one call of the command has done so far."""

    passed_over: int = 0
    refusals: list[str] = field(default_factory=list)
    job_ids: list[int] = field(default_factory=list)
    ended: list[IngestJob] = field(default_factory=list)

    @property
    def failures(self) -> list[str]:
        failed = [job for job in self.ended if job.state == JobState.FAILED]
        return self.refusals + [
            f"{job.filename}: {job.error_class} {job.error_code}: {job.error_message}" for job in failed
        ]

    @property
    def waiting(self) -> set[int]:
        return set(self.job_ids) - {job.id for job in self.ended}


def _read_metadata(_context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, Any]:
    """Turn each KEY=VALUE, or JSON object, into a part of the metadata; a later one counts more."""
    metadata: dict[str, Any] = {}
    for text in texts:
        key, sign, value = text.partition("=")
        part = text if text.lstrip().startswith("{") else json.dumps({key: value})
        if part is not text and not (key and sign):
            raise click.BadParameter(f"{text!r} is neither KEY=VALUE nor a JSON object.")
        try:
            metadata |= JobByUploadSchema().load({"file_metadata": part})["file_metadata"]
        except ma.ValidationError as error:
            raise click.BadParameter(f"{text!r}: {' '.join(error.messages_dict['file_metadata'])}") from None
    return metadata


@blueprint.cli.command("ingest")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--metadata",
    multiple=True,
    metavar="KEY=VALUE",
    callback=_read_metadata,
    help="A header value that goes over the file's own, for every file; or a JSON object of them. May be repeated.",
)
@click.option("--no-wait", is_flag=True, help="Submit the files and leave; the workers go on.")
def ingest(paths: tuple[Path, ...], metadata: Mapping[str, Any], no_wait: bool) -> None:
    """Ingest files, and below folders all that have a known extension. The exit status is 1 if any failed."""
    console, run = Console(soft_wrap=True), _Run()
    files = [file for path in paths for file in _list_files(path, run)]
    if run.passed_over:
        console.print(f"Passed over {run.passed_over} files of no known extension.", highlight=False)
    try:
        with _build_progress(console) as progress:
            _submit_all(files, metadata, run, progress)
            if not no_wait:
                _wait(run, progress)
    except KeyboardInterrupt:
        console.print(_farewell(run), highlight=False)
        raise SystemExit(INTERRUPTED) from None
    for failure in run.failures:
        console.print(failure, markup=False, highlight=False)
    console.print(_summarise(run), highlight=False)
    raise SystemExit(1 if run.failures else 0)


def _list_files(path: Path, run: _Run) -> Iterator[Path]:
    """Yield a file, or the files below a folder that the archive can read.

    Below a folder names that begin with a dot are passed over, and links to folders. A folder that can't be read is
    added to the refusals.
    """
    if not path.is_dir():
        yield path
        return
    for folder, subfolders, names in os.walk(path, onerror=lambda error: run.refusals.append(_describe(error))):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        shown = sorted(name for name in names if not name.startswith("."))
        readable = [name for name in shown if _has_known_extension(name)]
        run.passed_over += len(shown) - len(readable)
        yield from (Path(folder, name) for name in readable)


def _has_known_extension(name: str) -> bool:
    try:
        FileFactory.get_datafile_class_for_extension(EmptyFile(name).extension)
    except FileSpecificationException as error:
        return error.code != "filetype.unknown"  # a mapping that leads nowhere is the worker's to report
    return True


def _describe(error: OSError) -> str:
    return f"{click.format_filename(error.filename)}: not submitted: {error.strerror}"


def _submit_all(files: list[Path], metadata: Mapping[str, Any], run: _Run, progress: Progress) -> None:
    for file in progress.track(files, description="Submitted"):
        try:
            run.job_ids.append(_submit(file, metadata))
        except (BadRequest, OSError) as error:
            run.refusals.append(f"{click.format_filename(file)}: not submitted: {error}")


def _submit(file: Path, metadata: Mapping[str, Any]) -> int:
    job = actions.submit_file(file.absolute(), Door.SHELL, metadata)
    db.session.commit()
    ring(job.id)
    return job.id


def _wait(run: _Run, progress: Progress) -> None:
    """Wait until each job has ended; if at first nothing happens, say why."""
    bar = progress.add_task("Ended", total=len(run.job_ids))
    doubtful_at_s = time.monotonic() + PATIENCE_S
    while run.waiting:
        time.sleep(POLL_S)
        db.session.close()  # see what the workers have written since, and keep what was read
        run.ended += queries.list_ended(run.waiting)
        progress.update(bar, completed=len(run.ended))
        if time.monotonic() > doubtful_at_s:
            doubtful_at_s = math.inf
            for doubt in _find_doubts():
                progress.console.print(doubt, highlight=False)


def _find_doubts() -> Iterator[str]:
    workers = list_workers()
    if workers is None:
        yield "The queue does not answer: start Redis at the setting REDIS_URL. The files wait in the database."
    elif not workers:
        yield (
            "No worker runs, so the files wait. “flask --app wsgi worker”, in another terminal, starts one; Ctrl-C "
            "here leaves them in the queue."
        )


def _farewell(run: _Run) -> str:
    count = len(run.waiting)
    stay = "1 submitted file stays" if count == 1 else f"{count} submitted files stay"
    return f"Stopped waiting. {stay} in the queue: the workers go on with them, and the page /ingest shows how."


def _summarise(run: _Run) -> str:
    counts = {state: sum(job.state == state for job in run.ended) for state in JobState}
    parts = [f"{count} {state.replace('_', ' ')}" for state, count in counts.items() if count]
    if run.waiting:
        parts.append(f"{len(run.waiting)} submitted")
    if run.refusals:
        parts.append(f"{len(run.refusals)} not submitted")
    return ", ".join(parts) or "There was no file to ingest."


def _build_progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description:>9}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console)
