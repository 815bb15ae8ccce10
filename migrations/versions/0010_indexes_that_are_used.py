"""Indexes for what the columns in memory do not know, and none for what they do.

On PostgreSQL nobody waits: each index is made, or dropped, while others read and write.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

#: What only searches asked, which the columns in memory now answer.
DROPPED: dict[str, list[str]] = {
    "ix_frame_instrument_id": ["instrument_id", "observation_date"],
    "ix_frame_site_id": ["site_id", "telescope_id", "observation_date"],
    "ix_frame_primary_optical_element": ["primary_optical_element", "observation_date"],
    "ix_frame_target_name": ["target_name"],
}
TRIGRAM: dict[str, Any] = {
    "postgresql_using": "gin",
    "postgresql_ops": {"target_name_ascii": "gin_trgm_ops"},
}
SUBMITTER = sa.text("CAST(data ->> 'USERID' AS TEXT)")
FOLLOW = {
    "insert": "INSERT INTO frame_basename (rowid, basename) VALUES (new.id, new.basename);",
    "delete": "INSERT INTO frame_basename (frame_basename, rowid, basename) VALUES ('delete', old.id, old.basename);",
}


def upgrade() -> None:
    with _beside_others() as options:
        op.create_index("ix_header_submitter", "header", [SUBMITTER], **options)
        for name in DROPPED:
            op.drop_index(name, "frame", **options)
        if _is_postgresql():
            op.drop_index("ix_frame_target_name_ascii_trigram", "frame", **options)
    if not _is_postgresql():
        _index_basenames()


def downgrade() -> None:
    with _beside_others() as options:
        op.drop_index("ix_header_submitter", "header", **options)
        for name, columns in DROPPED.items():
            op.create_index(name, "frame", columns, **options)
        if _is_postgresql():
            op.create_index("ix_frame_target_name_ascii_trigram", "frame", ["target_name_ascii"], **TRIGRAM, **options)
    if not _is_postgresql():
        for name in ("insert", "delete", "update"):
            op.execute(f"DROP TRIGGER index_basename_{name}")
        op.execute("DROP TABLE frame_basename")


def _index_basenames() -> None:
    """Have SQLite find parts of basenames by their trigrams, as PostgreSQL does."""
    op.execute(
        "CREATE VIRTUAL TABLE frame_basename"
        " USING fts5(basename, content='frame', content_rowid='id', tokenize='trigram', detail='none')"
    )
    op.execute("INSERT INTO frame_basename (frame_basename) VALUES ('rebuild')")
    for event, statement in FOLLOW.items():
        op.execute(f"CREATE TRIGGER index_basename_{event} AFTER {event} ON frame BEGIN {statement} END")
    both = f"{FOLLOW['delete']} {FOLLOW['insert']}"
    op.execute(f"CREATE TRIGGER index_basename_update AFTER UPDATE OF id, basename ON frame BEGIN {both} END")


@contextmanager
def _beside_others() -> Iterator[dict[str, bool]]:
    """Give the options with which PostgreSQL changes an index without a lock that others would wait for."""
    if not _is_postgresql():
        yield {}
        return
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")  # it waits for those who write, and they don't wait for it
        yield {"postgresql_concurrently": True}


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"
