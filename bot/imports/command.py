"""``earmark import KIND FILE``: says what came in, and writes what did not into ``FILE.rejects.csv``."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click

from bot import app
from bot.app import Role
from bot.config import Settings
from bot.errors import InputError
from bot.imports.effects import Refused
from bot.imports.kinds import KINDS, Kind
from bot.imports.loader import Loaded, load
from bot.parts import Parts
from bot.reports.render import safe


def run(settings: Settings, kind_name: str, file: Path, *, dry_run: bool) -> bool:
    """Import a file and print a sentence; True when every line was accepted.

    Raises:
        InputError: the file cannot be read.
        StorageError: the database is unreachable.
    """
    kind = KINDS[kind_name]
    if not file.is_file():
        raise InputError(f"cannot read {file}: it is no file")
    app.create_if_new(settings)
    parts = app.build(settings, role=Role.WEB).parts
    try:
        found, rejects = import_file(parts, kind, file, dry_run=dry_run)
    finally:
        parts.database.dispose()
    click.echo(_sentence(kind, found, rejects, dry_run=dry_run))
    return not found.refused


def import_file(parts: Parts, kind: Kind, file: Path, *, dry_run: bool = False) -> tuple[Loaded, Path]:
    """Import a file; return what became of it, and where its rejects are, if there are any."""
    rejects = file.with_name(f"{file.name}.rejects.csv")
    with _rejects(rejects) as refuse, _progress(kind.name, file) as advance:
        found = load(parts, kind, file, dry_run=dry_run, refuse=refuse, advance=advance)
    return found, rejects


def _sentence(kind: Kind, found: Loaded, rejects: Path, *, dry_run: bool) -> str:
    would = "would be " if dry_run else ""
    text = (
        f"{kind.name}: {found.read} lines read, {found.new} {would}imported, {found.changed} {would}changed,"
        f" {found.unchanged} known already, {found.refused} rejected"
    )
    return f"{text} (see {rejects})." if found.refused else f"{text}."


@contextmanager
def _rejects(path: Path) -> Iterator[Callable[[Refused], None]]:
    """Write rejects as they come; without any there is no file, also none of an earlier run."""
    path.unlink(missing_ok=True)
    with ExitStack() as stack:
        writers: list[Any] = []

        def refuse(one: Refused) -> None:
            if not writers:
                file = stack.enter_context(path.open("w", encoding="utf-8", newline=""))
                writers.append(csv.writer(file, lineterminator="\n"))
                writers[0].writerow(["line", "reason"])
            writers[0].writerow([one.number, safe(one.reason)])

        yield refuse


@contextmanager
def _progress(name: str, file: Path) -> Iterator[Callable[[int], None]]:
    """A bar on standard error while somebody watches."""
    if not sys.stderr.isatty():
        yield lambda _bytes: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task(f"importing {name}", total=file.stat().st_size)
        yield lambda read: bar.advance(task, read)
