"""The pages: each reads, renders and changes nothing."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bot.cases import CUSTOMER_AT_RISK
from bot.domain import CaseState, Tag
from bot.views import CaseView, QueueCounts
from bot.web import words
from bot.web.board import WAITING, CaseFilter
from bot.web.site import Site, site_of

PAGE_CASES: Final = 50
REVIEW_MAX: Final = 200
SKIPPED_MAX: Final = 100
AUDIT_MAX: Final = 20
REQUESTS_MAX: Final = 200
JOURNALS_VERIFIED_MAX: Final = 20_000
"""A ledger up to this size is verified whenever its page is opened; a larger one when somebody asks."""
_PAGE: Final = re.compile(r"[1-9][0-9]{0,5}")
ID_MAX: Final = 2**63 - 1

STATES: Final = {
    "waiting": WAITING,
    "open": (CaseState.OPEN,),
    "claimed": (CaseState.CLAIMED,),
    "closed": (CaseState.RESOLVED, CaseState.DISMISSED),
    "all": tuple(CaseState),
}


def queues(request: Request) -> Response:
    """``/``: all queues, live."""
    site = site_of(request)
    return site.page(request, "queues.html", {"picture": site.live.fresh(), "titles": _titles(site)})


def fragment(request: Request) -> Response:
    """``/fragment``: the moving part of ``/`` alone; 304 while nothing moved."""
    site = site_of(request)
    html = site.render(request, "_live.html", {"picture": site.live.recent(), "titles": _titles(site)})
    mark = f'"{hashlib.sha256(html.encode()).hexdigest()[:32]}"'
    headers = {"ETag": mark, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == mark:
        return Response(status_code=304, headers=headers)
    response = HTMLResponse(html, headers=headers)
    site.guard.remember(request, response)
    return response


def queue(request: Request) -> Response:
    """``/queue/{name}``: one queue whole, by pages, with filters."""
    site = site_of(request)
    counts = _counts_of(site, request.path_params["name"])
    query = request.query_params
    state = query.get("state", "waiting") if query.get("state") in STATES else "waiting"
    tag = query.get("tag", "") if query.get("tag") in set(Tag) else ""
    only = CaseFilter(STATES[state], Tag(tag) if tag else None, overdue="overdue" in query)
    number = _page_number(query.get("page", ""))
    # One more than the page shows, to know whether another page follows without counting them all.
    cases = site.board.queue_page(counts.queue, only=only, limit=PAGE_CASES + 1, offset=(number - 1) * PAGE_CASES)
    context = {"counts": counts, "state": state, "tag": tag, "overdue": only.overdue, "states": STATES}
    paging = {"cases": cases[:PAGE_CASES], "number": number, "size": PAGE_CASES, "has_more": len(cases) > PAGE_CASES}
    return site.page(request, "queue.html", {**context, **paging, "titles": _titles(site)})


def case(request: Request) -> Response:
    """``/case/{id}``: one case with all that is known of it."""
    site = site_of(request)
    return case_page(request, case_of(site, request.path_params["case_id"]))


def case_page(request: Request, view: CaseView, *, status: int = 200, flash: str = "") -> Response:
    """Return the page of a case; an action that was refused answers with it too."""
    site = site_of(request)
    journals = site.board.journals(view.id)
    context = {
        "case": view,
        "journals": journals,
        "source": words.source_of(journals),
        "reasons": site.board.reasons(),
        "titles": _titles(site),
        "currency": site.board.totals().currency,
        "timezone": site.board.timezone_of(view.queue),
        "at_risk": view.reason in CUSTOMER_AT_RISK,
        "open_requests": site.board.requests(is_open=True, limit=REQUESTS_MAX),
        "teams": site.board.product_teams(),
        "team": site.board.team_for(view.reason),
        "departments": site.board.departments(),
    }
    return site.page(request, "case.html", context, status=status, flash=flash)


def ledger(request: Request) -> Response:
    """``/ledger``: running totals, and whether the books hold."""
    site = site_of(request)
    totals = site.board.totals()
    is_wanted = totals.journals <= JOURNALS_VERIFIED_MAX or "verify" in request.query_params
    check = site.board.verify() if is_wanted else None
    told = {"titles": _titles(site), "reasons": site.board.reasons(), "notes": site.board.notes()}
    context = {"totals": totals, "check": check, "recharges": site.board.open_recharges()}
    return site.page(request, "ledger.html", context | told)


def review(request: Request) -> Response:
    """``/review``: what the tagger was not sure of."""
    site = site_of(request)
    context = {"cases": site.board.review_list(REVIEW_MAX), "mentions": site.board.doubtful_mentions(REVIEW_MAX)}
    titles = {"titles": _titles(site), "reasons": site.board.reasons(), "total": site.board.review_count()}
    return site.page(request, "review.html", context | titles)


def audit(request: Request) -> Response:
    """``/audit``: the random sample, for a supervisor to judge."""
    site = site_of(request)
    context = {"taggings": site.board.audit_list(AUDIT_MAX), "total": site.board.audit_count()}
    return site.page(request, "audit.html", context | {"titles": _titles(site), "reasons": site.board.reasons()})


def requests(request: Request) -> Response:
    """``/requests``: what product teams are asked for, and what they made of it."""
    site = site_of(request)
    return site.page(request, "requests.html", {"requests": site.board.requests(limit=REQUESTS_MAX)})


def channels(request: Request) -> Response:
    """``/channels``: how the listening goes."""
    site = site_of(request)
    context = {"channels": site.board.channels(), "skipped": site.board.skipped(SKIPPED_MAX)}
    return site.page(request, "channels.html", context)


def health(request: Request) -> Response:
    """``/health``: answers as long as the board and its database do."""
    progress = site_of(request).board.progress()
    return Response(f"ok {progress.mentions} mentions\n", media_type="text/plain")


def case_of(site: Site, case_id: int) -> CaseView:
    """Return a case.

    Raises:
        HTTPException: 404, there is no such case.
    """
    view = site.board.view(case_id) if case_id <= ID_MAX else None
    if view is None:
        raise HTTPException(404, f"There is no case {case_id}. It may have come from another database.")
    return view


def _counts_of(site: Site, name: str) -> QueueCounts:
    known = {counts.queue: counts for counts in site.board.queue_counts()}
    if name not in known:
        raise HTTPException(404, "There is no queue of that name in the config.")
    return known[name]


def _titles(site: Site) -> dict[str, str]:
    return dict(site.board.reasons())


def _page_number(text: str) -> int:
    """``"7"`` → 7; anything that is no page is the first."""
    return int(text) if _PAGE.fullmatch(text) else 1
