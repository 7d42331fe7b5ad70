"""The units for systemd are what systemd takes, and call commands that exist."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli import cli

ROOT = Path(__file__).parents[2]
UNITS = sorted((ROOT / "docs" / "systemd").iterdir())


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("optional: there is no systemd here")
    for unit in UNITS:
        name = unit.name.replace("@.", "@poll.")
        # The program is installed elsewhere here; that it can be run is part of what is verified.
        text = unit.read_text(encoding="utf-8").replace("/opt/earmark/.venv/bin/earmark", sys.executable)
        (tmp_path / name).write_text(text, encoding="utf-8")

    command = [analyze, "verify", *map(str, sorted(tmp_path.iterdir()))]
    done = subprocess.run(  # noqa: S603  # the command is systemd's own
        command, capture_output=True, text=True, timeout=60, check=False
    )

    about_ours = [one for one in done.stderr.splitlines() if "earmark" in one]
    assert (done.returncode, about_ours) == (0, [])


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_the_commands_of_a_unit_exist(unit: Path) -> None:
    text = unit.read_text(encoding="utf-8")
    for command, options in re.findall(r"bin/earmark ((?:db )?[a-z]+)((?: [^\n']+)?)", text):
        shown = CliRunner().invoke(cli, [*command.split(), "--help"])
        assert shown.exit_code == 0, command
        assert [word for word in options.split() if word.startswith("--") and word not in shown.output] == []
