"""incidents, the hours they lasted, and the cases that belong to them."""

import sqlalchemy as sa
import sqlmodel
from alembic import op


revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_Big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_Text = sqlmodel.sql.sqltypes.AutoString
_Time = sqlmodel.sql.sqltypes.UTCDateTime


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "incident",
        sa.Column("id", _Text(), nullable=False),
        sa.Column("reason", _Text(), nullable=False),
        sa.Column("name", _Text(), nullable=False),
        sa.Column("state", _Text(), nullable=False),
        sa.Column("rule", _Text(), nullable=False),
        sa.Column("began_at", _Time(), nullable=False),
        sa.Column("seen_at", _Time(), nullable=False),
        sa.Column("opened_at", _Time(), nullable=False),
        sa.Column("closed_at", _Time(), nullable=True),
        sa.Column("closed_by", _Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("shown", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("slack_channel", _Text(), nullable=False),
        sa.Column("slack_ts", _Text(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'closed')", name="incident_state"),
        sa.PrimaryKeyConstraint("id"),
    )
    is_open = sa.text("state = 'open'")
    op.create_index(
        "incident_open", "incident", ["reason"], unique=True, sqlite_where=is_open, postgresql_where=is_open
    )
    op.create_index("incident_of_reason", "incident", ["reason", "began_at"])
    op.create_table(
        "incident_hour",
        sa.Column("incident_id", _Text(), nullable=False),
        sa.Column("at", _Time(), nullable=False),
        sa.Column("mentions", sa.Integer(), nullable=False),
        sa.Column("baseline", sa.Float(), nullable=False),
        sa.Column("level", _Text(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"]),
        sa.PrimaryKeyConstraint("incident_id", "at"),
    )
    op.create_table(
        "incident_event",
        sa.Column("id", _Big, nullable=False),
        sa.Column("action_id", _Text(), nullable=False),
        sa.Column("incident_id", _Text(), nullable=False),
        sa.Column("kind", _Text(), nullable=False),
        sa.Column("actor", _Text(), nullable=False),
        sa.Column("actor_name", _Text(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("at", _Time(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incident.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("action_id"),
    )
    op.create_index("incident_event_of", "incident_event", ["incident_id", "id"])
    op.add_column("case", sa.Column("incident_id", _Text(), nullable=True))
    op.add_column("case", sa.Column("incident_by_hand", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("case_of_incident", "case", ["incident_id", "state"])
    op.create_index("case_of_reason", "case", ["reason", "opened_at"])
    # The clock asks every minute how many came within the hour.
    op.create_index("mention_posted", "mention", ["posted_at"])


def downgrade() -> None:
    """Take back."""
    op.drop_index("mention_posted", "mention")
    op.drop_index("case_of_reason", "case")
    op.drop_index("case_of_incident", "case")
    op.drop_column("case", "incident_by_hand")
    op.drop_column("case", "incident_id")
    op.drop_table("incident_event")
    op.drop_table("incident_hour")
    op.drop_table("incident")
