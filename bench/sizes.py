"""What the tables and indexes of a loaded archive take on disk, and how quickly rows go into them."""

import datetime as dt
import time
from typing import Any

import psycopg

from bench.catalogue import Catalogue
from bench.catalogue_rows import Chunk, make_chunks
from bench.loaded_archive import LoadedArchive
from bench.loading import copy_chunk

INSERTED = 5_000  # frames

FIND_SIZES = """
    SELECT relation.relname, relation.relkind::text, pg_relation_size(relation.oid) FROM pg_class relation
    JOIN pg_namespace ON pg_namespace.oid = relnamespace AND nspname = 'public'
    WHERE relkind IN ('r', 'i') AND pg_relation_size(relation.oid) > 100000 ORDER BY 3 DESC
"""


def measure_sizes(archive: LoadedArchive) -> list[tuple[str, str, int]]:
    """Return name, kind (``r``: table, ``i``: index) and bytes of what is large; of SQLite only the whole file."""
    if not archive.is_postgresql:
        return [("database file", "r", archive.sqlite_path.stat().st_size)]
    with psycopg.connect(archive.plain_url) as connection:
        return connection.execute(FIND_SIZES).fetchall()


def measure_insertion(archive: LoadedArchive) -> dict[str, Any] | None:
    """Add some frames with all that hangs on them, with all indexes and triggers, and take them back."""
    if not archive.is_postgresql:
        return None
    (chunk,) = make_chunks(Catalogue(INSERTED, dt.datetime.now(dt.UTC), seed=7))
    with psycopg.connect(archive.plain_url) as connection:
        connection.execute("SET timezone = 'UTC'")
        (newest,) = connection.execute("SELECT max(id) FROM frame").fetchone()
        rows = _move(chunk, newest + 1_000_000)
        begin_s = time.monotonic()
        copy_chunk(connection, rows)
        took_s = time.monotonic() - begin_s
        connection.rollback()
    return {"frames": INSERTED, "seconds": round(took_s, 3), "per_s": round(INSERTED / took_s)}


def _move(chunk: Chunk, by: int) -> Chunk:
    """Give frames other ids, and names that no other has."""
    return Chunk(
        [(row[0] + by, f"x{row[1]}", *row[2:]) for row in chunk.frames],
        [(row[0] + 2 * by, row[1] + by, f"x{row[2]}", f"x{row[3]}", *row[4:]) for row in chunk.versions],
        [(row[0] + by, row[1]) for row in chunk.headers],
        [(row[0] + by, row[1] + by) for row in chunk.related],
    )
