"""The outbox, the memory of watched folders, what an audit found, and how long the parts of an attempt took."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TEXT = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
STAGES = ("read_s", "store_s", "database_s")


def upgrade() -> None:
    make_outbox()
    op.create_table(
        "watched_file",
        sa.Column("path", TEXT, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("modified_ns", sa.BigInteger(), nullable=False),
        sa.Column("job_id", ID, nullable=True),
        sa.Column("taken", TIME, nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["ingest_job.id"], name="fk_watched_file_job_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("path", name="pk_watched_file"),
    )
    for table in ("version", "thumbnail"):
        op.add_column(table, sa.Column("file_fault", TEXT, nullable=False, server_default=""))
    op.create_index("ix_version_store_path", "version", ["store_path", "key"])
    op.create_index("ix_thumbnail_store_path", "thumbnail", ["store_path", "key"])
    op.add_column("ingest_job", sa.Column("door", TEXT, nullable=False, server_default="path"))
    op.execute("UPDATE ingest_job SET door = 'upload' WHERE is_upload")
    op.add_column("ingest_job", sa.Column("request_id", TEXT, nullable=False, server_default=""))
    op.create_index("ix_ingest_job_finished", "ingest_job", ["finished"])
    for stage in STAGES:
        op.add_column("ingest_attempt", sa.Column(stage, sa.Double(), nullable=True))
    op.create_index("ix_ingest_attempt_finished", "ingest_attempt", ["finished"])


def make_outbox() -> None:
    op.create_table(
        "event_target",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("lease_owner", TEXT, nullable=False),
        sa.Column("due", TIME, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_event_target"),
    )
    op.create_table(
        "owed_event",
        sa.Column("id", ID, nullable=False),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("frame_id", ID, nullable=False),
        sa.Column("version_id", ID, nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.Column("refusal", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["frame_id"], ["frame.id"], name="fk_owed_event_frame_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["version_id"], ["version.id"], name="fk_owed_event_version_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_owed_event"),
    )
    op.create_index("ix_owed_event_frame_id", "owed_event", ["frame_id"])
    op.create_index("ix_owed_event_version_id", "owed_event", ["version_id"])
    op.create_index("ix_owed_event_target", "owed_event", ["target", "refusal", "id"])


def downgrade() -> None:
    op.drop_index("ix_ingest_attempt_finished", table_name="ingest_attempt")
    for stage in STAGES:
        op.drop_column("ingest_attempt", stage)
    op.drop_index("ix_ingest_job_finished", table_name="ingest_job")
    op.drop_column("ingest_job", "request_id")
    op.drop_column("ingest_job", "door")
    op.drop_index("ix_thumbnail_store_path", table_name="thumbnail")
    op.drop_index("ix_version_store_path", table_name="version")
    for table in ("version", "thumbnail"):
        op.drop_column(table, "file_fault")
    for table in ("watched_file", "owed_event", "event_target"):
        op.drop_table(table)
