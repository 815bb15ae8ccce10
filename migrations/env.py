"""How Alembic reaches the application's database, and what in it is ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic import context
from sqlalchemy import Connection

from app.columns import Geography
from app.extensions import db

#: Tables that SQLAlchemy has no words for (R*Tree, FTS5 and what SQLite keeps for them), and PostGIS's own.
NOT_OURS = ("footprint_box", "frame_basename", "spatial_ref_sys")
#: Who needs a table alone waits no longer than this for those who use it, for all others then wait behind.
LONGEST_LOCK_WAIT = "1s"


def is_ours(item: Any, name: str | None, kind: str, reflected: bool, _compare_to: Any) -> bool:
    if kind == "index" and not reflected:
        # SQLite has no GiST and no GIN; what they serve it does by its R*Tree, or by looking at each row.
        return db.engine.dialect.name == "postgresql" or not item.dialect_options["postgresql"]["using"]
    return not (kind == "table" and reflected and (name or "").startswith(NOT_OURS))


def compare_type(_context: Any, _inspected: Any, _metadata: Any, inspected_type: Any, _metadata_type: Any) -> Any:
    """Take PostGIS's column for ours: reflection gives it an index flag that says nothing."""
    return False if isinstance(inspected_type, Geography) else None


def run_migrations() -> None:
    with db.engine.connect() as connection, set_up(connection):
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            include_object=is_ours,
            compare_type=compare_type,
            render_as_batch=connection.dialect.name == "sqlite",  # which can't alter a column in place
            transaction_per_migration=True,  # so that a lock is held no longer than one of them takes
        )
        with context.begin_transaction():
            context.run_migrations()


@contextmanager
def set_up(connection: Connection) -> Iterator[None]:
    """Keep the migrations from harming others: those who wait, or what refers to a table.

    SQLite alters a table by replacing it by its altered copy, which must not delete, by cascade, what refers to it.
    """
    is_postgresql = connection.dialect.name == "postgresql"
    connection.exec_driver_sql(
        f"SET lock_timeout = '{LONGEST_LOCK_WAIT}'" if is_postgresql else "PRAGMA foreign_keys=OFF"
    )
    connection.commit()  # the pragma counts from the next transaction on
    try:
        yield
    finally:
        connection.invalidate()  # no one else gets this connection


run_migrations()
