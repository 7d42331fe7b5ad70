"""confirmed savings, the budget they fund, and proven value."""

import sqlalchemy as sa
import sqlmodel
from alembic import op


revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    text = sqlmodel.sql.sqltypes.AutoString()
    op.create_table(
        "confirmed_saving",
        sa.Column("period", text, nullable=False),
        sa.Column("reason", text, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("saving_class", text, nullable=False),
        sa.Column("initiative", text, nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("saving_minor", sa.BigInteger(), nullable=False),
        sa.Column("low_minor", sa.BigInteger(), nullable=False),
        sa.Column("high_minor", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_on", sa.Date(), nullable=False),
        sa.Column("confirmed_by", text, nullable=False),
        sa.Column("why", text, nullable=False),
        sa.Column("journal_key", text, nullable=False),
        sa.Column("withdrawn_on", sa.Date(), nullable=True),
        sa.Column("withdrawn_by", text, nullable=False),
        sa.Column("withdrawn_why", text, nullable=False),
        sa.CheckConstraint("saving_class IN ('cashable', 'capacity')", name="confirmed_saving_class"),
        sa.CheckConstraint("amount_minor <> 0", name="confirmed_saving_amount"),
        sa.PrimaryKeyConstraint("period", "reason", "number"),
    )
    op.create_table(
        "budget_funding",
        sa.Column("period", text, nullable=False),
        sa.Column("funds", text, nullable=False),
        sa.Column("share_bp", sa.Integer(), nullable=False),
        sa.Column("high_before_minor", sa.BigInteger(), nullable=False),
        sa.Column("high_water_minor", sa.BigInteger(), nullable=False),
        sa.Column("funded_minor", sa.BigInteger(), nullable=False),
        sa.Column("funded_on", sa.Date(), nullable=False),
        sa.Column("funded_by", text, nullable=False),
        sa.Column("journal_key", text, nullable=False),
        sa.PrimaryKeyConstraint("period"),
    )
    op.create_table(
        "realised_value",
        sa.Column("event", text, nullable=False),
        sa.Column("title", text, nullable=False),
        sa.Column("behaviour", text, nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("released", sa.Integer(), nullable=False),
        sa.Column("released_minor", sa.BigInteger(), nullable=False),
        sa.Column("realised_on", sa.Date(), nullable=False),
        sa.Column("realised_by", text, nullable=False),
        sa.Column("why", text, nullable=False),
        sa.Column("journal_key", text, nullable=False),
        sa.CheckConstraint("behaviour IN ('spread_word', 'buy_again', 'buy_more')", name="realised_value_behaviour"),
        sa.CheckConstraint("amount_minor > 0", name="realised_value_amount"),
        sa.PrimaryKeyConstraint("event"),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("realised_value")
    op.drop_table("budget_funding")
    op.drop_table("confirmed_saving")
