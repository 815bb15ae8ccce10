"""Each index of the frames' tables is needed by a query that is known, and used for it."""

import pytest
from flask import Flask
from sqlalchemy import text

from app.extensions import db
from bench.indexes import NEEDS, SIZES, TABLES, measure_indexes
from tests.frames_factory import add_frame, square

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def test_each_index_is_named_with_what_needs_it(app: Flask) -> None:
    with app.app_context():
        found = db.session.connection().exec_driver_sql(SIZES, (list(TABLES),))
        assert {name for name, _size in found} == set(NEEDS)


def test_an_index_is_measured_and_stays(app: Flask) -> None:
    with app.app_context():
        for number in range(3):
            add_frame(f"frame-of-some-length-{number}", area=square(10, 20, 0.5))
        url = db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        uses = {use.name: use for use in measure_indexes(url)}
        assert set(uses) == set(NEEDS)
        assert uses["pk_related_frame"].without_ms > 0
        assert db.session.scalar(text("SELECT count(*) FROM pg_index WHERE NOT indisvalid")) == 0
