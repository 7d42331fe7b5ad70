"""answers on their way to customers."""

import sqlalchemy as sa
import sqlmodel
from alembic import op


revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_Big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_Text = sqlmodel.sql.sqltypes.AutoString
_Time = sqlmodel.sql.sqltypes.UTCDateTime


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "reply",
        sa.Column("id", _Big, nullable=False),
        sa.Column("action_id", _Text(), nullable=False),
        sa.Column("case_id", _Big, nullable=False),
        sa.Column("incident_id", _Text(), nullable=True),
        sa.Column("channel", _Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.Column("actor", _Text(), nullable=False),
        sa.Column("actor_name", _Text(), nullable=False),
        sa.Column("state", _Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", _Time(), nullable=True),
        sa.Column("taken_at", _Time(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("external_id", _Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("created_at", _Time(), nullable=False),
        sa.Column("sent_at", _Time(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'sent', 'refused', 'unknown', 'dropped')", name="reply_state"
        ),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"]),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("action_id", "case_id"),
    )
    under_way = sa.text("is_public AND state IN ('waiting', 'sending', 'unknown')")
    op.create_index(
        "reply_under_way", "reply", ["case_id"], unique=True, sqlite_where=under_way, postgresql_where=under_way
    )
    op.create_index("reply_waiting", "reply", ["state", "channel", "id"])
    op.create_index("reply_of_incident", "reply", ["incident_id", "state"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("reply")
