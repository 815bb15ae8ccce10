"""How connections to the database are set up."""

import sqlite3
import time
from typing import Any

from flask import Flask
from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError

from app.config import AppConfig
from app.extensions import db
from app.frames.sky import register_sky_functions
from app.reading import REPLICA

LONGEST_WAIT_FOR_LOCK_S = 30
REPLICA_CONNECT_TIMEOUT_S = 2  # psycopg's least; then the primary is read
#: A server whose machine is gone says nothing more: within a minute its connections are given up.
POSTGRESQL_PATIENCE = {
    "connect_timeout": 10,  # seconds
    "keepalives_idle": 20,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
}


UNSEEN_S = 1.0  # for which a connection may lie in the pool before it is asked whether it still lives


def build_engine_options(config: AppConfig, database_url: str) -> dict[str, Any]:
    """Return the pool's and the driver's options for a database."""
    if database_url.startswith("sqlite"):
        return {"connect_args": {"timeout": LONGEST_WAIT_FOR_LOCK_S}}
    options: dict[str, Any] = POSTGRESQL_PATIENCE | {"application_name": "archive"}
    if not config.database_prepared_statements:
        options["prepare_threshold"] = None
    # A thread needs two connections at most. The last one that was used is taken first: it has prepared the statements.
    return {"pool_size": 8, "max_overflow": 8, "pool_use_lifo": True, "connect_args": options}


def build_replica(config: AppConfig) -> dict[str, dict[str, Any]]:
    """Return what Flask-SQLAlchemy calls binds: the replica, if there is one."""
    if not config.database_reader_url:
        return {}
    options = build_engine_options(config, config.database_reader_url)
    options["connect_args"] |= {"connect_timeout": REPLICA_CONNECT_TIMEOUT_S} if "pool_size" in options else {}
    return {REPLICA: {"url": config.database_reader_url} | options}


def set_up_connections(app: Flask) -> None:
    """Have each new connection of the application set up before its first use."""
    with app.app_context():
        for engine in db.engines.values():
            event.listen(engine, "connect", _set_up)
            if engine.dialect.name == "postgresql":
                _look_after_idle_connections(engine)


def _look_after_idle_connections(engine: Engine) -> None:
    """Replace, before it is used, a connection that died with its server.

    To ask before each use would cost each request a round trip; a read whose connection dies between two requests that
    follow each other at once is tried again by `app.reading`.
    """

    def note(_connection: Any, record: Any) -> None:
        record.info["seen_s"] = time.monotonic()

    def ask(connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info["seen_s"] < UNSEEN_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error

    event.listen(engine, "checkin", note)
    event.listen(engine, "checkout", ask)


def _set_up(connection: Any, record: Any) -> None:
    record.info["seen_s"] = time.monotonic()
    if not isinstance(connection, sqlite3.Connection):
        return
    # WAL lets the web read while a worker writes. FULL: what is committed stays, even if power fails.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    register_sky_functions(connection)
