"""The first tables.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geography

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
AREA = sa.LargeBinary().with_variant(Geography("POLYGON", srid=4326, spatial_index=False), "postgresql")
PREVIEW_OWED = sa.text("preview_state = 'owed'")
EXTENSIONS = ("postgis", "pg_trgm")


def is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def create_extension(name: str) -> None:
    """Have an extension in the database, or say who must put it there."""
    try:
        op.execute(f"CREATE EXTENSION IF NOT EXISTS {name}")
    except sa.exc.DBAPIError as error:
        raise SystemExit(
            f"The database lacks the extension {name}, and this user may not create it: have a superuser run "
            f"“CREATE EXTENSION {name}” in it ({error.orig})."
        ) from None


def upgrade() -> None:
    if is_postgresql():
        for extension in EXTENSIONS:
            create_extension(extension)
    op.create_table(
        "frame",
        sa.Column("id", ID, nullable=False),
        sa.Column("basename", TEXT, nullable=False),
        sa.Column("observation_date", TIME, nullable=True),
        sa.Column("observation_day", sa.Date(), nullable=True),
        sa.Column("proposal_id", TEXT, nullable=False),
        sa.Column("instrument_id", TEXT, nullable=False),
        sa.Column("target_name", TEXT, nullable=False),
        sa.Column("target_name_ascii", TEXT, nullable=False),
        sa.Column("reduction_level", sa.Integer(), nullable=False),
        sa.Column("site_id", TEXT, nullable=False),
        sa.Column("telescope_id", TEXT, nullable=False),
        sa.Column("exposure_time", sa.Double(), nullable=True),
        sa.Column("primary_optical_element", TEXT, nullable=False),
        sa.Column("public_date", TIME, nullable=True),
        sa.Column("configuration_type", TEXT, nullable=False),
        sa.Column("observation_id", sa.BigInteger(), nullable=True),
        sa.Column("request_id", sa.BigInteger(), nullable=True),
        sa.Column("area", AREA, nullable=True),
        sa.Column("created", TIME, nullable=False),
        sa.Column("modified", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_frame"),
        sa.UniqueConstraint("basename", name="uq_frame_basename"),
    )
    op.create_index("ix_frame_instrument_id", "frame", ["instrument_id", "observation_date"])
    op.create_index("ix_frame_observation_date", "frame", ["observation_date", "id"])
    op.create_index("ix_frame_observation_day", "frame", ["observation_day"])
    op.create_index("ix_frame_observation_id", "frame", ["observation_id"])
    op.create_index("ix_frame_primary_optical_element", "frame", ["primary_optical_element", "observation_date"])
    op.create_index("ix_frame_proposal_id", "frame", ["proposal_id", "observation_date"])
    op.create_index("ix_frame_request_id", "frame", ["request_id"])
    op.create_index("ix_frame_site_id", "frame", ["site_id", "telescope_id", "observation_date"])
    op.create_index("ix_frame_target_name", "frame", ["target_name"])
    op.create_table(
        "user_account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("username", TEXT, nullable=False),
        sa.Column("password_hash", TEXT, nullable=False),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_user_account"),
        sa.UniqueConstraint("username", name="uq_user_account_username"),
    )
    op.create_table(
        "api_token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("token_hash", TEXT, nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_api_token_user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_api_token"),
        sa.UniqueConstraint("token_hash", name="uq_api_token_token_hash"),
    )
    op.create_index("ix_api_token_user_id", "api_token", ["user_id"])
    op.create_table(
        "header",
        sa.Column("frame_id", ID, nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["frame_id"], ["frame.id"], name="fk_header_frame_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("frame_id", name="pk_header"),
    )
    op.create_table(
        "ingest_job",
        sa.Column("id", ID, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("filename", TEXT, nullable=False),
        sa.Column("filepath", TEXT, nullable=False),
        sa.Column("is_upload", sa.Boolean(), nullable=False),
        sa.Column("file_metadata", sa.JSON(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error_class", TEXT, nullable=False),
        sa.Column("error_code", TEXT, nullable=False),
        sa.Column("error_message", TEXT, nullable=False),
        sa.Column("frame_id", ID, nullable=True),
        sa.Column("md5", TEXT, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("preview_state", TEXT, nullable=False),
        sa.Column("preview_error", TEXT, nullable=False),
        sa.Column("submitted_by", sa.Integer(), nullable=True),
        sa.Column("created", TIME, nullable=False),
        sa.Column("started", TIME, nullable=True),
        sa.Column("finished", TIME, nullable=True),
        sa.ForeignKeyConstraint(["frame_id"], ["frame.id"], name="fk_ingest_job_frame_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["submitted_by"], ["user_account.id"], name="fk_ingest_job_submitted_by", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_ingest_job"),
    )
    op.create_index("ix_ingest_job_frame_id", "ingest_job", ["frame_id"])
    op.create_index(
        "ix_ingest_job_preview_owed", "ingest_job", ["id"], postgresql_where=PREVIEW_OWED, sqlite_where=PREVIEW_OWED
    )
    op.create_index("ix_ingest_job_state", "ingest_job", ["state", "id"])
    op.create_table(
        "proposal_member",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("proposal_id", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name="fk_proposal_member_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "proposal_id", name="pk_proposal_member"),
    )
    op.create_table(
        "related_frame",
        sa.Column("frame_id", ID, nullable=False),
        sa.Column("related_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["frame_id"], ["frame.id"], name="fk_related_frame_frame_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["related_id"], ["frame.id"], name="fk_related_frame_related_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("frame_id", "related_id", name="pk_related_frame"),
    )
    op.create_index("ix_related_frame_related_id", "related_frame", ["related_id"])
    op.create_table(
        "thumbnail",
        sa.Column("id", ID, nullable=False),
        sa.Column("frame_id", ID, nullable=False),
        sa.Column("size", TEXT, nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("md5", TEXT, nullable=False),
        sa.Column("extension", TEXT, nullable=False),
        sa.Column("store_path", TEXT, nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.ForeignKeyConstraint(["frame_id"], ["frame.id"], name="fk_thumbnail_frame_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_thumbnail"),
        sa.UniqueConstraint("frame_id", "size", name="uq_thumbnail_frame_id_size"),
    )
    op.create_table(
        "version",
        sa.Column("id", ID, nullable=False),
        sa.Column("frame_id", ID, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("md5", TEXT, nullable=False),
        sa.Column("extension", TEXT, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("store_path", TEXT, nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.ForeignKeyConstraint(["frame_id"], ["frame.id"], name="fk_version_frame_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_version"),
        sa.UniqueConstraint("md5", name="uq_version_md5"),
    )
    op.create_index("ix_version_frame_id", "version", ["frame_id"])
    if is_postgresql():
        op.create_index("ix_frame_area", "frame", ["area"], postgresql_using="gist")
        op.create_index(
            "ix_frame_basename_trigram",
            "frame",
            ["basename"],
            postgresql_using="gin",
            postgresql_ops={"basename": "gin_trgm_ops"},
        )
        op.create_index(
            "ix_frame_target_name_ascii_trigram",
            "frame",
            ["target_name_ascii"],
            postgresql_using="gin",
            postgresql_ops={"target_name_ascii": "gin_trgm_ops"},
        )
    else:
        op.execute("CREATE VIRTUAL TABLE footprint_box USING rtree(id, xmin, xmax, ymin, ymax, zmin, zmax)")


def downgrade() -> None:
    if not is_postgresql():
        op.drop_table("footprint_box")
    op.drop_table("version")
    op.drop_table("thumbnail")
    op.drop_table("related_frame")
    op.drop_table("proposal_member")
    op.drop_table("ingest_job")
    op.drop_table("header")
    op.drop_table("api_token")
    op.drop_table("user_account")
    op.drop_table("frame")
