"""The people and posts of the X stand-in: state that a test changes the way people do. All text is ours."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

EPOCH_MS = 1_288_834_974_657
"""Ids hold milliseconds since this Unix time: https://docs.x.com/fundamentals/x-ids."""


@dataclass
class User:
    id: str
    handle: str
    followers: int = 0
    is_suspended: bool = False


@dataclass
class Post:
    id: int
    author: User
    text: str
    made_at: datetime
    lang: str = "en"
    reply_to: int | None = None
    repost_of: int | None = None
    history: tuple[int, ...] = ()
    is_deleted: bool = False
    is_protected: bool = False
    oddities: dict[str, object] = field(default_factory=dict)
    """Values that replace what the API would say, for what only a broken server would send."""


class World:
    """Who said what, and when. Its clock is real time plus what ``advance`` added."""

    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.posts: dict[int, Post] = {}
        self._ahead = timedelta()
        self._visible: list[Post] = []

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def advance(self, **span: float) -> None:
        self._ahead += timedelta(**span)

    def user(self, handle: str, *, followers: int = 0) -> User:
        number = str(1000 + len(self.users))
        return self.users.setdefault(handle, User(number, handle, followers))

    def post(self, text: str, author: str = "ada", *, ago: timedelta = timedelta(), reply_to: int | None = None) -> int:
        """Somebody posts ``text``, now or some time ago; returns the id."""
        made_at = self.now() - ago
        number = self._next_id(made_at)
        self._visible = []
        self.posts[number] = Post(number, self.user(author), text, made_at, reply_to=reply_to, history=(number,))
        return number

    def burst(self, count: int, text: str = "@brand is down") -> list[int]:
        """Many people post at once; returns the ids, oldest first."""
        return [self.post(f"{text} {number}", f"user{number % 50}") for number in range(count)]

    def repost(self, number: int, author: str) -> int:
        made = self.post(f"RT @{self.posts[number].author.handle}: {self.posts[number].text}", author)
        self.posts[made].repost_of = number
        return made

    def edit(self, number: int, text: str) -> int:
        """The author edits: the post gets a new id, and only the newest version is shown."""
        old = self.posts[number]
        made = self.post(text, old.author.handle)
        self.posts[made].history = (*old.history, made)
        self._visible = []
        return made

    def delete(self, number: int) -> None:
        self.posts[number].is_deleted = True
        self._visible = []

    def protect(self, number: int) -> None:
        self.posts[number].is_protected = True
        self._visible = []

    def visible(self) -> list[Post]:
        """Newest version of every post that is public, newest first."""
        if not self._visible:
            self._visible = self._look()
        return self._visible

    def _look(self) -> list[Post]:
        replaced = {past for post in self.posts.values() for past in post.history[:-1]}
        public = (post for post in self.posts.values() if not (post.is_deleted or post.is_protected))
        return sorted((post for post in public if post.id not in replaced), key=lambda post: -post.id)

    def version(self, number: int) -> Post | None:
        """That version of a post, with the history of the newest: https://docs.x.com/x-api/fundamentals/edit-posts."""
        histories = [post.history for post in self.posts.values() if number in post.history]
        return replace(self.posts[number], history=max(histories, key=len)) if histories else None

    def _next_id(self, made_at: datetime) -> int:
        milliseconds = int(made_at.timestamp() * 1000) - EPOCH_MS
        number = milliseconds << 22
        while number in self.posts:
            number += 1
        return number
