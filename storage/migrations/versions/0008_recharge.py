"""proposals to charge departments."""

import sqlalchemy as sa
import sqlmodel
from alembic import op


revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    text = sqlmodel.sql.sqltypes.AutoString()
    op.create_table(
        "recharge_item",
        sa.Column("period", text, nullable=False),
        sa.Column("dept", text, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", text, nullable=False),
        sa.Column("proposed_minor", sa.BigInteger(), nullable=False),
        sa.Column("proposed_on", sa.Date(), nullable=False),
        sa.Column("proposed_by", text, nullable=False),
        sa.Column("samples", sa.JSON(), nullable=False),
        sa.Column("disputed_on", sa.Date(), nullable=True),
        sa.Column("disputed_by", text, nullable=False),
        sa.Column("disputed_why", text, nullable=False),
        sa.Column("accepted_minor", sa.BigInteger(), nullable=False),
        sa.Column("settled_on", sa.Date(), nullable=True),
        sa.Column("settled_by", text, nullable=False),
        sa.Column("settled_why", text, nullable=False),
        sa.Column("hold_key", text, nullable=False),
        sa.Column("end_key", text, nullable=False),
        sa.CheckConstraint(
            "state IN ('proposed', 'disputed', 'accepted', 'partly_accepted', 'released')", name="recharge_item_state"
        ),
        sa.CheckConstraint("accepted_minor BETWEEN 0 AND proposed_minor", name="recharge_item_accepted"),
        sa.PrimaryKeyConstraint("period", "dept", "number"),
    )
    op.create_index("recharge_item_of_state", "recharge_item", ["state"])


def downgrade() -> None:
    """Take back."""
    op.drop_index("recharge_item_of_state", table_name="recharge_item")
    op.drop_table("recharge_item")
