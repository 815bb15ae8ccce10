"""Measure what each index of the frames' tables is for: the query that needs it, with it and without it."""

import datetime as dt
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
import psycopg
from psycopg import sql

from bench.loaded_archive import loaded_archive
from bench.machine import describe_machine
from bench.report import build_table, replace_section
from bench.search import DOCUMENT
from tests.services import temporary_folder

TABLES = ("frame", "version", "header", "thumbnail", "related_frame", "frame_change")
#: Of each index the reads that need it, and one of them as SQL.
NEEDS: dict[str, tuple[str, str]] = {
    "pk_frame": ("a frame by its id, the rows of a page", "SELECT basename FROM frame WHERE id = {frame_id}"),
    "uq_frame_basename": (
        "a frame that comes again; basename_exact; ordering=basename",
        "SELECT id FROM frame WHERE basename = {basename}",
    ),
    "ix_frame_observation_date": (
        "the newest of what only SQL can find, and of all while the columns are being read",
        "SELECT id FROM frame WHERE public_date <= now() ORDER BY observation_date DESC, id DESC LIMIT 100",
    ),
    "ix_frame_observation_day": (
        "a night's page; the night before, and after",
        "SELECT count(public_date) FROM frame WHERE observation_day = {observation_day}::date",
    ),
    "ix_frame_proposal_id": (
        "the frames that a ruling on a proposal is about",
        "SELECT count(public_date) FROM frame WHERE proposal_id = {proposal_id}",
    ),
    "ix_frame_request_id": ("request_id", "SELECT id FROM frame WHERE request_id = {request_id}"),
    "ix_frame_observation_id": ("observation_id", "SELECT id FROM frame WHERE observation_id = {observation_id}"),
    "ix_frame_public_date": (
        "alerts: what has become public since a look",
        "SELECT id FROM frame WHERE public_date > now() - interval '1 minute' AND public_date <= now()"
        " AND public_date > observation_date",
    ),
    "ix_frame_area": (
        "position, covers, intersects",
        "SELECT id FROM frame WHERE ST_Intersects(area, {area}::geography)",
    ),
    "ix_frame_basename_trigram": (
        "basename",
        "SELECT id FROM frame WHERE basename ILIKE '%' || {basename_part} || '%'",
    ),
    "pk_version": ("a download by its link", "SELECT store_path FROM version WHERE id = {version_id}"),
    "uq_version_md5": ("a file that comes again", "SELECT frame_id FROM version WHERE md5 = {md5}"),
    "ix_version_frame_id": ("the versions of a page's frames", "SELECT id FROM version WHERE frame_id = {frame_id}"),
    "ix_version_store_path": (
        "the audit, which walks the store in this order",
        "SELECT id FROM version WHERE (store_path, key) > ({store_path}, '') ORDER BY store_path, key LIMIT 1000",
    ),
    "pk_header": ("a frame's header", "SELECT data FROM header WHERE frame_id = {frame_id}"),
    "ix_header_submitter": (
        "submitter",
        "SELECT frame_id FROM header WHERE CAST(data ->> 'USERID' AS TEXT) = 'nobody'",
    ),
    "pk_thumbnail": ("a picture by its link", "SELECT store_path FROM thumbnail WHERE id = 1"),
    "uq_thumbnail_frame_id_size": (
        "the pictures of a page's frames",
        "SELECT id FROM thumbnail WHERE frame_id = {frame_id}",
    ),
    "ix_thumbnail_store_path": (
        "the audit, as for versions",
        "SELECT id FROM thumbnail WHERE (store_path, key) > ('', '') ORDER BY store_path, key LIMIT 1000",
    ),
    "pk_related_frame": (
        "what a page's frames were made from",
        "SELECT related_id FROM related_frame WHERE frame_id = {frame_id}",
    ),
    "ix_related_frame_related_id": (
        "what was made from a page's frames",
        "SELECT frame_id FROM related_frame WHERE related_id = {frame_id}",
    ),
    "pk_frame_change": ("the newest change, by which a snapshot is known", "SELECT max(id) FROM frame_change"),
    "ix_frame_change_transaction_id": (
        "each answer: what changed since the last look",
        "SELECT frame_id FROM frame_change WHERE transaction_id >= 9000000000000",
    ),
    "ix_frame_change_noted": (
        "what is old enough to be forgotten",
        "SELECT id FROM frame_change WHERE noted < now() - interval '1 year'",
    ),
}
SAMPLE = """
    SELECT frame.id AS frame_id, basename, observation_day, proposal_id, request_id, observation_id,
        ST_AsText(area) AS area, substr(basename, 6, 18) AS basename_part, version.id AS version_id, md5, store_path
    FROM frame JOIN version ON frame_id = frame.id
    WHERE frame.id >= (SELECT max(id) / 2 FROM frame) AND area IS NOT NULL AND request_id IS NOT NULL
    ORDER BY frame.id LIMIT 1
"""
SIZES = """
    SELECT indexrelid::regclass::text, pg_size_pretty(pg_relation_size(indexrelid))
    FROM pg_index WHERE indrelid = ANY (%s::regclass[]) ORDER BY pg_relation_size(indexrelid) DESC, 1
"""
#: Seen by nobody else, as it is never committed.
HIDE = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass"
LONGEST_S = 60
NO_REDIS = "redis://127.0.0.1:1"  # nothing here asks it


@dataclass(frozen=True)
class IndexUse:
    """What a query takes with an index and without it: milliseconds, the second time that it is asked.

    An index of an empty table is not used.
    """

    name: str
    size: str
    with_ms: float
    without_ms: float
    is_used: bool


def measure_indexes(url: str) -> Iterator[IndexUse]:
    """Measure each index of `TABLES`.

    Parameters
    ----------
    url
        Of a superuser's connection to a loaded archive. Nothing in it is changed.

    Raises
    ------
    KeyError
        If nothing is known to need an index.
    """
    with psycopg.connect(url, row_factory=psycopg.rows.dict_row) as connection:
        connection.execute(f"SET statement_timeout = '{LONGEST_S}s'")
        sample = {name: sql.Literal(value) for name, value in connection.execute(SAMPLE).fetchone().items()}
    with psycopg.connect(url) as connection:
        for name, size in connection.execute(SIZES, [list(TABLES)]).fetchall():
            query = sql.SQL(NEEDS[name][1]).format(**sample)
            with_ms, is_used = _explain(connection, query, name)
            connection.execute(HIDE, [name])
            without_ms, _ = _explain(connection, query, name)
            connection.rollback()
            yield IndexUse(name, size, with_ms, without_ms, is_used)


def _explain(connection: psycopg.Connection, query: sql.Composed, index: str) -> tuple[float, bool]:
    for _ in range(2):
        ((plan,),) = connection.execute(sql.SQL("EXPLAIN (ANALYZE, FORMAT JSON) {}").format(query)).fetchall()
    return plan[0]["Execution Time"], f"'{index}'" in str(plan)


def build_index_table(uses: Iterable[IndexUse]) -> str:
    """Return the table of the indexes, the largest first."""
    rows = [
        (
            use.name,
            NEEDS[use.name][0],
            use.size,
            *((_ms(use.with_ms), _ms(use.without_ms)) if use.is_used else ("", "")),
        )
        for use in uses
    ]
    return build_table(("index", "what needs it", "size", "with it", "without it"), rows)


def _ms(milliseconds: float) -> str:
    return f"{milliseconds:.2f} ms"


@click.command()
@click.option("--frames", default=1_000_000, show_default=True, help="How many, where none are loaded yet.")
@click.option("--url", help="A PostgreSQL database that is loaded.")
@click.option("--keep", type=click.Path(path_type=Path), help="Folder that keeps the archive for the next run.")
@click.option("--write", is_flag=True, help="Write the table into docs/performance.md.")
def main(frames: int, url: str | None, keep: Path | None, write: bool) -> None:
    """Print the table of a large archive's indexes."""
    with ExitStack() as stack:
        folder = (keep or stack.enter_context(temporary_folder())).resolve()
        say = partial(click.echo, err=True)
        archive = stack.enter_context(loaded_archive(frames, "postgresql", url, folder, NO_REDIS, say))
        with psycopg.connect(archive.plain_url) as connection:
            ((size,),) = connection.execute("SELECT max(id) FROM frame").fetchall()
        heading = f"{dt.datetime.now(dt.UTC):%Y-%m-%d}: {size:,} frames. {describe_machine()}."
        report = f"{heading}\n\n{build_index_table(measure_indexes(archive.plain_url))}"
    click.echo(report)
    if write:
        replace_section(DOCUMENT, "indexes", report)


if __name__ == "__main__":
    main()
