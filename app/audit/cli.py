"""The audit from a shell: ``flask --app wsgi audit``."""

import datetime as dt
import sys
from collections.abc import Iterable, Iterator, Set
from contextlib import suppress
from typing import IO

import click
from flask import Blueprint
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from app.audit.actions import repair
from app.audit.comparison import Scope, compare
from app.audit.findings import AuditError, Finding, Policy
from app.audit.leftovers import LEFTOVER_AGE, find_leftovers
from app.audit.queries import count_rows
from app.audit.report import Report, describe
from app.extensions import db, get_config, get_file_store
from ocs_archive.storage.filestore import FileStore, FileStoreConnectionError, FileStoreSpecificationError

#: What an ingest may take from the stored file to the committed row, and by how much clocks may differ, is less.
YOUNG = dt.timedelta(hours=1)
MOST_SHOWN = 20
PATHS_PER_UPDATE = 20  # of the progress bar
NOTHING_FOUND, FINDINGS_REMAIN, NOT_FINISHED = 0, 1, 2
STOPS = (AuditError, FileStoreConnectionError, FileStoreSpecificationError, SQLAlchemyError, OSError, KeyboardInterrupt)

blueprint = Blueprint("audit_cli", __name__, cli_group=None)


@blueprint.cli.command("audit")
@click.option("--checksums", is_flag=True, help="Read each file, and compare its md5 too.")
@click.option("--prefix", default="", metavar="PATH", help="Look only at files whose path in the store begins so.")
@click.option(
    "policies",
    "--repair",
    multiple=True,
    type=click.Choice([policy.value for policy in Policy]),
    help="Do more than report; may be given several times. See docs/audit.md.",
)
@click.option("--at-rest", is_flag=True, help="No other program of the archive runs: judge also what is young.")
@click.option(
    "report_file",
    "--report",
    metavar="FILE",
    type=click.File("w", encoding="utf-8", lazy=False),
    help="Write a line of JSON for each finding, and one for the whole; - is the standard output.",
)
def audit(checksums: bool, prefix: str, policies: tuple[str, ...], at_rest: bool, report_file: IO[str] | None) -> None:
    """Compare the archive's rows with the files in its store.

    The exit status is 0 if nothing is amiss, 1 if findings remain, and 2 if the audit could not be finished.
    """
    report = Report(now(), report_file)
    console = Console(soft_wrap=True, stderr=report_file is sys.stdout)
    error = None
    try:
        chosen = {Policy(policy) for policy in policies}
        scope = Scope(
            **_find_limits(report.started, at_rest=at_rest),
            prefix=prefix,
            with_checksums=checksums,
            with_unsized=Policy.MARK in chosen,
        )
        _run(scope, chosen, report, console)
        report.close(None)
    except STOPS as stop:
        error = _describe_stop(stop)
        with suppress(OSError):  # it may be the report itself that can't be written
            report.close(error)
    _print_summary(console, report, error)
    raise SystemExit(NOT_FINISHED if error else FINDINGS_REMAIN if report.remaining else NOTHING_FOUND)


def _find_limits(started: dt.datetime, *, at_rest: bool) -> dict[str, dt.datetime]:
    """Return how old rows, stored files and leftovers must be to be judged: no ingest takes so long."""
    if at_rest:
        return {"judged_before": started, "leftovers_before": started}
    margin = max(YOUNG, 2 * dt.timedelta(seconds=get_config().ingest_job_timeout_s))
    return {"judged_before": started - margin, "leftovers_before": started - LEFTOVER_AGE}


def _run(scope: Scope, policies: Set[Policy], report: Report, console: Console) -> None:
    store = get_file_store()
    with _build_progress(console) as progress:
        bar = progress.add_task("Compared", total=count_rows(scope.prefix) if console.is_terminal else None)
        for turn, findings in enumerate(_find(store, scope, report)):
            if turn % PATHS_PER_UPDATE == 0:
                progress.update(bar, completed=report.counts.rows)
            for finding in findings:
                _settle(store, finding, policies, report, console)
        progress.update(bar, completed=report.counts.rows)


def _find(store: FileStore, scope: Scope, report: Report) -> Iterator[Iterable[Finding]]:
    yield from compare(store, scope, report.counts)
    if not scope.prefix:
        yield find_leftovers(store, scope.leftovers_before)


def _settle(store: FileStore, finding: Finding, policies: Set[Policy], report: Report, console: Console) -> None:
    done = repair(store, finding, policies)
    db.session.rollback()  # no transaction stays open while files are read
    report.add(finding, done)
    if report.number <= MOST_SHOWN:
        console.print(describe(finding, done), markup=False, highlight=False)


def _describe_stop(stop: BaseException) -> str:
    if isinstance(stop, SQLAlchemyError):
        return f"The database failed: {stop.orig if isinstance(stop, DBAPIError) else stop}"
    return "It was interrupted." if isinstance(stop, KeyboardInterrupt) else str(stop)


def _print_summary(console: Console, report: Report, error: str | None) -> None:
    if report.number > MOST_SHOWN:
        console.print(f"… and {report.number - MOST_SHOWN} more; --report FILE has them all.", highlight=False)
    if report.number:
        console.print(report.build_table())
    console.print(report.describe_counts(), highlight=False)
    if error:
        console.print(f"The audit could not be finished. {error}", markup=False, highlight=False)
    else:
        console.print(f"Findings that remain: {report.remaining}." if report.remaining else "Nothing is amiss.")


def _build_progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal)


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
