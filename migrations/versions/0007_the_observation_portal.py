"""Users whom the Observation Portal knows, and what it said of their tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TEXT = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("user_account", sa.Column("is_from_portal", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "portal_token",
        sa.Column("token_hash", TEXT, nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("refusal", TEXT, nullable=False),
        sa.Column("expires", TIME, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_portal_token_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_portal_token"),
    )
    op.create_index("ix_portal_token_user_id", "portal_token", ["user_id"])
    op.create_index("ix_portal_token_expires", "portal_token", ["expires"])


def downgrade() -> None:
    op.drop_table("portal_token")
    op.drop_column("user_account", "is_from_portal")
