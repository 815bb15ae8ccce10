"""Which frames have changed, noted by triggers."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KEYS = {"frame": "id", "version": "frame_id"}
EVENTS = {"insert": "new", "update": "new", "delete": "old"}


def upgrade() -> None:
    op.create_table(
        "frame_change",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("frame_id", sa.BigInteger(), nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("noted", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_frame_change"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_frame_change_transaction_id", "frame_change", ["transaction_id"])
    op.create_index("ix_frame_change_noted", "frame_change", ["noted"])
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    if is_postgresql:  # frame 0: all of them
        op.execute("""
            CREATE FUNCTION note_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO frame_change (frame_id, transaction_id) VALUES (0, pg_current_xact_id()::text::bigint);
                RETURN NULL;
            END $$
        """)
    make = _make_for_statements if is_postgresql else _make_for_rows
    for table, key in KEYS.items():
        make(table, key)


def downgrade() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for table in KEYS:
        for event in (*EVENTS, "truncate") if is_postgresql else EVENTS:
            op.execute(f"DROP TRIGGER note_{table}_{event}" + (f" ON {table}" if is_postgresql else ""))
        if is_postgresql:
            op.execute(f"DROP FUNCTION note_changed_{table}()")
    if is_postgresql:
        op.execute("DROP FUNCTION note_emptied()")
    op.drop_table("frame_change")


def _make_for_statements(table: str, key: str) -> None:
    """One trigger for a statement, however many rows it changes."""
    op.execute(f"""
        CREATE FUNCTION note_changed_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO frame_change (frame_id, transaction_id)
            SELECT DISTINCT {key}, pg_current_xact_id()::text::bigint FROM changed;
            RETURN NULL;
        END $$
    """)  # noqa: S608  # names of ours
    op.execute(f"""
        CREATE TRIGGER note_{table}_truncate AFTER TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION note_emptied()
    """)
    for event, rows in EVENTS.items():
        op.execute(f"""
            CREATE TRIGGER note_{table}_{event} AFTER {event} ON {table} REFERENCING {rows} TABLE AS changed
            FOR EACH STATEMENT EXECUTE FUNCTION note_changed_{table}()
        """)


def _make_for_rows(table: str, key: str) -> None:
    for event, row in EVENTS.items():
        op.execute(f"""
            CREATE TRIGGER note_{table}_{event} AFTER {event} ON {table}
            BEGIN INSERT INTO frame_change (frame_id, transaction_id) VALUES ({row}.{key}, 0); END
        """)  # noqa: S608  # names of ours
