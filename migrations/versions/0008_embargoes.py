"""Operators' rulings on when frames become public. The table of frames stays as it is."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TEXT = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "embargo",
        sa.Column("id", ID, nullable=False),
        sa.Column("frame_id", ID, nullable=True),
        sa.Column("proposal_id", TEXT, nullable=True),
        sa.Column("stands", sa.Boolean(), nullable=False),
        sa.Column("public_date", TIME, nullable=True),
        sa.Column("public_date_before", TIME, nullable=True),
        sa.Column("frame_count", sa.Integer(), nullable=False),
        sa.Column("username", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.CheckConstraint("(frame_id IS NULL) <> (proposal_id IS NULL)", name="ck_embargo_of_one"),
        sa.ForeignKeyConstraint(["frame_id"], ["frame.id"], name="fk_embargo_frame_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_embargo"),
    )
    op.create_index("ix_embargo_frame_id", "embargo", ["frame_id", "id"])
    op.create_index("ix_embargo_proposal_id", "embargo", ["proposal_id", "id"])
    op.create_table(
        "embargoed_frame",
        sa.Column("frame_id", ID, nullable=False),
        sa.Column("embargo_id", ID, nullable=False),
        sa.Column("public_date", TIME, nullable=True),
        sa.ForeignKeyConstraint(["frame_id"], ["frame.id"], name="fk_embargoed_frame_frame_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["embargo_id"], ["embargo.id"], name="fk_embargoed_frame_embargo_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("frame_id", name="pk_embargoed_frame"),
    )
    op.create_index("ix_embargoed_frame_embargo_id", "embargoed_frame", ["embargo_id"])


def downgrade() -> None:
    # What a ruling decided on stays, as nothing would say any more that it did not come with the frame.
    op.drop_table("embargoed_frame")
    op.drop_table("embargo")
