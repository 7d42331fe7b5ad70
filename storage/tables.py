"""Every table there is: SQLModel knows those whose module was imported, so this is where all of them are."""

from __future__ import annotations

from typing import Final

from sqlalchemy import MetaData, Table

from storage import (
    models,
    models_audit,
    models_imports,
    models_incidents,
    models_money,
    models_notes,
    models_operations,
    models_records,
    models_requests,
    models_summary,
    models_sums,
)

MODULES: Final = (
    models,
    models_audit,
    models_imports,
    models_incidents,
    models_money,
    models_notes,
    models_operations,
    models_records,
    models_requests,
    models_summary,
    models_sums,
)
METADATA: Final[MetaData] = models.Mention.metadata


def tables() -> list[Table]:
    """Return every table, those that others point to first."""
    return list(METADATA.sorted_tables)
