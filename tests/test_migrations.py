"""The migrations make the tables that the models describe, on both databases."""

import shutil

import flask_migrate
import pytest
from sqlalchemy import func, select, text

from app.extensions import db
from app.frames.models import Header, Version
from app.reference import PROJECT_DIR
from tests.frames_factory import add_frame

#: SQLAlchemy can't read such an index of SQLite's.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index"),
    pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index"),
]

ALTER_FRAME = """
from alembic import op
import sqlalchemy as sa
revision, down_revision = "scratch", "{head}"

def upgrade():
    with op.batch_alter_table("frame") as frame:
        frame.alter_column("exposure_time", type_=sa.Numeric())

def downgrade():
    pass
"""


def test_no_drift(app):
    with app.app_context():
        flask_migrate.check()


def test_down_and_up_again(app):
    with app.app_context():
        flask_migrate.downgrade(revision="base")
        flask_migrate.upgrade()
        flask_migrate.check()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_altering_a_table_keeps_what_refers_to_it(app, tmp_path):
    """SQLite alters a column by dropping the table for a copy, which must not cascade."""
    folder = shutil.copytree(PROJECT_DIR / "migrations", tmp_path / "migrations")
    with app.app_context():
        add_frame("a-frame")
        db.session.remove()
        (head,) = db.session.execute(text("SELECT version_num FROM alembic_version")).one()
        (folder / "versions" / "scratch.py").write_text(ALTER_FRAME.format(head=head))
        db.session.remove()
        flask_migrate.upgrade(directory=str(folder))
        counts = [db.session.scalar(select(func.count()).select_from(table)) for table in (Version, Header)]
        assert counts == [1, 1]
