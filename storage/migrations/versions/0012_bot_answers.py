"""cases that a bot answered alone."""

import sqlalchemy as sa
import sqlmodel
from alembic import op


revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    text = sqlmodel.sql.sqltypes.AutoString()
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "bot_answer",
        sa.Column("id", big, nullable=False),
        sa.Column("source", text, nullable=False),
        sa.Column("external_id", text, nullable=False),
        sa.Column("digest", text, nullable=False),
        sa.Column("imported_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("case_id", big, nullable=False),
        sa.Column("answered_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("bot", text, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "external_id"),
    )
    op.create_index("ix_bot_answer_case_id", "bot_answer", ["case_id"])


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_bot_answer_case_id", table_name="bot_answer")
    op.drop_table("bot_answer")
