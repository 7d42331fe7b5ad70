"""The buttons: each does one thing to one case, once, however often it is pressed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from bot.clock import on_the_clock
from bot.domain import Outcome, Tag
from bot.errors import CaseError, InputError
from bot.ledger.money import exponent, parse
from bot.web.pages import ID_MAX, case_of, case_page
from bot.web.security import FLASH_COOKIE, Form, check_origin, read_form
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


def _merge(site: Site, case_id: int, form: Form, action_id: str) -> Outcome:
    number = form.one("into").strip().removeprefix("#")
    if not (number.isascii() and number.isdigit() and int(number) <= ID_MAX):
        raise CaseError("Write the number of the other case, such as 17.")
    return site.board.merge(case_id, site.who, int(number), action_id=action_id)


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
    "promise": _promise,
    "keep-promise": _keep_promise,
    "cancel-promise": _cancel_promise,
    "merge": _merge,
    "goodwill": _goodwill,
}

MENTION_ACTIONS: Final[dict[str, Press]] = {"tag": _tag_mention, "pass-over": _pass_over}


async def act(request: Request) -> Response:
    """``POST /case/{id}/{action}``: press a button; refused with 409 when the case does not allow it any more."""
    check_origin(request)
    form = await read_form(request)
    return await run_in_threadpool(partial(_act, request, form))


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
    check_origin(request)
    form = await read_form(request)
    return await run_in_threadpool(partial(_act_on_mention, request, form))


def _act_on_mention(request: Request, form: Form) -> Response:
    site, mention_id, name = site_of(request), request.path_params["mention_id"], request.path_params["action"]
    session = site.guard.check(request, form)
    if name not in MENTION_ACTIONS or mention_id > ID_MAX:
        raise HTTPException(404, "The board has no such button.")
    action_id = site.guard.action_id(session, name, mention_id, form.one("nonce"))
    try:
        message = MENTION_ACTIONS[name](site, mention_id, form, action_id).message
    except CaseError as refusal:
        message = str(refusal)
    finally:
        site.live.forget()
    return _back_to("/review", request, message)


def _refused(request: Request, case_id: int, message: str) -> Response:
    if wants_json(request):
        return JSONResponse({"ok": False, "message": message}, status_code=409)
    return case_page(request, case_of(site_of(request), case_id), status=409, flash=message)


def _done(request: Request, outcome: Outcome) -> Response:
    if wants_json(request):
        return JSONResponse({"ok": True, "message": outcome.message})
    return _back_to(f"/case/{outcome.case_id}", request, outcome.message)


def _back_to(path: str, request: Request, message: str) -> Response:
    """Show ``message`` on top of the page at ``path``."""
    response = RedirectResponse(path, status_code=303)
    sealed = site_of(request).guard.seal(message)
    response.set_cookie(FLASH_COOKIE, sealed, max_age=FLASH_S, httponly=True, samesite="strict", path="/")
    return response


def wants_json(request: Request) -> bool:
    """True for the board's own script, which shows the answer in place."""
    return request.headers.get("accept", "") == "application/json"
