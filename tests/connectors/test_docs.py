"""The pages of the connectors name every option with its default."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from connectors import CONNECTORS, load

PAGES = Path(__file__).parents[2] / "docs" / "connectors"


@pytest.mark.parametrize("name", sorted(CONNECTORS))
def test_the_page_of_a_connector_names_every_option_with_its_default(name: str) -> None:
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]

    for key, field in load(name, "docs").Options.model_fields.items():
        default = field.get_default()
        shown = "required" if field.is_required() else f"`{json.dumps(list(default) if default == () else default)}`"
        assert any(f"`{key}`" in row.split("|")[1] and shown in row for row in rows), f"{key} with default {shown}"
