"""cases by when they were opened, for reports over a month of many."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_index("case_opened", "case", ["opened_at", "quadrant", "reason", "repeat_kind", "closed_how"])


def downgrade() -> None:
    """Take back."""
    op.drop_index("case_opened", "case")
