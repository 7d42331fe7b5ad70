"""The tag audit on the terminal: what waits to be judged, a verdict, and the labels that come of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from bot.cli_parts import CONFIG, ID, JSON, actor_of, desk_of, settings_of

if TYPE_CHECKING:
    from bot.config import Settings
    from bot.domain import Judgement
    from bot.views import SampledTagging


_TEXT_MAX: Final = 500
_LISTED: Final = 20
_TAGS: Final = ("complaint", "praise", "request")


@click.group("audit")
def audit() -> None:
    """Judge the night's random sample of taggings. How it stands: earmark ledger accuracy.

    \b
    Example:  earmark audit list
    """


@audit.command("list")
@click.option("--limit", type=click.IntRange(1, 1_000), default=_LISTED, show_default=True, help="At most so many.")
@CONFIG
@JSON
def waiting(*, limit: int, config_file: Path, as_json: bool) -> None:
    """Show what waits to be judged: the words, and what the tagger said of them.

    \b
    Example:  earmark audit list --limit 5
    """
    desk = desk_of(config_file)
    found, total = desk.audit_list(limit), desk.audit_count()
    if as_json:
        click.echo(json.dumps({"waiting": total, "taggings": [_data(one) for one in found]}, ensure_ascii=False))
        return
    for one in found:
        click.echo(_shown(one))
    click.echo(f"{total} wait to be judged." if total else "Nothing waits to be judged.")


def _data(one: SampledTagging) -> dict[str, Any]:
    return {
        "mention": one.mention_id,
        "date": one.on_date.isoformat(),
        "place": one.place,
        "channel": one.channel,
        "posted_at": one.posted_at.isoformat(),
        "text": one.text,
        **_labelled(one.said),
    }


def _labelled(judged: Judgement) -> dict[str, Any]:
    return {"tags": list(judged.tags), "primary": judged.primary, "reason": judged.reason}


def _shown(one: SampledTagging) -> str:
    from bot.reports.figures import one_line

    return f"{one.mention_id:>7}  {one.on_date}  {said(one.said)}\n         {one_line(one.text)[:_TEXT_MAX]}"


def said(judged: Judgement) -> str:
    """Return in words what a mention is taken for, the main tag first: ``complaint, request: billing error``."""
    from bot.reports.figures import title

    if judged.primary is None:
        return "nothing"
    names = sorted(judged.tags, key=lambda tag: (tag is not judged.primary, tag))
    return f"{', '.join(names)}: {title(judged.reason)}"


@audit.command("judge")
@click.argument("mention", type=ID)
@click.option("--by", required=True, help="Who judges: the name that stands beside the verdict.")
@click.option("--right", is_flag=True, help="All that the tagger said is right.")
@click.option("--nothing", is_flag=True, help="It is neither complaint, praise nor request.")
@click.option("--tag", "tags", type=click.Choice(_TAGS), multiple=True, help="A tag that is right, the main one first.")
@click.option("--reason", default="", help="The reason that is right, by its id in the taxonomy.")
@CONFIG
def judge(  # noqa: PLR0913  # the options of the command
    *, mention: int, by: str, right: bool, nothing: bool, tags: tuple[str, ...], reason: str, config_file: Path
) -> None:
    """Say whether the tagging of MENTION is right, or what is; a correction goes into the books as a retag does.

    \b
    Example:  earmark audit judge 17 --by Sue --tag complaint --tag request --reason billing_error
    """
    judged = _verdict(right=right, nothing=nothing, tags=tags, reason=reason)
    actor = actor_of(by, who="who judges")
    action_id = f"terminal:audit:{mention}:{actor.name}"
    click.echo(desk_of(config_file).judge(mention, actor, action_id=action_id, judged=judged).message)


def _verdict(*, right: bool, nothing: bool, tags: tuple[str, ...], reason: str) -> Judgement | None:
    from bot.domain import NOTHING, Judgement, Tag

    if [right, nothing, bool(tags)].count(True) != 1:
        raise click.UsageError("say one of --right, --nothing, or what is right with --tag and --reason")
    if not tags:
        if reason:
            raise click.UsageError("--reason goes with --tag")
        return NOTHING if nothing else None
    if not reason:
        raise click.UsageError("with --tag say the --reason too, by its id in the taxonomy such as billing_error")
    found = tuple(dict.fromkeys(map(Tag, tags)))
    return Judgement(found, found[0], reason)


@audit.command("labels")
@click.option("--with-retags", is_flag=True, help="Also what agents corrected; with who said it, when, and where.")
@CONFIG
def labels(*, with_retags: bool, config_file: Path) -> None:
    """Print what people judged as JSON lines to train on: id, text, language, tags, primary, reason, source.

    \b
    Example:  earmark audit labels > labels.jsonl
    """
    if with_retags:
        _print_all(settings_of(config_file))
        return
    from bot.app import open_database
    from storage import audits, db

    database = open_database(settings_of(config_file))
    db.require_newest(database)
    with db.reading(database) as session:
        for one in audits.labels(session):
            row = {"id": one.mention_id, "text": one.text, "language": one.language, **_labelled(one.judged)}
            click.echo(json.dumps({**row, "source": "human"}, ensure_ascii=False))
    database.dispose()


def _print_all(settings: Settings) -> None:
    from bot import teaching

    for one in teaching.corrections(settings):
        row = {"id": one.mention_id, "text": one.text, "language": one.language, **_labelled(one.judged)}
        who = {"source": "human", "by": one.by, "at": one.at.isoformat(), "origin": one.origin}
        click.echo(json.dumps({**row, **who}, ensure_ascii=False))
