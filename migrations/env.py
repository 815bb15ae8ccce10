"""How Alembic reaches the application's database, and what in it is ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic import context
from sqlalchemy import Connection

from app.columns import Geography
from app.extensions import db

#: Tables that SQLAlchemy has no words for (the R*Tree and what SQLite keeps for it), and PostGIS's own.
NOT_OURS = ("footprint_box", "spatial_ref_sys")


def is_ours(item: Any, name: str | None, kind: str, reflected: bool, _compare_to: Any) -> bool:
    if kind == "index" and not reflected:
        # SQLite has no GiST and no GIN; what they serve it does by its R*Tree, or by looking at each row.
        return db.engine.dialect.name == "postgresql" or not item.dialect_options["postgresql"]["using"]
    return not (kind == "table" and reflected and (name or "").startswith(NOT_OURS))


def compare_type(_context: Any, _inspected: Any, _metadata: Any, inspected_type: Any, _metadata_type: Any) -> Any:
    """Take PostGIS's column for ours: reflection gives it an index flag that says nothing."""
    return False if isinstance(inspected_type, Geography) else None


def run_migrations() -> None:
    with db.engine.connect() as connection, without_foreign_keys(connection):
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            include_object=is_ours,
            compare_type=compare_type,
            render_as_batch=connection.dialect.name == "sqlite",  # which can't alter a column in place
        )
        with context.begin_transaction():
            context.run_migrations()


@contextmanager
def without_foreign_keys(connection: Connection) -> Iterator[None]:
    """Let SQLite replace a table by its altered copy without deleting, by cascade, what refers to it."""
    if connection.dialect.name != "sqlite":
        yield
        return
    connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
    connection.rollback()  # the pragma counts from the next transaction on
    try:
        yield
    finally:
        connection.invalidate()  # no one else gets this connection


run_migrations()
