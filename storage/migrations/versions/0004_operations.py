"""promises, estimates of value, merged cases, and what an agent did when."""

import sqlalchemy as sa
import sqlmodel
from alembic import op


revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_Big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "promise",
        sa.Column("id", _Big, nullable=False),
        sa.Column("case_id", _Big, nullable=False),
        sa.Column("made_by", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("made_by_name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("made_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("due_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("state", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("fulfilled_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("cancelled_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("alarm_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("accrual_key", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'kept', 'late', 'broken', 'cancelled')", name="promise_state"),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("promise_of_case", "promise", ["case_id", "state"])
    op.create_index("promise_alarm", "promise", ["alarm_at"])
    op.create_table(
        "value_estimate",
        sa.Column("journal_key", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("case_id", _Big, nullable=False),
        sa.Column("behaviour", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("assumed_on", sa.Date(), nullable=False),
        sa.Column("state", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("ended_key", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.CheckConstraint("state IN ('live', 'reversed', 'released', 'expired')", name="value_estimate_state"),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"]),
        sa.PrimaryKeyConstraint("journal_key"),
    )
    op.create_index("value_estimate_age", "value_estimate", ["state", "assumed_on"])
    op.create_index("value_estimate_of_case", "value_estimate", ["case_id"])
    op.add_column("case", sa.Column("merged_into", _Big, nullable=True))
    op.create_index("case_merged", "case", ["merged_into"])
    op.create_index("case_event_of_actor", "case_event", ["actor", "at"])


def downgrade() -> None:
    """Take back."""
    op.drop_index("case_event_of_actor", "case_event")
    op.drop_index("case_merged", "case")
    op.drop_column("case", "merged_into")
    op.drop_table("value_estimate")
    op.drop_table("promise")
