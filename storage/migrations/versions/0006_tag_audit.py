"""the tag audit: what was drawn, and what supervisors said of it."""

import sqlalchemy as sa
import sqlmodel
from alembic import op


revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_Big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "audit_draw",
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("population", sa.Integer(), nullable=False),
        sa.Column("drawn", sa.Integer(), nullable=False),
        sa.Column("drawn_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("on_date"),
    )
    op.create_table(
        "audit_sample",
        sa.Column("mention_id", _Big, nullable=False),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("quadrant", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("is_right", sa.Boolean(), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("primary_tag", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("judged_quadrant", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("judged_by", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("judged_by_name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("judged_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("action_id", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.CheckConstraint("(judged_at IS NULL) = (is_right IS NULL)", name="audit_sample_judged_whole"),
        sa.ForeignKeyConstraint(["mention_id"], ["mention.id"]),
        sa.ForeignKeyConstraint(["on_date"], ["audit_draw.on_date"]),
        sa.PrimaryKeyConstraint("mention_id"),
        sa.UniqueConstraint("action_id"),
        sa.UniqueConstraint("on_date", "place"),
    )
    op.create_index("audit_sample_judged", "audit_sample", ["judged_at"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("audit_sample")
    op.drop_table("audit_draw")
