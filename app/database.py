"""How connections to the database are set up."""

import sqlite3
from typing import Any

from flask import Flask
from sqlalchemy import event

from app.extensions import db
from app.frames.sky import register_sky_functions

LONGEST_WAIT_FOR_LOCK_S = 30
#: A server whose machine is gone says nothing more: within a minute its connections are given up.
POSTGRESQL_PATIENCE = {
    "connect_timeout": 10,  # seconds
    "keepalives_idle": 20,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
}


def build_engine_options(database_url: str) -> dict[str, Any]:
    """Return the pool's and the driver's options for a database."""
    if database_url.startswith("sqlite"):
        return {"connect_args": {"timeout": LONGEST_WAIT_FOR_LOCK_S}}
    # A connection that died with its server is noticed, and replaced, before it is used.
    return {"pool_pre_ping": True, "pool_size": 8, "max_overflow": 8, "connect_args": POSTGRESQL_PATIENCE}


def set_up_connections(app: Flask) -> None:
    """Have each new connection of the application set up before its first use."""
    with app.app_context():
        event.listen(db.engine, "connect", _set_up)


def _set_up(connection: Any, _record: Any) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    # WAL lets the web read while a worker writes. FULL: what is committed stays, even if power fails.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    register_sky_functions(connection)
