"""The life of an ingest job: when it is due, who has it, and the history of its attempts."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
IS_DUE = sa.text("due IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "ingest_attempt",
        sa.Column("id", ID, nullable=False),
        sa.Column("job_id", ID, nullable=False),
        sa.Column("worker", TEXT, nullable=False),
        sa.Column("started", TIME, nullable=False),
        sa.Column("finished", TIME, nullable=True),
        sa.Column("outcome", TEXT, nullable=False),
        sa.Column("error_class", TEXT, nullable=False),
        sa.Column("error_code", TEXT, nullable=False),
        sa.Column("error_message", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["ingest_job.id"], name="fk_ingest_attempt_job_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_ingest_attempt"),
    )
    op.create_index("ix_ingest_attempt_job_id", "ingest_attempt", ["job_id"])
    op.add_column("ingest_job", sa.Column("due", TIME, nullable=True))
    op.add_column("ingest_job", sa.Column("lease_owner", TEXT, nullable=False, server_default=""))
    # Whatever has not ended is due at once; what an older worker left running is among it.
    op.execute("UPDATE ingest_job SET due = created WHERE state IN ('queued', 'running')")
    op.create_index("ix_ingest_job_due", "ingest_job", ["due"], postgresql_where=IS_DUE, sqlite_where=IS_DUE)
    op.create_index("ix_ingest_job_error_code", "ingest_job", ["error_code", "state"])


def downgrade() -> None:
    op.execute("UPDATE ingest_job SET state = 'queued' WHERE state = 'waiting'")
    op.drop_index("ix_ingest_job_error_code", table_name="ingest_job")
    op.drop_index("ix_ingest_job_due", table_name="ingest_job")
    op.drop_column("ingest_job", "lease_owner")
    op.drop_column("ingest_job", "due")
    op.drop_index("ix_ingest_attempt_job_id", table_name="ingest_attempt")
    op.drop_table("ingest_attempt")
