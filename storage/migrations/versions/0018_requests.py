"""requests passed on to product teams, who asks, and what became of them."""

import sqlalchemy as sa
import sqlmodel
from alembic import op


revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_Big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_STILL_OPEN = sa.text("state NOT IN ('shipped', 'declined')")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "request",
        sa.Column("id", _Big, nullable=False),
        sa.Column("team", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("title_key", sa.Text(), nullable=False),
        sa.Column("state", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("passed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("acknowledged_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("planned_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("ended_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.CheckConstraint(
            "state IN ('new', 'passed', 'acknowledged', 'planned', 'shipped', 'declined')", name="request_state_known"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "request_open_title",
        "request",
        ["team", "title_key"],
        unique=True,
        sqlite_where=_STILL_OPEN,
        postgresql_where=_STILL_OPEN,
    )
    op.create_index("request_state", "request", ["state", "id"])
    op.create_table(
        "request_ask",
        sa.Column("request_id", _Big, nullable=False),
        sa.Column("case_id", _Big, nullable=False),
        sa.Column("asked_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("joined_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("told_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("told_by", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"]),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"]),
        sa.PrimaryKeyConstraint("request_id", "case_id"),
    )
    op.create_index("request_ask_of_case", "request_ask", ["case_id"])
    op.create_table(
        "request_event",
        sa.Column("id", _Big, nullable=False),
        sa.Column("action_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("request_id", _Big, nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("actor", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("actor_name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("action_id"),
    )
    op.create_index("request_event_of_request", "request_event", ["request_id", "id"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("request_event")
    op.drop_table("request_ask")
    op.drop_table("request")
