"""Alembic's entry: uses the connection handed in, or the URL in EARMARK_DATABASE_URL."""

from __future__ import annotations

import os

from alembic import context
from sqlalchemy import Connection

from storage.db import connect
from storage.job_schema import is_own
from storage.tables import METADATA


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        include_name=lambda name, kind, _: kind != "table" or is_own(name),
    )
    with context.begin_transaction():
        context.run_migrations()


handed_in = context.config.attributes.get("connection")
if handed_in is not None:
    _run(handed_in)
else:
    with connect(os.environ.get("EARMARK_DATABASE_URL", "sqlite:///earmark.sqlite")).connect() as opened:
        _run(opened)
        opened.commit()
