"""the record of what was written into the ledger's tables, and when."""

import sqlalchemy as sa
import sqlmodel
from alembic import op

from storage import ledger_records, ledger_triggers

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply: the record begins with what stands in the tables now."""
    op.create_table(
        "ledger_record",
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("what", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("ref", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("recorded_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("sha256", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("hash", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.PrimaryKeyConstraint("n"),
    )
    ledger_records.begin(op.get_bind())
    ledger_triggers.protect_record(op.get_bind())


def downgrade() -> None:
    """Take back."""
    ledger_triggers.unprotect_record(op.get_bind())
    op.drop_table("ledger_record")
