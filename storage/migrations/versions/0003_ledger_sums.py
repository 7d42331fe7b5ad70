"""sums beside the ledger."""

import sqlalchemy as sa
import sqlmodel
from alembic import op


revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_KEYS = ("status", "account", "commodity", "basis", "dept", "reason", "quadrant", "segment")
_BORNE = "('Expenses:Contact:Waste', 'Expenses:Contact:Automate', 'Expenses:Contact:Simplify', 'Expenses:Contact:Serve', 'Expenses:Contact:Unclassified')"


def upgrade() -> None:
    """Apply; what is in the books already is counted."""
    text = sqlmodel.sql.sqltypes.AutoString
    op.create_table(
        "ledger_sum",
        sa.Column("effective_date", sa.Date(), nullable=False),
        sa.Column("is_late", sa.Boolean(), nullable=False),
        *(sa.Column(name, text(), nullable=False) for name in _KEYS),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("effective_date", "is_late", *_KEYS),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_case_sum",
        sa.Column("case_id", text(), nullable=False),
        sa.Column("commodity", text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "commodity"),
        sqlite_with_rowid=False,
    )
    op.execute(
        """INSERT INTO ledger_sum
           SELECT j.effective_date, j.original_date IS NOT NULL, j.status, l.account, l.commodity, l.basis, l.dept,
                  coalesce(l.reason, ''), coalesce(l.quadrant, ''), coalesce(l.segment, ''), sum(l.amount)
           FROM ledger_journal j JOIN ledger_line l ON l.journal_seq = j.seq
           WHERE l.commodity NOT IN ('TAG', 'SEC')
             AND (j.status = 'posted' OR NOT EXISTS (SELECT 1 FROM ledger_journal r WHERE r.resolves_id = j.id))
           GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 HAVING sum(l.amount) <> 0"""
    )
    op.execute(
        f"""INSERT INTO ledger_case_sum
           SELECT l.case_id, l.commodity, sum(l.amount)
           FROM ledger_journal j JOIN ledger_line l ON l.journal_seq = j.seq
           WHERE j.status = 'posted' AND l.account IN {_BORNE} AND l.commodity NOT IN ('TAG', 'SEC', 'CNT')
             AND l.case_id <> ''
           GROUP BY 1, 2 HAVING sum(l.amount) <> 0"""
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("ledger_case_sum")
    op.drop_table("ledger_sum")
