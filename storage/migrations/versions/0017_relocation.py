"""a database that was moved or put back from a copy; what is urgent comes first."""

import sqlalchemy as sa
import sqlmodel
from alembic import op


revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_WAITS = sa.text("state = 'new' AND is_urgent")
_UNSENT = sa.text("state IN ('pending', 'sending') AND is_urgent")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "relocation",
        sa.Column("at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("to_database", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("at"),
    )
    op.create_table(
        "restoration",
        sa.Column("made_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("resumed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("made_at"),
    )
    for table in ("mention", "outbox_message"):
        op.add_column(table, sa.Column("is_urgent", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("mention_urgent", "mention", ["id"], sqlite_where=_WAITS, postgresql_where=_WAITS)
    op.create_index(
        "outbox_urgent", "outbox_message", ["slack_channel", "id"], sqlite_where=_UNSENT, postgresql_where=_UNSENT
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index("outbox_urgent", "outbox_message")
    op.drop_index("mention_urgent", "mention")
    for table in ("outbox_message", "mention"):
        op.drop_column(table, "is_urgent")
    op.drop_table("restoration")
    op.drop_table("relocation")
