"""Saved searches, and what has been told of the frames that they find.

On PostgreSQL nobody waits for the index of the frames: it is made while others read and write.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TEXT = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
IS_EMBARGOED = sa.text("public_date > observation_date")
ONLY: dict[str, Any] = {"postgresql_where": IS_EMBARGOED, "sqlite_where": IS_EMBARGOED}
TABLES = ("opened_frame", "alert_watch", "alert_message", "found_frame", "saved_search")


def upgrade() -> None:
    op.create_table(
        "saved_search",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        *(sa.Column(name, TEXT, nullable=False) for name in ("key", "name", "query", "way", "recipient", "pause")),
        sa.Column("created", TIME, nullable=False),
        sa.Column("confirmed", TIME, nullable=True),
        sa.Column("daily_hour", sa.Integer(), nullable=True),
        sa.Column("watched_since", TIME, nullable=True),
        sa.Column("due", TIME, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", TEXT, nullable=False),
        sa.Column("told", TIME, nullable=True),
        sa.Column("told_count", sa.Integer(), nullable=False),
        _reference("saved_search", "user_id", "user_account.id"),
        sa.PrimaryKeyConstraint("id", name="pk_saved_search"),
        sa.UniqueConstraint("key", name="uq_saved_search_key"),
    )
    op.create_index("ix_saved_search_user_id", "saved_search", ["user_id"])
    op.create_index("ix_saved_search_watched_since", "saved_search", ["watched_since"])
    op.create_table(
        "found_frame",
        sa.Column("saved_search_id", ID, nullable=False),
        sa.Column("frame_id", ID, nullable=False),
        sa.Column("message_key", TEXT, nullable=True),
        sa.Column("found", TIME, nullable=False),
        _reference("found_frame", "saved_search_id", "saved_search.id"),
        _reference("found_frame", "frame_id", "frame.id"),
        sa.PrimaryKeyConstraint("saved_search_id", "frame_id", name="pk_found_frame"),
    )
    op.create_index("ix_found_frame_frame_id", "found_frame", ["frame_id"])
    op.create_index("ix_found_frame_message_key", "found_frame", ["saved_search_id", "message_key"])
    op.create_table(
        "alert_message",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("saved_search_id", ID, nullable=True),
        *(sa.Column(name, TEXT, nullable=False) for name in ("kind", "way", "recipient")),
        sa.Column("made", TIME, nullable=False),
        sa.Column("due", TIME, nullable=False),
        sa.Column("begun", TIME, nullable=True),
        sa.Column("sent", TIME, nullable=True),
        _reference("alert_message", "user_id", "user_account.id"),
        _reference("alert_message", "saved_search_id", "saved_search.id", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_alert_message"),
        sa.UniqueConstraint("key", name="uq_alert_message_key"),
    )
    op.create_index("ix_alert_message_saved_search_id", "alert_message", ["saved_search_id"])
    op.create_index("ix_alert_message_sent", "alert_message", ["sent", "due"])
    op.create_index("ix_alert_message_user_id", "alert_message", ["user_id", "made"])
    op.create_index("ix_alert_message_recipient", "alert_message", ["recipient", "made"])
    op.create_table(
        "alert_watch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("due", TIME, nullable=False),
        sa.Column("position", TEXT, nullable=False),
        sa.Column("looked", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_alert_watch"),
    )
    op.create_table(
        "opened_frame",
        sa.Column("frame_id", ID, nullable=False),
        sa.Column("opened", TIME, nullable=False),
        _reference("opened_frame", "frame_id", "frame.id"),
        sa.PrimaryKeyConstraint("frame_id", name="pk_opened_frame"),
    )
    with _beside_others() as options:
        op.create_index("ix_frame_public_date", "frame", ["public_date"], **ONLY, **options)


def downgrade() -> None:
    with _beside_others() as options:
        op.drop_index("ix_frame_public_date", "frame", **options)
    for name in TABLES:
        op.drop_table(name)


@contextmanager
def _beside_others() -> Iterator[dict[str, Any]]:
    """Give the options with which PostgreSQL changes an index without a lock that others would wait for."""
    if op.get_bind().dialect.name != "postgresql":
        yield {}
        return
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")  # it waits for those who write, and they don't wait for it
        yield {"postgresql_concurrently": True}


def _reference(table: str, column: str, target: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}", ondelete=ondelete)
