"""Reads that need no transaction: from the replica that DATABASE_READER_URL names, or else from the primary.

Each statement sees what was committed before it, as in PostgreSQL's transactions, and saves a BEGIN and a ROLLBACK.
What must not be late, such as who is asking, and what a client has just written, is read from the primary.
"""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from flask import current_app
from sqlalchemy import Connection, Engine, Executable
from sqlalchemy.exc import DBAPIError, OperationalError

from app.extensions import db
from app.often import OftenRead

log = logging.getLogger(__name__)

REPLICA = "replica"
PAUSE_S = 10.0

Statement = Executable | OftenRead
Rows = Sequence[Any]
Parameters = Mapping[str, Any]


class Replica:
    """Whether the replica is asked: once it was away, not for a while."""

    def __init__(self) -> None:
        self._left_alone_until_s = 0.0

    @property
    def is_asked(self) -> bool:
        return REPLICA in db.engines and time.monotonic() >= self._left_alone_until_s

    def leave_alone(self, error: Exception) -> None:
        log.warning("the replica does not answer, the primary is read: %s", error)
        self._left_alone_until_s = time.monotonic() + PAUSE_S


def read(statement: Statement, parameters: Parameters | None = None) -> Rows:
    """Return the rows of a statement, which the replica may be a little late with."""
    replica = _get_replica()
    if replica.is_asked:
        try:
            return _execute(db.engines[REPLICA], statement, parameters)
        except OperationalError as error:
            replica.leave_alone(error)
    return read_primary(statement, parameters)


def read_primary(statement: Statement, parameters: Parameters | None = None) -> Rows:
    """Return the rows of a statement as they are by now."""
    return _execute(db.engine, statement, parameters)


@contextmanager
def connect_for_reading() -> Iterator[Connection]:
    """Give a connection, with a transaction, to where `read` reads: for what is too large to be read whole."""
    replica = _get_replica()
    if replica.is_asked:
        try:
            connection = db.engines[REPLICA].connect()
        except OperationalError as error:
            replica.leave_alone(error)
        else:
            with connection:
                yield connection
            return
    with db.engine.connect() as connection:
        yield connection


def _execute(engine: Engine, statement: Statement, parameters: Parameters | None) -> Rows:
    """Execute a read; once more, if the server has ended the connection since it was last used."""
    if isinstance(statement, OftenRead):
        if not engine.dispatch.before_cursor_execute:  # else somebody wants to hear of each statement
            with engine.connect() as connection:
                try:
                    return statement.fetch_all(connection, parameters or {})
                except engine.dialect.loaded_dbapi.Error as error:
                    connection.invalidate(error)  # below, SQLAlchemy knows what the driver's errors mean
        statement = statement.statement
    try:
        return _execute_once(engine, statement, parameters)
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        return _execute_once(engine, statement, parameters)


def _execute_once(engine: Engine, statement: Executable, parameters: Parameters | None) -> Rows:
    with _in_autocommit(engine).connect() as connection:
        return connection.execute(statement, parameters).all()


def _in_autocommit(engine: Engine) -> Engine:
    """Return an engine that shares the other's connections."""
    engines: dict[Engine, Engine] = current_app.extensions["reading_engines"]
    if engine not in engines:
        engines[engine] = engine.execution_options(isolation_level="AUTOCOMMIT")
    return engines[engine]


def _get_replica() -> Replica:
    replica: Replica = current_app.extensions["replica"]
    return replica
