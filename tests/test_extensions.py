"""The database session: a server that restarts while one is open costs nothing but what was not committed."""

from collections.abc import Callable

import psycopg
import pytest
from flask import Flask
from sqlalchemy import select, text

from app.extensions import db


def cut_connections(app: Flask) -> None:
    """Have PostgreSQL end the application's connections, as a restart does."""
    url = db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        connection.execute(f"SELECT pg_terminate_backend(pid) {others}")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("leave", [lambda: db.session.rollback(), lambda: db.session.remove()])
def test_a_session_can_be_left_whose_connection_is_gone(app: Flask, leave: Callable[[], None]) -> None:
    with app.app_context():
        db.session.execute(text("SELECT 1"))
        cut_connections(app)
        leave()
        assert db.session.scalar(select(1)) == 1
