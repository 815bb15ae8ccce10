"""Indexes that bare SQL needs and the archive does not, as it has the columns in memory: made for a bench alone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

INDEXES = {
    "floor_instrument": "(instrument_id, observation_date)",
    "floor_site": "(site_id, telescope_id, observation_date)",
    "floor_element": "(primary_optical_element, observation_date)",
    "floor_target": "(target_name)",
    "floor_part_of_target": "USING gin (target_name_ascii gin_trgm_ops)",
}


@contextmanager
def floor_indexes(url: str, say: Callable[[str], None]) -> Iterator[None]:
    """Have the floor's indexes for a while.

    Parameters
    ----------
    url
        Of a loaded archive, as libpq reads it.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET maintenance_work_mem = '1GB'")
        say("making the floor's indexes")
        for name, definition in INDEXES.items():
            connection.execute(f"CREATE INDEX IF NOT EXISTS {name} ON frame {definition}")
    try:
        yield
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"DROP INDEX IF EXISTS {', '.join(INDEXES)}")
