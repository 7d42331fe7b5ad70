"""Replays mentions from a file of JSON lines, and follows the file while it grows."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StrictInt,
    StrictStr,
    ValidationError,
)

from bot.domain import Author, Cost, Liveness, Mention, Page, Sent, Skipped
from bot.errors import ConnectorError
from connectors import base

LINE_BYTES_MAX = 1_048_576
"""A longer line is reported and passed over, so that one broken file cannot fill the memory."""

PAGE_BYTES_MAX = 8 * LINE_BYTES_MAX

NEVER = datetime.fromtimestamp(0, UTC)
"""The clock of a place in a file that nobody has opened yet."""

_PRINT_BYTES = 2048
_FOLLOWERS_MAX = 2**31 - 1


class Place(base.Cursor):
    """How far the file is read. ``line`` counts line ends before ``offset``; ``prefix`` identifies what was read."""

    offset: int = 0
    line: int = 0
    prefix: str = ""
    clock: datetime = NEVER
    """The time of the last line that had one; lines without a time take it."""
    not_before: datetime | None = None
    """Lines of before are passed over: a backfill."""
    in_long_line: bool = False


def _not_blank(value: int | str) -> str:
    text = str(value).strip()
    if not text:
        message = "this is empty"
        raise ValueError(message)
    return text


def _time(value: object) -> datetime:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return base.as_utc(value)
    message = "this is no time; write ISO 8601 or Unix seconds"
    raise ValueError(message)


Id = Annotated[StrictInt | StrictStr, AfterValidator(_not_blank)]


class Line(BaseModel):
    """One line of the file, checked. Keys that are not ours are left alone; null means absent."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    external_id: Id
    text: StrictStr = Field(min_length=1)
    platform: StrictStr = ""
    author: Id | None = None
    author_name: StrictStr = ""
    followers: StrictInt | None = Field(default=None, ge=0, le=_FOLLOWERS_MAX)
    created_at: Annotated[datetime, BeforeValidator(_time)] | None = None
    url: StrictStr = ""
    thread: Id | Literal[""] = ""
    in_reply_to: Id | Literal[""] = ""
    language: StrictStr = ""
    private: bool = False

    def mention(self, platform: str, clock: datetime) -> Mention:
        """Return it as a mention. Without an author it has one of its own: strangers are not one person."""
        external_id = str(self.external_id)
        handle = str(self.author or "")
        author = Author(handle or f"anonymous:{external_id}", handle, self.author_name, self.followers)
        return Mention(
            platform=self.platform or platform,
            external_id=external_id,
            author=author,
            text=self.text,
            posted_at=clock,
            url=self.url,
            thread=str(self.thread),
            in_reply_to=str(self.in_reply_to),
            language=self.language,
            is_private=self.private,
        )


@dataclass
class _Reading:
    """What one poll has collected so far."""

    offset: int
    line: int
    clock: datetime
    in_long_line: bool
    not_before: datetime | None
    mentions: list[Mention] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    def skip(self, reason: str) -> None:
        self.skipped.append(Skipped(f"line {self.line + 1}", reason))

    def take(self, parsed: Line, platform: str) -> None:
        self.clock = parsed.created_at or self.clock
        if self.not_before is None or self.clock >= self.not_before:
            self.mentions.append(parsed.mention(platform, self.clock))

    def advance(self, raw: bytes) -> None:
        self.offset += len(raw)
        self.line += raw.endswith(b"\n")


class Replay:
    """Reads JSON lines from where it stopped, a page at a time; see docs/connectors/replay.md."""

    class Options(base.Options):
        """Keys of ``[[channels]]`` for a replayed file."""

        path: Path
        platform: str = Field(default="replay", min_length=1)
        """The platform of lines that name none."""
        follow: bool = True
        """False: the file is finished, so an incomplete last line is a bad line and not one to wait for."""
        start: Literal["beginning", "end"] = "beginning"
        page_lines: int = Field(default=500, ge=1, le=10_000)

    def __init__(self, options: Options, secrets: Mapping[str, SecretStr]) -> None:  # noqa: ARG002  # a file has none
        self.platform = options.platform
        self._options = options

    def poll(self, cursor: str | None) -> Page:
        """Return the next lines of the file, in the file's order.

        Raises:
            ConnectorError: the file cannot be read.
            CursorLostError: the cursor is not ours.
        """
        known = base.decode(Place, cursor, self.platform) if cursor is not None else None
        try:
            with self._open() as file:
                place, notice = self._place(file, known)
                return self._page(file, place, notice)
        except OSError as error:
            message = (
                f"replay cannot read {self._options.path}: {error.strerror}; check channels' path and its permissions"
            )
            raise ConnectorError(message, permanent=not isinstance(error, FileNotFoundError)) from error

    def since(self, at: datetime) -> str:
        """Return the cursor of the file's beginning that passes over lines of before ``at``."""
        return Place(not_before=at).encoded()

    def recheck(self, ids: Sequence[str]) -> Mapping[str, Liveness]:  # noqa: ARG002  # the protocol's signature
        """Return nothing: a file does not say what became of a post."""
        return {}

    def reply(self, mention: Mention, text: str) -> Sent:  # noqa: ARG002  # the protocol's signature
        """Refuse: nobody reads answers to a file.

        Raises:
            ConnectorError: always, permanent.
        """
        raise ConnectorError("a replayed file cannot be answered; reply where the mention was posted", permanent=True)

    def _open(self) -> BinaryIO:
        # A pipe would block for ever in open(); only a regular file has offsets to keep.
        if not stat.S_ISREG(self._options.path.stat().st_mode):
            message = f"replay needs a regular file, and {self._options.path} is none; give a file of JSON lines"
            raise ConnectorError(message, permanent=True)
        return self._options.path.open("rb")

    def _place(self, file: BinaryIO, known: Place | None) -> tuple[Place, str]:
        """Return where to go on, and a notice when that is not where we stopped."""
        status = os.fstat(file.fileno())
        first = Place(clock=datetime.fromtimestamp(int(status.st_mtime), UTC))
        if known is None:
            return (_at_end(file, first) if self._options.start == "end" else first), ""
        if known.clock == NEVER:
            return known.model_copy(update={"clock": first.clock}), ""
        if known.offset <= status.st_size and known.prefix == _print(file, known.offset):
            return known, ""
        again = Place(clock=known.clock, not_before=known.not_before)
        return again, f"{self._options.path} was replaced or cut short, so it is read again from its beginning"

    def _page(self, file: BinaryIO, place: Place, notice: str) -> Page:
        reading = _Reading(place.offset, place.line, place.clock, place.in_long_line, place.not_before)
        file.seek(place.offset)
        more = True
        for _ in range(self._options.page_lines):
            if reading.offset - place.offset >= PAGE_BYTES_MAX or not (more := self._read_line(file, reading)):
                break
        after = Place(
            offset=reading.offset,
            line=reading.line,
            prefix=_print(file, reading.offset),
            clock=reading.clock,
            in_long_line=reading.in_long_line,
            not_before=reading.not_before,
        )
        mentions, skipped = tuple(reading.mentions), tuple(reading.skipped)
        return Page(mentions, after.encoded(), more, skipped=skipped, cost=Cost(requests=1), notice=notice)

    def _read_line(self, file: BinaryIO, reading: _Reading) -> bool:
        """Read one line into ``reading``; False when there is no complete one."""
        raw = file.readline(LINE_BYTES_MAX)
        ended = raw.endswith(b"\n")
        if not raw:
            return False
        if reading.in_long_line:
            reading.in_long_line = not ended
        elif not ended and len(raw) == LINE_BYTES_MAX:
            reading.skip(f"is longer than {LINE_BYTES_MAX} bytes")
            reading.in_long_line = True
        elif raw.strip(b" \t\r\n\xef\xbb\xbf"):
            parsed = _parse(raw)
            # A JSON object that is complete stays so however the file grows; anything else may be half a line.
            if isinstance(parsed, str) and not ended and self._options.follow:
                return False
            reading.skip(parsed) if isinstance(parsed, str) else reading.take(parsed, self.platform)
        reading.advance(raw)
        return True


def _parse(raw: bytes) -> Line | str:
    """Return the line, or in words why it cannot be used; the words never contain what stood there."""
    try:
        found = json.loads(raw.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return "is not JSON"
    if not isinstance(found, dict):
        return "is not a JSON object"
    try:
        return Line.model_validate(_named(found))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        return f"{problem['loc'][0]}: {problem['msg'].removeprefix('Value error, ')}"


def _named(found: dict[str, Any]) -> dict[str, Any]:
    """Return the keys that have a value, strings storable, with ``id`` as ``external_id``."""
    clean = {key: base.storable(value) if isinstance(value, str) else value for key, value in found.items()}
    given = {key: value for key, value in clean.items() if value is not None}
    if "id" in given:
        given.setdefault("external_id", given["id"])
    return given


def _print(file: BinaryIO, offset: int) -> str:
    """Return a short fingerprint of the file before ``offset``: its first and its last bytes."""
    before = file.tell()
    file.seek(0)
    digest = hashlib.sha256(file.read(min(offset, _PRINT_BYTES)))
    file.seek(max(0, offset - _PRINT_BYTES))
    digest.update(file.read(min(offset, _PRINT_BYTES)))
    file.seek(before)
    return digest.hexdigest()[:16] if offset else ""


def _at_end(file: BinaryIO, first: Place) -> Place:
    """Return the place behind the last complete line."""
    offset, line, position = 0, 0, 0
    while chunk := file.read(io.DEFAULT_BUFFER_SIZE):
        line += chunk.count(b"\n")
        offset = position + chunk.rfind(b"\n") + 1 if b"\n" in chunk else offset
        position += len(chunk)
    return first.model_copy(update={"offset": offset, "line": line, "prefix": _print(file, offset)})
