"""What the documentation of X's API demands of a client. A broken rule fails the test that broke it.

Pages of docs.x.com as of the repository commit of 2026-08-22, unless a line says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

DOCS = "https://docs.x.com"


@dataclass(frozen=True)
class Rule:
    """One sentence of the documentation and where it stands."""

    says: str
    source: str


WAIT = Rule("no request before x-rate-limit-reset after a 429", f"{DOCS}/x-api/fundamentals/rate-limits")
PARAMETERS = Rule("only documented query parameters", f"{DOCS}/x-api/fundamentals/fields")
MENTIONS_SIZE = Rule("max_results 5 to 100", f"{DOCS}/x-api/users/get-mentions")
SEARCH_SIZE = Rule("max_results 10 to 100", f"{DOCS}/x-api/posts/search-recent-posts")
QUERY_LENGTH = Rule("query of 1 to 512 characters", f"{DOCS}/x-api/posts/search/integrate/build-a-query")
IDS = Rule("1 to 100 ids of 1 to 19 digits", f"{DOCS}/x-api/posts/get-posts-by-ids")
TOKEN_UNCHANGED = Rule(
    "a page token is sent back with the request it came from", f"{DOCS}/x-api/fundamentals/pagination"
)
ID_OR_TIME = Rule(
    "since_id and until_id exclude start_time and end_time",
    "github.com/plhery/node-twitter-api-v2/issues/152, 2022-01-07",
)
AUTHENTICATED = Rule("every request is authenticated", f"{DOCS}/fundamentals/authentication/overview")

MENTIONS_KEPT = 800
"""The timeline of mentions holds the newest 800: https://docs.x.com/x-api/posts/timelines/introduction."""

SEARCH_DAYS = 7
WINDOW_S = 900
LIMITS = {"mentions": 450, "search": 450, "lookup": 3500, "create": 100}
"""Requests per app (create: per user) and 15 minutes: https://docs.x.com/x-api/fundamentals/rate-limits."""

TEXT_MAX = 280
"""Longer posts come cut, with the whole in note_tweet: https://docs.x.com/x-api/fundamentals/data-dictionary."""

COMMON = {"expansions", "user.fields", "media.fields", "place.fields", "poll.fields"}
LIST = COMMON | {"max_results", "since_id", "until_id", "start_time", "end_time"}
KNOWN = {
    "mentions": LIST | {"pagination_token"},
    "search": LIST | {"query", "next_token", "pagination_token", "sort_order"},
    "lookup": COMMON | {"ids"},
}


@dataclass(frozen=True)
class Style:
    """The names of one of the two vocabularies that X documents (OpenAPI 2.167, 2026-08-07, against the prose)."""

    fields: str
    note: str
    references: str
    history: str
    repost: str
    references_in: str


STYLES = {
    "tweet": Style(
        "tweet.fields", "note_tweet", "referenced_tweets", "edit_history_tweet_ids", "retweeted", "tweet.fields"
    ),
    "post": Style("post.fields", "note_post", "referenced_posts", "edit_history_post_ids", "reposted", "expansions"),
}


def problem(kind: str, title: str, *, errors: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """A body as in https://docs.x.com/x-api/fundamentals/response-codes-and-errors."""
    found = {"title": title, "detail": title, "type": f"https://api.twitter.com/2/problems/{kind}"}
    return found | ({"errors": errors} if errors else {})
