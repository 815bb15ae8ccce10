"""The copy of another OCS archive: how far it is, which frame is which, and what could not be copied."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TEXT = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "ocs_import",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_url", TEXT, nullable=False),
        sa.Column("stage", TEXT, nullable=False),
        sa.Column("cursor", TEXT, nullable=False),
        sa.Column("frames_seen", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ocs_import"),
        sa.UniqueConstraint("source_url", name="uq_ocs_import_source_url"),
    )
    op.create_table(
        "imported_frame",
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("frame_id", ID, nullable=False),
        sa.Column("modified", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["ocs_import.id"], name="fk_imported_frame_import_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["frame_id"], ["frame.id"], name="fk_imported_frame_frame_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("import_id", "source_id", name="pk_imported_frame"),
    )
    op.create_index("ix_imported_frame_frame_id", "imported_frame", ["frame_id"])
    op.create_table(
        "import_finding",
        sa.Column("id", ID, nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("basename", TEXT, nullable=False),
        sa.Column("part", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["ocs_import.id"], name="fk_import_finding_import_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_import_finding"),
    )
    op.create_index("ix_import_finding_source_id", "import_finding", ["import_id", "source_id"])


def downgrade() -> None:
    for table in ("import_finding", "imported_frame", "ocs_import"):
        op.drop_table(table)
