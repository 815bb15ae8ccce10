"""Carts of frames to take home."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TEXT = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "cart",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("key_hash", TEXT, nullable=True),
        sa.Column("used", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_cart_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_cart"),
        sa.UniqueConstraint("user_id", name="uq_cart_user_id"),
        sa.UniqueConstraint("key_hash", name="uq_cart_key_hash"),
    )
    op.create_index("ix_cart_used", "cart", ["used"])
    op.create_table(
        "cart_frame",
        sa.Column("cart_id", ID, nullable=False),
        sa.Column("frame_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["cart_id"], ["cart.id"], name="fk_cart_frame_cart_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["frame_id"], ["frame.id"], name="fk_cart_frame_frame_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("cart_id", "frame_id", name="pk_cart_frame"),
    )
    op.create_index("ix_cart_frame_frame_id", "cart_frame", ["frame_id"])


def downgrade() -> None:
    op.drop_table("cart_frame")
    op.drop_table("cart")
