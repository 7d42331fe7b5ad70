"""The buttons: each does one thing to one case, once, however often it is pressed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from bot.clock import on_the_clock
from bot.domain import NOTHING, Judgement, Outcome, Quadrant, RequestState, Tag
from bot.errors import CaseError, InputError
from bot.ledger.money import WHOLE, exponent, parse
from bot.web.pages import ID_MAX, case_of, case_page
from bot.web.security import FLASH_COOKIE, Form, answered
from bot.web.site import Site, site_of

FLASH_S: Final = 30

Press = Callable[[Site, int, Form, str], Outcome]


def _claim(site: Site, case_id: int, _: Form, action_id: str) -> Outcome:
    return site.board.claim(case_id, site.who, action_id=action_id)


def _release(site: Site, case_id: int, _: Form, action_id: str) -> Outcome:
    return site.board.release(case_id, site.who, action_id=action_id)


def _resolve(site: Site, case_id: int, _: Form, action_id: str) -> Outcome:
    return site.board.resolve(case_id, site.who, action_id=action_id)


def _not_for_us(site: Site, case_id: int, _: Form, action_id: str) -> Outcome:
    return site.board.not_for_us(case_id, site.who, action_id=action_id)


def _retag(site: Site, case_id: int, form: Form, action_id: str) -> Outcome:
    tags, primary, reason = _tagging(site, form)
    return site.board.retag(case_id, site.who, action_id=action_id, tags=tags, primary=primary, reason=reason)


def _tag_mention(site: Site, mention_id: int, form: Form, action_id: str) -> Outcome:
    tags, primary, reason = _tagging(site, form)
    return site.board.tag_mention(mention_id, site.who, action_id=action_id, tags=tags, primary=primary, reason=reason)


def _pass_over(site: Site, mention_id: int, _: Form, _action_id: str) -> Outcome:
    return site.board.pass_over(mention_id, site.who)


def _right(site: Site, mention_id: int, _: Form, action_id: str) -> Outcome:
    return site.board.judge(mention_id, site.who, action_id=action_id)


def _correct(site: Site, mention_id: int, form: Form, action_id: str) -> Outcome:
    judged = NOTHING
    if form.many("tags"):
        tags, primary, reason = _tagging(site, form)
        judged = Judgement(tuple(tags), primary, reason)
    return site.board.judge(mention_id, site.who, action_id=action_id, judged=judged)


def _tagging(site: Site, form: Form) -> tuple[list[Tag], Tag, str]:
    """Return the tags, the main one and the reason that a form chose."""
    tags = [tag for tag in Tag if tag.value in form.many("tags")]
    primary = next((tag for tag in tags if tag.value == form.one("primary")), None)
    if primary is None:
        raise CaseError("The main tag must be one of the tags: tick it as well, or choose another main tag.")
    if form.one("reason") not in dict(site.board.reasons()):
        raise CaseError("That reason is not in the taxonomy: choose one from the list.")
    return tags, primary, form.one("reason")


def _customer_kept(site: Site, case_id: int, _: Form, action_id: str) -> Outcome:
    return site.board.resolve(case_id, site.who, action_id=action_id, customer_kept=True)


def _send_answer(site: Site, case_id: int, _: Form, action_id: str) -> Outcome:
    return site.board.answer_as_incident(case_id, site.who, action_id=action_id)


def _promise(site: Site, case_id: int, form: Form, action_id: str) -> Outcome:
    view = site.board.view(case_id)
    day, _, time_of_day = form.one("due").partition("T")
    try:
        due_at = on_the_clock(day, time_of_day, site.board.timezone_of(view.queue if view else ""))
    except ValueError as error:
        raise CaseError("That is no day and time; choose both.") from error
    return site.board.promise(case_id, site.who, due_at, action_id=action_id)


def _keep_promise(site: Site, case_id: int, _: Form, action_id: str) -> Outcome:
    return site.board.keep_promise(case_id, site.who, action_id=action_id)


def _cancel_promise(site: Site, case_id: int, _: Form, action_id: str) -> Outcome:
    return site.board.cancel_promise(case_id, site.who, action_id=action_id)


def _pass_on(site: Site, case_id: int, form: Form, action_id: str) -> Outcome:
    number = form.one("joins")
    joins = int(number) if number.isascii() and number.isdigit() and int(number) <= ID_MAX else None
    team, title = form.one("team"), form.one("title")
    return site.board.pass_on(case_id, site.who, action_id=action_id, team=team, title=title, joins=joins)


def _customer_told(site: Site, case_id: int, _: Form, action_id: str) -> Outcome:
    return site.board.customer_told(case_id, site.who, action_id=action_id)


def _answer(to: RequestState) -> Press:
    def press(site: Site, request_id: int, form: Form, action_id: str) -> Outcome:
        return site.board.answer(request_id, to, site.who, action_id=action_id, why=form.one("why"))

    return press


def _merge(site: Site, case_id: int, form: Form, action_id: str) -> Outcome:
    number = form.one("into").strip().removeprefix("#")
    if not (number.isascii() and number.isdigit() and int(number) <= ID_MAX):
        raise CaseError("Write the number of the other case, such as 17.")
    return site.board.merge(case_id, site.who, int(number), action_id=action_id)


def _override(site: Site, case_id: int, form: Form, action_id: str) -> Outcome:
    why, quadrant, owner = form.one("why"), form.one("quadrant"), form.one("owner")
    if not (quadrant or owner):
        return site.board.lift_override(case_id, site.who, action_id=action_id, why=why)
    if quadrant not in {"", *Quadrant} or owner not in {"", *site.board.departments()}:
        raise CaseError("Choose a kind of contact and a department from the lists.")
    chosen, owners = Quadrant(quadrant) if quadrant else None, ((owner, WHOLE),) if owner else ()
    return site.board.override(case_id, site.who, action_id=action_id, why=why, quadrant=chosen, owners=owners)


def _goodwill(site: Site, case_id: int, form: Form, action_id: str) -> Outcome:
    currency = site.board.totals().currency
    try:
        amount = parse(form.one("amount"), exponent=exponent(currency))
    except InputError as error:
        raise CaseError(f"Amount: {error}.") from error
    return site.board.goodwill(case_id, amount, form.one("why"), actor=site.who, action_id=action_id)


ACTIONS: Final[dict[str, Press]] = {
    "claim": _claim,
    "release": _release,
    "resolve": _resolve,
    "not-for-us": _not_for_us,
    "retag": _retag,
    "customer-kept": _customer_kept,
    "send-answer": _send_answer,
    "promise": _promise,
    "keep-promise": _keep_promise,
    "cancel-promise": _cancel_promise,
    "merge": _merge,
    "goodwill": _goodwill,
    "override": _override,
    "pass-on": _pass_on,
    "customer-told": _customer_told,
}

MENTION_ACTIONS: Final[dict[str, Press]] = {"tag": _tag_mention, "pass-over": _pass_over}
AUDIT_ACTIONS: Final[dict[str, Press]] = {"right": _right, "correct": _correct}
REQUEST_ACTIONS: Final[dict[str, Press]] = {
    state.value: _answer(state) for state in RequestState if state is not RequestState.NEW
}


async def act(request: Request) -> Response:
    """``POST /case/{id}/{action}``: press a button; refused with 409 when the case does not allow it any more."""
    return await answered(request, _act)


def _act(request: Request, form: Form) -> Response:
    site, case_id, name = site_of(request), request.path_params["case_id"], request.path_params["action"]
    session = site.guard.check(request, form)
    if name not in ACTIONS:
        raise HTTPException(404, "The board has no such button.")
    case_of(site, case_id)
    action_id = site.guard.action_id(session, name, case_id, form.one("nonce"))
    try:
        outcome = ACTIONS[name](site, case_id, form, action_id)
    except CaseError as refusal:
        return _refused(request, case_id, str(refusal))
    finally:
        site.live.forget()
    return _done(request, outcome)


async def act_on_mention(request: Request) -> Response:
    """``POST /mention/{id}/{action}``: the review list's buttons; back to the list, with a sentence, either way."""
    return await answered(request, partial(_act_in_list, actions=MENTION_ACTIONS, back_to="/review"))


async def judge(request: Request) -> Response:
    """``POST /audit/{id}/{action}``: a verdict on a drawn tagging; back to those that wait, with a sentence."""
    return await answered(request, partial(_act_in_list, actions=AUDIT_ACTIONS, back_to="/audit"))


async def note(request: Request) -> Response:
    """``POST /ledger/note``: what is behind the contacts of a reason; back to the ledger, with a sentence."""
    return await answered(request, _note)


def _note(request: Request, form: Form) -> Response:
    site = site_of(request)
    site.guard.check(request, form)
    if not site.who.is_supervisor:
        return sent_to("/ledger", request, "Only a supervisor notes causes.")
    try:
        message = site.board.note(form.one("reason"), form.one("text"), site.who)
    except InputError as error:
        message = str(error)
    return sent_to("/ledger", request, message)


async def answer(request: Request) -> Response:
    """``POST /request/{id}/{state}``: what a product team makes of a request; back to the list, with a sentence."""
    return await answered(request, partial(_act_in_list, actions=REQUEST_ACTIONS, back_to="/requests"))


def _act_in_list(request: Request, form: Form, *, actions: Mapping[str, Press], back_to: str) -> Response:
    site, number, name = site_of(request), request.path_params["number"], request.path_params["action"]
    session = site.guard.check(request, form)
    if name not in actions or number > ID_MAX:
        raise HTTPException(404, "The board has no such button.")
    action_id = site.guard.action_id(session, name, number, form.one("nonce"))
    try:
        message = actions[name](site, number, form, action_id).message
    except CaseError as refusal:
        message = str(refusal)
    finally:
        site.live.forget()
    return sent_to(back_to, request, message)


def _refused(request: Request, case_id: int, message: str) -> Response:
    if wants_json(request):
        return JSONResponse({"ok": False, "message": message}, status_code=409)
    return case_page(request, case_of(site_of(request), case_id), status=409, flash=message)


def _done(request: Request, outcome: Outcome) -> Response:
    if wants_json(request):
        return JSONResponse({"ok": True, "message": outcome.message})
    return sent_to(f"/case/{outcome.case_id}", request, outcome.message)


def sent_to(path: str, request: Request, message: str) -> Response:
    """Show ``message`` on top of the page at ``path``."""
    response = RedirectResponse(path, status_code=303)
    sealed = site_of(request).guard.seal(message)
    response.set_cookie(FLASH_COOKIE, sealed, max_age=FLASH_S, httponly=True, samesite="strict", path="/")
    return response


def wants_json(request: Request) -> bool:
    """True for the board's own script, which shows the answer in place."""
    return request.headers.get("accept", "") == "application/json"
