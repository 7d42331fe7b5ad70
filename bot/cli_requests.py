"""Requests passed on to product teams, on the terminal: for a team without Slack, and for whoever looks after them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from bot.cli_parts import CONFIG, ID, JSON, Decorator, actor_of, desk_of, with_options

if TYPE_CHECKING:
    from bot.desk import Desk
    from bot.domain import Actor, RequestState
    from bot.views import PassedRequest

_ANSWERS: Final = {
    "pass": ("passed", "Say that the team was told of request NUMBER: by mail, or face to face."),
    "ack": ("acknowledged", "Say that the team has seen request NUMBER and will look at it."),
    "plan": ("planned", "Say that the team is going to do what request NUMBER asks for."),
    "ship": ("shipped", "Say that what request NUMBER asks for is there; everybody who asked is to be told."),
    "decline": ("declined", "Say that the team will not do it, and why; everybody who asked is to be told."),
}


@click.group("request")
def request() -> None:
    """See and answer what customers ask of product teams. In figures: earmark ledger requests.

    \b
    Example:  earmark request list --team mobile
    """


_WHO: Final = "who says so"
_NUMBER: Final = click.argument("number", type=ID)
_BY: Final = click.option("--by", required=True, help="Who says so: the name that stands in the history.")


@request.command("list")
@click.option("--team", default="", help="Only those of this product team.")
@click.option("--all", "with_ended", is_flag=True, help="Also those that have shipped or were declined.")
@CONFIG
@JSON
def listed(*, team: str, with_ended: bool, config_file: Path, as_json: bool) -> None:
    """Show the requests that still go on, the oldest first.

    \b
    Example:  earmark request list --team mobile
    """
    found = desk_of(config_file).requests(team=team, is_open=not with_ended)
    if as_json:
        click.echo(json.dumps({"requests": [_data(one) for one in found]}, ensure_ascii=False))
        return
    for one in found:
        click.echo(_line(one))
    click.echo(f"{len(found)} requests." if found else "There is no request.")


def _data(one: PassedRequest) -> dict[str, Any]:
    from bot.reports.data import as_data

    data = as_data(one)
    return data if isinstance(data, dict) else {}


def _line(one: PassedRequest) -> str:
    from bot.reports.figures import counted, one_line
    from bot.requests import WORDS

    title = one_line(one.title) or "[removed]"
    return f"{one.id:>5}  {WORDS[one.state]:<17} {one.team:<14} {counted(one.customers, 'customer'):<14} {title}"


@request.command("show")
@_NUMBER
@CONFIG
@JSON
def show(*, number: int, config_file: Path, as_json: bool) -> None:
    """Show request NUMBER: who asks, what the team said, and who does not know yet.

    \b
    Example:  earmark request show 3
    """
    from bot.errors import InputError

    desk = desk_of(config_file)
    found = desk.request(number)
    if found is None:
        raise InputError(f"there is no request {number}; earmark request list --all shows them")
    history, cases = desk.request_history(number), desk.request_cases(number)
    if as_json:
        events = [{"kind": one.kind, "by": one.actor_name, "at": one.at.isoformat()} for one in history]
        asking = [{"case": case, "told": told} for case, told in cases]
        click.echo(json.dumps({**_data(found), "history": events, "cases": asking}, ensure_ascii=False))
        return
    click.echo(_line(found))
    if found.why:
        click.echo(f"       {found.why}")
    for one in history:
        click.echo(f"       {one.at:%Y-%m-%d %H:%M} UTC  {one.kind} by {one.actor_name}")
    asking_cases = ", ".join(f"{case}{' (told)' if told else ''}" for case, told in cases)
    click.echo(f"       Cases that ask for it: {asking_cases or 'none'}.")


def _answer(name: str, state: str, sentence: str) -> click.Command:
    def answer(*, number: int, by: str, config_file: Path, why: str = "") -> None:
        from bot.domain import RequestState

        _say(desk_of(config_file), number, RequestState(state), actor_of(by, who=_WHO), why)

    options: list[Decorator] = [_NUMBER, _BY, CONFIG]
    if name == "decline":
        options.append(click.option("--why", required=True, help="What customers are told."))
    more = ' --why "Few would use it."' if name == "decline" else ""
    return click.command(name, help=f"{sentence}\n\n\b\nExample:  earmark request {name} 3 --by Pat{more}")(
        with_options(options)(answer)
    )


for _name, (_state, _sentence) in _ANSWERS.items():
    request.add_command(_answer(_name, _state, _sentence))


def _say(desk: Desk, number: int, to: RequestState, actor: Actor, why: str) -> None:
    found = desk.request(number)
    # The same words from the same person about the same state of it are the same press.
    action_id = f"terminal:request:{number}:{to}:v{found.version if found else 0}:{actor.name}"
    click.echo(desk.answer(number, to, actor, action_id=action_id, why=why).message)


@request.command("told")
@click.argument("case", type=ID)
@_BY
@CONFIG
def told(*, case: int, by: str, config_file: Path) -> None:
    """Say that the customer of CASE was told how what they asked for ended.

    \b
    Example:  earmark request told 4711 --by Sue
    """
    desk, actor = desk_of(config_file), actor_of(by, who=_WHO)
    view = desk.view(case)
    ended = ",".join(str(one.request_id) for one in view.asked_for if one.to_tell) if view else ""
    action_id = f"terminal:told:{case}:{ended}:{actor.name}"
    click.echo(desk.customer_told(case, actor, action_id=action_id).message)
