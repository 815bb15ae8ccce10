"""How the changes since a look are looked for, where there are many."""

import pytest
from flask import Flask
from sqlalchemy import text

from app.extensions import db
from app.frame_columns.changes import _select_later, mark_now

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

NOTES = 500_000
FILL = """
    INSERT INTO frame_change (frame_id, transaction_id)
    SELECT n, pg_current_xact_id()::text::bigint - :notes + n FROM generate_series(1, :notes) AS n
"""


def test_the_notes_that_were_taken_in_are_not_read_again(app: Flask) -> None:
    with app.app_context():
        db.session.execute(text(FILL), {"notes": NOTES})
        db.session.commit()
        db.session.execute(text("ANALYZE frame_change"))
        mark = mark_now()
        statement = str(_select_later(True).statement.compile(dialect=db.engine.dialect))
        for place, name in enumerate(("then", "newest", "most"), 1):
            statement = statement.replace(f"%({name})s", f"${place}")
        db.session.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
        driver = db.session.connection().exec_driver_sql
        driver(f"PREPARE later AS {statement}")
        plan = driver(f"EXPLAIN (ANALYZE) EXECUTE later ('{mark.position}', {mark.newest[0]}, 20000)").scalars().all()
        driver("DEALLOCATE later")
    assert "ix_frame_change_transaction_id" in "\n".join(plan)
    assert not [line for line in plan if "Rows Removed" in line], plan
