"""Bring a catalogue into an empty, migrated database, past the application: rows first, then their indexes."""

import csv
import datetime as dt
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from psycopg import sql

from app.columns import pack_ring, to_ewkt
from app.frames.search import to_ascii
from app.frames.sphere import MARGIN, to_unit_vectors
from bench.catalogue_rows import CHUNK, FRAME_COLUMNS, VERSION_COLUMNS, Chunk, Row

AREA = FRAME_COLUMNS.index("area")
COLUMNS = {
    "frame": FRAME_COLUMNS,
    "version": VERSION_COLUMNS,
    "header": ["frame_id", "data"],
    "related_frame": ["frame_id", "related_id"],
}
Log = Callable[[str], None]

FIND_CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE contype = 'u' AND conrelid = ANY (%s::regclass[])
"""
FIND_INDEXES = """
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
    WHERE NOT indisprimary AND NOT indisunique AND indrelid = ANY (%s::regclass[]) ORDER BY 1
"""
FIND_IN_SQLITE = """
    SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name IN ({})
    AND (type = 'index' OR (type = 'trigger' AND name LIKE 'note\\_%' ESCAPE '\\')) ORDER BY type, name
"""
LOAD_CACHE_KIB = 2**20
#: The load alone: it may take memory that a server with users keeps for them, and tests of keys that the maker keeps.
LOAD_SETTINGS = (
    "SET timezone = 'UTC'",
    "SET session_replication_role = replica",
    "SET synchronous_commit = off",
    "SET maintenance_work_mem = '1GB'",
    "SET max_parallel_maintenance_workers = 2",
)


def load_postgresql(url: str, chunks: Iterable[Chunk], say: Log) -> None:
    """Load into PostgreSQL by COPY.

    Parameters
    ----------
    url
        Of a superuser's connection, as libpq reads it.
    say
        Is told what has been done, and how long it took.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in LOAD_SETTINGS:
            connection.execute(setting)
        rebuild = _drop_indexes(connection)
        begin_s = time.monotonic()
        for chunk in chunks:
            copy_chunk(connection, chunk)
        say(f"rows: {time.monotonic() - begin_s:.0f} s")
        for name, statement in rebuild:
            begin_s = time.monotonic()
            connection.execute(statement)
            say(f"{name}: {time.monotonic() - begin_s:.1f} s")
        for table in ("frame", "version"):
            connection.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")
        begin_s = time.monotonic()
        connection.execute("VACUUM (ANALYZE)")
        say(f"vacuum: {time.monotonic() - begin_s:.0f} s")


def copy_chunk(connection: psycopg.Connection, chunk: Chunk) -> None:
    """Bring some frames in by COPY; the session's time zone is UTC."""
    _copy(connection, "frame", (_with_area(row, _write_ewkt) for row in chunk.frames))
    _copy(connection, "version", chunk.versions)
    _copy(connection, "header", chunk.headers)
    _copy(connection, "related_frame", chunk.related)


def load_sqlite(path: Path, chunks: Iterable[Chunk], say: Log) -> None:
    """Load into SQLite, whose R*Tree is filled, too."""
    begin_s = time.monotonic()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute(f"PRAGMA cache_size = {-LOAD_CACHE_KIB}")
    rebuild = connection.execute(FIND_IN_SQLITE.format(", ".join("?" * len(COLUMNS))), list(COLUMNS)).fetchall()
    for kind, name, _ in rebuild:
        connection.execute(f"DROP {kind} {name}")
    for chunk in chunks:
        connection.execute("BEGIN")
        _insert(connection, "frame", (_with_area(row, _pack) for row in chunk.frames))
        _insert(connection, "version", chunk.versions)
        _insert(connection, "header", chunk.headers)
        _insert(connection, "related_frame", chunk.related)
        connection.executemany("INSERT INTO footprint_box VALUES (?, ?, ?, ?, ?, ?, ?)", _find_boxes(chunk.frames))
        connection.execute("COMMIT")
    say(f"rows: {time.monotonic() - begin_s:.0f} s")
    for _, _, statement in rebuild:
        connection.execute(statement)
    connection.execute("ANALYZE")
    connection.close()
    say(f"rows and indexes: {time.monotonic() - begin_s:.0f} s")


def read_csv(folder: Path) -> Iterator[Chunk]:
    """Read a catalogue of files frames.csv, versions.csv, headers.csv and related.csv, with their columns' names.

    They stand in the order of the frames' ids; ids of versions follow the order of the file.
    """
    with (
        (folder / "frames.csv").open() as frame_file,
        (folder / "versions.csv").open() as version_file,
        (folder / "headers.csv").open() as header_file,
        (folder / "related.csv").open() as related_file,
    ):
        frames, versions = csv.DictReader(frame_file), enumerate(csv.DictReader(version_file), 1)
        headers, related = csv.reader(header_file), csv.reader(related_file)
        next(headers), next(related)
        while rows := [_read_frame(line) for line in islice(frames, CHUNK)]:
            yield Chunk(
                rows,
                [_read_version(number, line) for number, line in islice(versions, CHUNK)],
                list(map(tuple, islice(headers, CHUNK))),
                list(map(tuple, islice(related, 3 * CHUNK))),
            )
        yield Chunk([], [_read_version(number, line) for number, line in versions], [], list(map(tuple, related)))


def _drop_indexes(connection: psycopg.Connection) -> list[tuple[str, str]]:
    """Drop all indexes but those of primary keys, and return their names and how they are made again."""
    rebuild = []
    for table, name, definition in connection.execute(FIND_CONSTRAINTS, [list(COLUMNS)]).fetchall():
        connection.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(*map(sql.Identifier, (table, name))))
        rebuild.append((name, f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}'))
    for name, definition in connection.execute(FIND_INDEXES, [list(COLUMNS)]).fetchall():
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
        rebuild.append((name, definition))
    return rebuild


def _copy(connection: psycopg.Connection, table: str, rows: Iterable[Row]) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, COLUMNS[table]))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        rows = iter(rows)
        while lines := ["\t".join([r"\N" if it is None else str(it) for it in row]) for row in islice(rows, 5000)]:
            copy.write("\n".join(lines).replace('\\"', '\\\\"') + "\n")


def _insert(connection: sqlite3.Connection, table: str, rows: Iterable[Row]) -> None:
    names = COLUMNS[table]
    connection.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})", rows)


def _with_area(row: Row, write: Callable[[Any], Any]) -> Row:
    return (*row[:AREA], write(row[AREA]) if row[AREA] else None, *row[AREA + 1 :])


def _write_ewkt(area: Sequence[float]) -> str:
    return to_ewkt(np.reshape(area, (-1, 2)))


def _pack(area: Sequence[float]) -> bytes:
    return pack_ring(np.reshape(area, (-1, 2)))


def _find_boxes(frames: Sequence[Row]) -> list[Row]:
    """Return what the R*Tree keeps of frames with an area, as `app.frames.sphere.bounding_box` makes it of one."""
    placed = [row for row in frames if row[AREA]]
    if not placed:
        return []
    corners = to_unit_vectors(np.reshape([row[AREA][:8] for row in placed], (-1, 2))).reshape(-1, 4, 3)
    centres = corners.sum(axis=1)
    centres /= np.linalg.norm(centres, axis=1)[:, None]
    chords = np.linalg.norm(corners - centres[:, None], axis=2).max(axis=1)
    from_axes, radius_rad = np.arccos(np.clip(centres, -1, 1)), (2 * np.arcsin(chords / 2) + MARGIN)[:, None]
    lows = np.cos(np.minimum(from_axes + radius_rad, np.pi)) - MARGIN
    highs = np.cos(np.maximum(from_axes - radius_rad, 0)) + MARGIN
    boxes = np.stack([lows, highs], axis=2).reshape(-1, 6).tolist()
    return [(row[0], *box) for row, box in zip(placed, boxes, strict=True)]


def _read_frame(line: dict[str, str]) -> Row:
    corners = line["area"].removeprefix("POLYGON((").removesuffix("))").replace(",", " ").split()
    read: dict[str, Any] = {
        **line,
        "target_name_ascii": to_ascii(line["target_name"]),
        "request_id": line["request_id"] or None,
        "area": tuple(map(float, corners)) or None,
        "modified": line["created"],
    }
    for name in ("observation_date", "public_date", "created", "modified"):
        read[name] = _read_time(read[name])
    return tuple(read[name] for name in FRAME_COLUMNS)


def _read_version(number: int, line: dict[str, str]) -> Row:
    read = {"id": number, "store_path": "", "file_fault": "", **line, "created": _read_time(line["created"])}
    return tuple(read[name] for name in VERSION_COLUMNS)


def _read_time(text: str) -> str:
    """Write a time as both databases read it."""
    return f"{dt.datetime.fromisoformat(text).astimezone(dt.UTC):%Y-%m-%d %H:%M:%S.%f}"
