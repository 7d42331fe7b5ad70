"""Commands for the tagger: train a model, measure it, and see what another one would have said."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from bot.cli_parts import CONFIG, FILE, JSON, settings_of

if TYPE_CHECKING:
    from bot.config import Settings


_FOLDER: Final = click.Path(path_type=Path, file_okay=False)
_DATA: Final = click.option("--data", type=_FOLDER, help="Folder of the public data sets.")
_OWN: Final = click.option("--own", type=FILE, help="Your labels, JSON lines of text and tags.")
_CORRECTIONS: Final = click.option(
    "--with-corrections", is_flag=True, help="Also what people corrected and judged, from the configured database."
)


@click.command("train")
@click.option("--out", type=_FOLDER, help="Folder to write the model to.")
@click.option(
    "--reasons", type=FILE, help="Instead, write what corrections teach about reasons to this file; no torch."
)
@_DATA
@_OWN
@_CORRECTIONS
@click.option("--base", type=_FOLDER, help="Folder of another BERT-like encoder to start from.")
@click.option(
    "--recipe",
    type=click.Choice(["best", "permissive"]),
    default="best",
    show_default=True,
    help="Which public sets.",
)
@click.option("--name", default="earmark-minilm-3", show_default=True, help="Begins the version of every tagging.")
@click.option("--epochs", type=click.IntRange(1, 100), default=3, show_default=True)
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="Share of each public set's rows in an epoch; small for a trial.",
)
@click.option(
    "--labelled-repeat",
    type=click.IntRange(0, 10),
    default=1,
    show_default=True,
    help="How often an epoch sees each row of the public sets that we labelled.",
)
@click.option("--layers", help="Of the encoder, from 0 up, or `all`; else 0,2,3,5 of the packaged one with --data.")
@click.option(
    "--teacher",
    type=_FOLDER,
    multiple=True,
    help="Folder of a larger encoder, which learns first and teaches those layers; several, or one again, together.",
)
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True)
@CONFIG
def train(*, config_file: Path, with_corrections: bool, reasons: Path | None, **asked: Any) -> None:
    """Train a model into a folder; needs the extra `train`. It is in service only when `[tagger] model` names it.

    \b
    Example:  earmark train --data datasets --with-corrections --out model-2
    """
    from bot import teaching

    if (reasons is None) == (asked["out"] is None):
        raise click.UsageError("say what to make: a model with --out FOLDER, or reasons with --reasons FILE")
    if reasons is not None:
        counts = teaching.learn_reasons(settings_of(config_file), reasons)
        click.echo("\n".join(f"{count:6}  {name}" for name, count in counts.items()))
        click.echo(f'{reasons} holds them. Put into service: [tagger] reasons = "{reasons}", and restart.')
        return
    if not (asked["data"] or asked["own"] or with_corrections):
        raise click.UsageError("say what to learn from: --data, --own, --with-corrections or several of them")
    teaching.train(teaching.Lesson(**asked), settings_of(config_file) if with_corrections else None)
    click.echo(f"{asked['out']} holds the model. Measure it: earmark evaluate --against {asked['out']}")


@click.command("evaluate")
@click.option("--model", help="shipped, a model's folder, or transformer:NAME; else that of [tagger] or shipped.")
@click.option("--against", help="Another model, measured on the same texts.")
@_DATA
@_OWN
@_CORRECTIONS
@click.option(
    "--shadow",
    type=click.IntRange(1, 1_000_000),
    help="Instead, what --against would have said of so many mentions that came in last.",
)
@CONFIG
@JSON
def evaluate(  # noqa: PLR0913  # the options of the command
    *,
    model: str | None,
    against: str | None,
    data: Path | None,
    own: Path | None,
    with_corrections: bool,
    shadow: int | None,
    config_file: Path,
    as_json: bool,
) -> None:
    """Measure a model with 95 % intervals, or say what is different with another one. Nothing is written.

    \b
    Example:  earmark evaluate --with-corrections --against model-2
    """
    from bot import teaching

    if shadow is not None:
        if against is None:
            raise click.UsageError("--shadow needs the model to try with --against, such as a folder")
        _shadow(settings_of(config_file), against, shadow, as_json=as_json)
        return
    found = settings_of(config_file) if with_corrections else None
    model = model or (found.tagger.model if found else "shipped")
    report = teaching.measure(model, against, data=data, own=own, corrected_in=found, as_json=as_json)
    click.echo(report, nl=False)


def _shadow(settings: Settings, model: str, count: int, *, as_json: bool) -> None:
    from bot import teaching
    from bot.shadow import as_text

    with _progress(count) as advance:
        run = teaching.shadow(settings, model, count, advance)
    click.echo(json.dumps(run, ensure_ascii=False) if as_json else as_text(run), nl=as_json)


@contextmanager
def _progress(count: int) -> Iterator[Callable[[int], None]]:
    if not sys.stderr.isatty():
        yield lambda _count: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("tagging again", total=count)
        yield lambda done: bar.advance(task, done)


def register(cli: click.Group) -> None:
    """Add the commands."""
    cli.add_command(train)
    cli.add_command(evaluate)
