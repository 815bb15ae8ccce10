"""Scopes, ends and last uses of tokens; sessions in browsers; accounts that are switched off."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TEXT = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("user_account", sa.Column("is_disabled", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("api_token", sa.Column("scope", TEXT, nullable=False, server_default="read"))
    # What an operator's token could do, it still can.
    operators = "SELECT id FROM user_account WHERE is_admin"
    op.execute(f"UPDATE api_token SET scope = 'admin' WHERE user_id IN ({operators})")  # noqa: S608  # no input
    op.add_column("api_token", sa.Column("expires", TIME, nullable=True))
    op.add_column("api_token", sa.Column("last_used", TIME, nullable=True))
    op.create_table(
        "login_session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("key_hash", TEXT, nullable=False),
        sa.Column("browser", TEXT, nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.Column("expires", TIME, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_login_session_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_login_session"),
        sa.UniqueConstraint("key_hash", name="uq_login_session_key_hash"),
    )
    op.create_index("ix_login_session_user_id", "login_session", ["user_id"])


def downgrade() -> None:
    op.drop_table("login_session")
    for column in ("last_used", "expires", "scope"):
        op.drop_column("api_token", column)
    op.drop_column("user_account", "is_disabled")
