"""A stand-in for X's API on loopback, written from its documentation and not from our client.

A test lets people post, edit and delete in ``world`` and makes the platform fail with ``fail``; there are no canned
answers. What a client does against the documentation lands in ``broken`` and fails the test at its end.
"""

from __future__ import annotations

import html
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import anyio
from oauthlib.common import Request as SignedRequest
from oauthlib.oauth1.rfc5849.signature import collect_parameters, verify_hmac_sha1
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.servers import x_rules as rules
from tests.servers.loopback import drop_connection, serve
from tests.servers.x_world import EPOCH_MS, Post, World

TOKEN = "app-token"
KEYS = {"api_key": "key", "api_secret": "key-secret", "access_token": "1-access", "access_secret": "access-secret"}


class BadRequestError(Exception):
    """A 400 that blames one parameter."""

    def __init__(self, parameter: str, value: str, message: str) -> None:
        super().__init__(message)
        self.body = rules.problem(
            "invalid-request",
            "Invalid Request",
            errors=[{"parameters": {parameter: [value]}, "message": message}],
        )


class XServer:
    """The platform. ``style`` is the vocabulary it speaks, ``limits`` its requests per window."""

    def __init__(self, style: str = "tweet") -> None:
        self.world = World()
        self.style = rules.STYLES[style]
        self.limits = dict(rules.LIMITS)
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.broken: list[str] = []
        self.replies: list[dict[str, Any]] = []
        self.url = ""
        self.token_lives = timedelta(hours=1)
        self._faults: list[Callable[[Request], Response]] = []
        self._used: dict[str, int] = {}
        self._reset_at: dict[str, float] = {}
        self._told_to_wait: set[str] = set()
        self._tokens: dict[str, tuple[int, float, dict[str, str]]] = {}

    def fail(self, *kinds: str) -> None:
        """Let the next requests fail, one a kind; see ``FAULTS``."""
        self._faults += [FAULTS[kind] for kind in kinds]

    def expire_tokens(self) -> None:
        self._tokens.clear()

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/2/users/{id}/mentions", self._endpoint("mentions", self._mentions)),
                Route("/2/tweets/search/recent", self._endpoint("search", self._search)),
                Route("/2/tweets", self._endpoint("lookup", self._lookup)),
                Route("/2/tweets", self._endpoint("create", self._create), methods=["POST"]),
            ]
        )

    def _breaks(self, rule: rules.Rule, what: str) -> None:
        self.broken.append(f"{what}: {rule.says} ({rule.source})")

    def _endpoint(self, name: str, answer: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            asked = dict(request.query_params)
            self.requests.append((name, asked))
            body = await request.body()
            if (refused := self._unauthenticated(request, name, body)) is not None:
                return refused
            headers = self._count(name)
            if headers["x-rate-limit-remaining"] == "-1":
                self._told_to_wait.add(name)
                headers["x-rate-limit-remaining"] = "0"
                return JSONResponse(rules.problem("too-many", "Too Many Requests"), 429, headers)
            if self._faults:
                return self._faults.pop(0)(request)
            try:
                self._check(name, asked)
                found = answer(request)
            except BadRequestError as error:
                return JSONResponse(error.body, 400, headers)
            # json.dumps escapes what is not ASCII, lone surrogates included; JSONResponse cannot.
            return Response(json.dumps(found), 201 if name == "create" else 200, headers, "application/json")

        return endpoint

    def _unauthenticated(self, request: Request, name: str, body: bytes) -> Response | None:
        header = request.headers.get("authorization", "")
        if header == f"Bearer {TOKEN}" and name != "create":
            return None
        if header.startswith("OAuth ") and _is_signed(request, body):
            return None
        if not header:
            self._breaks(rules.AUTHENTICATED, name)
        if header == f"Bearer {TOKEN}":
            return JSONResponse(rules.problem("unsupported-authentication", "Unsupported Authentication"), 403)
        return JSONResponse(rules.problem("unauthorized", "Unauthorized"), 401)

    def _count(self, name: str) -> dict[str, str]:
        now = self.world.now().timestamp()
        if now >= self._reset_at.get(name, 0):
            self._used[name], self._reset_at[name] = 0, float(int(now) + rules.WINDOW_S)
            self._told_to_wait.discard(name)
        if name in self._told_to_wait:
            self._breaks(rules.WAIT, name)
        self._used[name] += 1
        return {
            "x-rate-limit-limit": str(self.limits[name]),
            "x-rate-limit-remaining": str(max(-1, self.limits[name] - self._used[name])),
            "x-rate-limit-reset": str(int(self._reset_at[name])),
        }

    def _check(self, name: str, asked: dict[str, str]) -> None:
        for parameter in asked.keys() - rules.KNOWN.get(name, set()) - {self.style.fields}:
            self._breaks(rules.PARAMETERS, f"{name} {parameter}")
            raise BadRequestError(parameter, asked[parameter], f"The query parameter [{parameter}] is not one of [...]")
        if asked.keys() & {"since_id", "until_id"} and asked.keys() & {"start_time", "end_time"}:
            self._breaks(rules.ID_OR_TIME, name)
            raise BadRequestError("since_id", asked.get("since_id", ""), "Invalid use of 'since_id' or 'until_id'")

    def _in_range(self, rule: rules.Rule, asked: dict[str, str], low: int) -> int:
        given = asked.get("max_results", "10")
        if not (given.isdigit() and low <= int(given) <= 100):
            self._breaks(rule, f"max_results={given}")
            raise BadRequestError(
                "max_results", given, f"The `max_results` query parameter value [{given}] is not valid"
            )
        return int(given)

    def _mentions(self, request: Request) -> dict[str, Any]:
        asked = dict(request.query_params)
        size = self._in_range(rules.MENTIONS_SIZE, asked, 5)
        account = next((user for user in self.world.users.values() if user.id == request.path_params["id"]), None)
        if account is None:
            error = {"resource_type": "user", "resource_id": request.path_params["id"], "title": "Not Found Error"}
            return {"errors": [error | {"type": "https://api.twitter.com/2/problems/resource-not-found"}]}
        naming = [post for post in self.world.visible() if f"@{account.handle}" in post.text]
        return self._listing(naming[: rules.MENTIONS_KEPT], asked, size, "pagination_token")

    def _search(self, request: Request) -> dict[str, Any]:
        asked = dict(request.query_params)
        size = self._in_range(rules.SEARCH_SIZE, asked, 10)
        query = asked.get("query", "")
        if not 1 <= len(query) <= 512:
            self._breaks(rules.QUERY_LENGTH, f"{len(query)} characters")
            raise BadRequestError("query", query, "Invalid query")
        floor = self.world.now() - timedelta(days=rules.SEARCH_DAYS)
        floor_id = (int(floor.timestamp() * 1000) - EPOCH_MS) << 22
        if "since_id" in asked and int(asked["since_id"]) < floor_id:
            message = f"'since_id' must be a tweet id created after {floor:%Y-%m-%dT%H:%MZ}."
            raise BadRequestError("since_id", asked["since_id"], message)
        words = [word for word in query.split() if not word.startswith("-")]
        matching = [post for post in self.world.visible() if all(word in post.text for word in words)]
        return self._listing([post for post in matching if post.id > floor_id], asked, size, "next_token")

    def _listing(self, posts: list[Post], asked: dict[str, str], size: int, key: str) -> dict[str, Any]:
        """One page, newest first, and a token while there is more."""
        above, below = int(asked.get("since_id", 0)), int(asked.get("until_id", 2**63))
        if key in asked:
            below = min(below, self._after(asked, key))
        posts = [post for post in posts if above < post.id < below]
        page = posts[:size]
        meta: dict[str, Any] = {"result_count": len(page)}
        if page:
            meta |= {"newest_id": str(page[0].id), "oldest_id": str(page[-1].id)}
        if len(posts) > size:
            meta["next_token"] = self._token(page[-1].id, asked, key)
        return self._rendered(page, asked) | {"meta": meta}

    def _token(self, last: int, asked: dict[str, str], key: str) -> str:
        token = f"t{len(self.requests)}p{last}"
        unchanged = {name: value for name, value in asked.items() if name != key}
        self._tokens[token] = (last, (self.world.now() + self.token_lives).timestamp(), unchanged)
        return token

    def _after(self, asked: dict[str, str], key: str) -> int:
        last, dies_at, unchanged = self._tokens.get(asked[key], (0, 0.0, {}))
        if dies_at <= self.world.now().timestamp():
            raise BadRequestError(key, asked[key], f"The `{key}` query parameter value is not valid")
        if unchanged != {name: value for name, value in asked.items() if name != key}:
            self._breaks(rules.TOKEN_UNCHANGED, key)
        return last

    def _lookup(self, request: Request) -> dict[str, Any]:
        ids = request.query_params.get("ids", "").split(",")
        if not 1 <= len(ids) <= 100 or not all(number.isdigit() and len(number) <= 19 for number in ids):
            self._breaks(rules.IDS, f"{len(ids)} ids")
            raise BadRequestError("ids", "", "The `ids` query parameter value is not valid")
        found, errors = [], []
        for number in ids:
            post = self.world.version(int(number))
            if post is None or post.is_deleted:
                errors.append(_missing(number, "resource-not-found", "Not Found Error"))
            elif post.is_protected:
                errors.append(_missing(number, "not-authorized-for-resource", "Authorization Error"))
            else:
                found.append(post)
        answer = self._rendered(found, dict(request.query_params))
        return answer | ({"errors": errors} if errors else {})

    def _create(self, request: Request) -> dict[str, Any]:
        body = json.loads(request._body)
        self.replies.append(body)
        number = self.world.post(body["text"], "brand", reply_to=int(body["reply"]["in_reply_to_tweet_id"]))
        return {"data": {"id": str(number), "text": body["text"], self.style.history: [str(number)]}}

    def _rendered(self, posts: list[Post], asked: dict[str, str]) -> dict[str, Any]:
        fields = set(asked.get(self.style.fields, "").split(","))
        expansions = set(asked.get("expansions", "").split(","))
        user_fields = set(asked.get("user.fields", "").split(","))
        answer: dict[str, Any] = {"data": [self._post(post, fields, expansions) for post in posts]} if posts else {}
        if "author_id" in expansions and posts:
            authors = {post.author.id: post.author for post in posts}.values()
            users = [_user(author, user_fields) for author in authors if not author.is_suspended]
            answer["includes"] = {"users": users}
            gone = [author.id for author in authors if author.is_suspended]
            if gone:
                answer["errors"] = [_missing(user, "resource-not-found", "Not Found Error", "user") for user in gone]
        return answer

    def _post(self, post: Post, fields: set[str], expansions: set[str]) -> dict[str, Any]:
        style = self.style
        refs = [("replied_to", post.reply_to), (style.repost, post.repost_of)]
        optional = {
            "created_at": f"{post.made_at:%Y-%m-%dT%H:%M:%S}.{post.made_at.microsecond // 1000:03d}Z",
            "lang": post.lang,
            "conversation_id": str(post.reply_to or post.id),
            "author_id": post.author.id,
        }
        shown: dict[str, Any] = {"id": str(post.id), "text": html.escape(post.text[: rules.TEXT_MAX], quote=False)}
        shown[style.history] = [str(past) for past in post.history]
        shown |= {name: value for name, value in optional.items() if name in fields | expansions}
        if style.references in (expansions if style.references_in == "expansions" else fields) and any(
            to for _, to in refs
        ):
            shown[style.references] = [{"type": kind, "id": str(to)} for kind, to in refs if to]
        if style.note in fields and len(post.text) > rules.TEXT_MAX:
            shown[style.note] = {"text": html.escape(post.text, quote=False)}
        return shown | post.oddities


def _user(author: Any, fields: set[str]) -> dict[str, Any]:
    shown = {"id": author.id, "name": author.handle.title(), "username": author.handle}
    metrics = {"followers_count": author.followers, "following_count": 0, "listed_count": 0, "tweet_count": 1}
    return shown | ({"public_metrics": metrics} if "public_metrics" in fields else {})


def _missing(number: str, kind: str, title: str, resource: str = "tweet") -> dict[str, str]:
    error = {"value": number, "resource_id": number, "resource_type": resource, "title": title}
    return error | {"type": f"https://api.twitter.com/2/problems/{kind}"}


def _is_signed(request: Request, body: bytes) -> bool:
    """Check an OAuth 1.0a signature: https://docs.x.com/fundamentals/authentication/oauth-1-0a/creating-a-signature."""
    header = request.headers["authorization"]
    signed = SignedRequest(
        str(request.url.replace(query="")), request.method, body.decode() or None, dict(request.headers)
    )
    given = dict(collect_parameters(headers={"Authorization": header}, exclude_oauth_signature=False))
    signed.params = collect_parameters(uri_query=request.url.query, headers={"Authorization": header})
    signed.signature = given.get("oauth_signature", "")
    named = (given.get("oauth_consumer_key"), given.get("oauth_token")) == (KEYS["api_key"], KEYS["access_token"])
    return named and verify_hmac_sha1(signed, KEYS["api_secret"], KEYS["access_secret"])


async def _drip() -> AsyncIterator[bytes]:
    for _ in range(100):
        yield b" "
        await anyio.sleep(0.02)
    yield b'{"meta": {"result_count": 0}}'


def _reset(request: Request) -> Response:
    drop_connection(request.scope)
    return Response()


FAULTS: dict[str, Callable[[Request], Response]] = {
    "429 without reset": lambda _: JSONResponse(rules.problem("too-many", "Too Many Requests"), 429),
    "usage-capped": lambda _: JSONResponse(rules.problem("usage-capped", "UsageCapExceeded"), 429),
    "503": lambda _: JSONResponse(rules.problem("service-unavailable", "Service Unavailable"), 503),
    "503 html": lambda _: HTMLResponse("<html>Over capacity</html>", 503),
    "401": lambda _: JSONResponse(rules.problem("unauthorized", "Unauthorized"), 401),
    "200 html": lambda _: HTMLResponse("<html>Sign in</html>"),
    "200 empty object": lambda _: JSONResponse({}),
    "200 odd data": lambda _: JSONResponse({"data": {"id": "1"}, "meta": {"result_count": 1}}),
    "200 list": lambda _: JSONResponse([]),
    "400 odd": lambda _: JSONResponse({"errors": "soup"}, 400),
    "truncated": lambda _: Response('{"data": [{"id": "1", "te', media_type="application/json"),
    "reset": _reset,
    "slow": lambda _: StreamingResponse(_drip(), media_type="application/json"),
}
"""Ways to fail: https://docs.x.com/x-api/fundamentals/response-codes-and-errors, and what networks do."""


@contextmanager
def x_server(style: str = "tweet") -> Iterator[XServer]:
    """Run the stand-in; a broken rule fails the test when it ends."""
    platform = XServer(style)
    with serve(platform.app()) as platform.url:
        yield platform
    assert platform.broken == []
