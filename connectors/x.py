"""X: mentions of an account, or a recent search, newest first and yet without a gap."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from bot.domain import Cost, Liveness, Mention, Page, Sent, Skipped
from bot.errors import ConnectorError, CursorLostError, UnconfirmedError
from connectors import base, x_posts
from connectors.x_client import TIMEOUT_S, Client, FieldStyle, Keys, XRefusedError

PAGE_POSTS = 100
RECHECK_POSTS = 100

SEARCH_WINDOW = timedelta(days=7)
"""How far recent search goes back: https://docs.x.com/x-api/posts/search/introduction, read 2026-08."""

TIMELINE_POSTS = 750
"""The mentions timeline ends after the newest 800. Posts that X filters out count, so a little less may be its end."""

_SETTLE = timedelta(minutes=1)
"""X indexes with a delay, so the last minute before a poll is not taken as read unless posts of it were."""

_SERVER_ERROR = 500
_KEY_NAMES = ("api_key_env", "api_secret_env", "access_token_env", "access_secret_env")


class Place(base.Cursor):
    """Everything up to the post ``high`` is read. ``newest`` is set while a burst above it is being read downwards."""

    high: int
    newest: int = 0
    oldest: int = 0
    """The last post read of the burst; where reading goes on when the page token is refused."""
    until: int = 0
    """Sent with every page once a token was refused; a token is good only for the request it came from."""
    token: str = ""
    began: datetime | None = None
    count: int = 0


class X:
    """Reads new posts from the newest down to the last one read; see docs/connectors/x.md."""

    platform = x_posts.PLATFORM

    class Options(base.Options):
        """Keys of ``[[channels]]`` for X: ``account_id`` or ``query``, and the names of secrets."""

        account_id: str = ""
        query: str = Field(default="", max_length=512)
        token_env: base.Variable = "X_BEARER_TOKEN"  # noqa: S105  # the name of a variable
        page_budget: int = Field(default=5, ge=1, le=100)
        """Pages of 100 posts a poll; what is left is read by the next polls."""
        backfill_hours: float = Field(default=0, ge=0, le=167)
        """How far the first poll goes back."""
        field_style: FieldStyle = "tweet"
        reposts: bool = False
        read_as: Literal["app", "user"] = "app"
        api_key_env: base.Variable = ""
        api_secret_env: base.Variable = ""
        access_token_env: base.Variable = ""
        access_secret_env: base.Variable = ""
        api_url: str = "https://api.x.com"
        timeout_s: float = Field(default=TIMEOUT_S, gt=0, le=300)

        @field_validator("account_id")
        @classmethod
        def _is_account_id(cls, given: str) -> str:
            if given and not x_posts.is_id(given):
                message = "this must be the account's number, such as 2244994945, and not its @name"
                raise ValueError(message)
            return given

        @field_validator("api_url")
        @classmethod
        def _token_travels_encrypted(cls, url: str) -> str:
            return base.safe_address(url)

        @model_validator(mode="before")
        @classmethod
        def _a_user_needs_no_app_token(cls, given: Any) -> Any:
            reads_as_user = isinstance(given, dict) and given.get("read_as") == "user"
            return {"token_env": "", **given} if reads_as_user else given

        @model_validator(mode="after")
        def _one_place_and_all_keys(self) -> Self:
            if bool(self.account_id) == bool(self.query):
                message = "set exactly one of account_id (mentions of an account) and query (recent search)"
                raise ValueError(message)
            set_keys = [key for key in _KEY_NAMES if getattr(self, key)]
            if set_keys and len(set_keys) < len(_KEY_NAMES):
                message = f"set all of {', '.join(_KEY_NAMES)}, or none"
                raise ValueError(message)
            if not (set_keys if self.read_as == "user" else self.token_env):
                needed = ", ".join(_KEY_NAMES) if self.read_as == "user" else "token_env"
                message = f"read_as = '{self.read_as}' needs {needed}"
                raise ValueError(message)
            return self

    def __init__(
        self, options: Options, secrets: Mapping[str, SecretStr], clock: Callable[[], datetime] = base.utc_now
    ) -> None:
        self._options = options
        self._clock = clock
        self._client = Client(
            secrets.get("token"),
            _keys(secrets),
            api_url=options.api_url,
            field_style=options.field_style,
            timeout_s=options.timeout_s,
            clock=clock,
        )

    def poll(self, cursor: str | None) -> Page:
        """Return the posts of up to ``page_budget`` pages.

        A failure after the first page ends the poll early, with what was read; the next poll meets it again.

        Raises:
            ConnectorError: X did not answer or refused us.
            CursorLostError: X refuses the place even after it was moved into the search window.
        """
        reading = _Reading(self._place(cursor))
        for _ in range(self._options.page_budget):
            try:
                reading.add(self._fetch(reading.place), self._clock())
            except XRefusedError as problem:
                if not self._recovered(reading, problem):
                    return reading.ended_by(problem, self._page(reading))
            except ConnectorError as error:
                return reading.ended_by(error, self._page(reading))
            if reading.is_drained or self._client.wait_s is not None:
                break
        return self._page(reading)

    def since(self, at: datetime) -> str:
        """Return the cursor of a backfill from ``at`` on; search reaches seven days back, mentions 800 posts."""
        return Place(high=max(1, x_posts.id_at(at) - 1)).encoded()

    def recheck(self, ids: Sequence[str]) -> Mapping[str, Liveness]:
        """Return how the posts stand, 100 a request.

        Raises:
            ConnectorError: X did not answer or refused us.
        """
        stands = dict.fromkeys(ids, Liveness.UNKNOWN)
        known = [post_id for post_id in stands if x_posts.is_id(post_id)]
        for start in range(0, len(known), RECHECK_POSTS):
            asked = known[start : start + RECHECK_POSTS]
            stands |= x_posts.liveness(self._client.get_tweets(asked, user_auth=self._as_user), asked)
        return stands

    def reply(self, mention: Mention, text: str) -> Sent:
        """Publish ``text`` as the account whose keys are configured.

        Raises:
            ConnectorError: permanent without keys, when X refuses, and when its answer is lost: a second try
                could publish twice, so a person has to look.
        """
        if self._client.keys is None:
            message = f"replies on X need the account's own keys; set {', '.join(_KEY_NAMES)} of the channel"
            raise ConnectorError(message, permanent=True)
        try:
            answer = self._client.create_tweet(text=text, in_reply_to_tweet_id=mention.external_id, user_auth=True)
            post_id = str(answer["data"]["id"])
        except XRefusedError as refusal:
            if refusal.status < _SERVER_ERROR:
                raise
            raise _unconfirmed() from refusal
        except (ConnectorError, KeyError, TypeError) as error:
            raise _unconfirmed() from error
        return Sent(post_id, f"https://x.com/i/status/{post_id}")

    @property
    def _as_user(self) -> bool:
        return self._options.read_as == "user"

    def _place(self, cursor: str | None) -> Place:
        if cursor is not None:
            return base.decode(Place, cursor, self.platform)
        start = self._clock() - max(timedelta(hours=self._options.backfill_hours), _SETTLE)
        return Place(high=x_posts.id_at(start))

    def _fetch(self, place: Place) -> Mapping[str, Any]:
        """Ask for the next page below ``place``. since_id and start_time exclude each other, so ids are all we use."""
        asked: dict[str, Any] = {"since_id": place.high, "max_results": PAGE_POSTS, "user_auth": self._as_user}
        if place.until:
            asked["until_id"] = place.until
        asked |= x_posts.asked_for(self._options.field_style)
        if self._options.query:
            call = partial(self._client.search_recent_tweets, self._options.query, next_token=place.token or None)
        else:
            call = partial(
                self._client.get_users_mentions, self._options.account_id, pagination_token=place.token or None
            )
        return _listing(call(**asked))

    def _recovered(self, reading: _Reading, problem: XRefusedError) -> bool:
        """Mend the place when X refuses a part of it; False when that is not what is wrong."""
        place = reading.place
        if place.token and problem.parameters & {"next_token", "pagination_token"}:
            reading.place = place.model_copy(update={"token": "", "until": place.oldest})
            return True
        if "since_id" not in problem.parameters:
            return False
        floor = x_posts.id_at(self._clock() - SEARCH_WINDOW + 10 * _SETTLE)
        if place.high >= floor:
            message = "X refuses the place we kept; reading starts afresh"
            raise CursorLostError(message) from problem
        reading.notice = (
            f"X no longer finds posts of before {x_posts.moment_of(floor):%Y-%m-%d %H:%M} UTC; mentions since "
            f"{x_posts.moment_of(place.high):%Y-%m-%d %H:%M} UTC that are older than that could not be read"
        )
        reading.place = place.model_copy(update={"high": floor, "token": "", "until": place.oldest})
        return True

    def _page(self, reading: _Reading) -> Page:
        found = sorted(reading.found, key=lambda post: post.number)
        wanted = [post for post in found if self._is_wanted(post)]
        if reading.is_drained and self._options.account_id and reading.count >= TIMELINE_POSTS:
            reading.notice = (
                "X lists only the newest 800 mentions of an account and more were waiting, so older ones are missing;"
                " poll more often or listen with a query"
            )
        return Page(
            mentions=tuple(post.mention for post in wanted),
            cursor=reading.place.encoded(),
            more=not reading.is_drained,
            wait_s=self._client.wait_s,
            gone=tuple(gone for post in found for gone in post.gone),
            skipped=tuple(reading.skipped),
            cost=reading.cost,
            notice=reading.notice,
        )

    def _is_wanted(self, post: x_posts.Found) -> bool:
        """A repost says what somebody else said, and our own posts are no contacts."""
        is_own = post.mention.author.external_id == self._options.account_id
        return not is_own and (self._options.reposts or not post.is_repost)


@dataclass
class _Reading:
    """What one poll has read so far, and the place after it."""

    place: Place
    found: list[x_posts.Found] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    cost: Cost = field(default_factory=Cost)
    count: int = 0
    is_drained: bool = False
    notice: str = ""

    def add(self, answer: Mapping[str, Any], now: datetime) -> None:
        """Take one page and move the place below it; above everything when it was the last."""
        found, skipped = x_posts.read(answer)
        self.found += found
        self.skipped += skipped
        self.cost += Cost(requests=1, billed_items=x_posts.billed(answer))
        self._move(x_posts.ids(answer), x_posts.next_token(answer), now)

    def _move(self, seen: list[int], token: str, now: datetime) -> None:
        place = self.place
        newest = max([place.newest, *seen])
        began = place.began or now
        self.count = place.count + len(seen)
        self.is_drained = not token
        if self.is_drained:
            self.place = Place(high=max(place.high, newest, x_posts.id_at(began - _SETTLE)))
            return
        oldest = min([place.oldest or newest, *seen])
        after = {"newest": newest, "oldest": oldest, "token": token, "began": began, "count": self.count}
        self.place = place.model_copy(update=after)

    def ended_by(self, error: ConnectorError, page: Page) -> Page:
        """Return ``page`` with the wait that ``error`` asks for, or raise the error when nothing was read."""
        if not self.cost.requests:
            raise error
        return Page(
            mentions=page.mentions,
            cursor=page.cursor,
            more=True,
            wait_s=error.retry_after_s or page.wait_s,
            gone=page.gone,
            skipped=page.skipped,
            cost=page.cost,
            notice=page.notice,
        )


def _listing(answer: object) -> Mapping[str, Any]:
    """Return an answer that is a list of posts; one without ``meta`` is none, and must not look like silence."""
    if isinstance(answer, dict) and "meta" in answer and isinstance(answer.get("data", []), list):
        return answer
    if isinstance(answer, dict) and answer.get("errors"):
        message = (
            "X does not show what account_id or query asks for; check that the account exists and is not protected"
        )
        raise ConnectorError(message, permanent=True)
    raise ConnectorError("X gave an answer that is no list of posts; it is tried again")


def _unconfirmed() -> UnconfirmedError:
    message = "X did not confirm the reply, which may be public; look at the post before answering again"
    return UnconfirmedError(message)


def _keys(secrets: Mapping[str, SecretStr]) -> Keys | None:
    names = [key.removesuffix("_env") for key in _KEY_NAMES]
    return Keys(*(secrets[name] for name in names)) if all(name in secrets for name in names) else None
