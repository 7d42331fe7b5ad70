"""What of the installation's vitals an operator has to act on, in sentences. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from bot.config import Settings
from bot.web.words import plural, span
from storage.vitals import Answers, Beat, Line, Vitals

SILENT: Final = timedelta(minutes=1)
"""A process without a sign of life for so long has ended, or hangs."""
UNTAGGED: Final = timedelta(minutes=5)
UNSENT: Final = timedelta(minutes=10)
"""What is meant for a Slack channel, or for customers, is sent long before."""
BEHIND: Final = timedelta(minutes=15)
UNVERIFIED: Final = timedelta(hours=36)
"""The ledger is verified every night; a day and a half without it is a night that failed."""
DISK_FREE_BYTES_MIN: Final = 2**30
_POLLS_BEHIND: Final = 5
_ROLES: Final = ("poll", "work", "slack", "web")


def attention(found: Vitals, settings: Settings, *, version: str, disk_free: int | None, now: datetime) -> list[str]:
    """Return a sentence for each thing that wants somebody's attention; none when all is well."""
    return [
        *_processes(found.processes, settings, version, now),
        *(sentence for channel in settings.channels for sentence in _channel(found, channel.name, settings, now)),
        *_mentions(found, now),
        *(sentence for line in found.lines for sentence in _line(line, now)),
        *(sentence for answers in found.answers for sentence in _answers(answers, settings, now)),
        *_ledger(found, now),
        *_disk(disk_free),
    ]


def is_alive(beat: Beat, now: datetime) -> bool:
    """True while a process gives signs of life."""
    return now - beat.beat_at < SILENT


def _processes(beats: Sequence[Beat], settings: Settings, version: str, now: datetime) -> Iterator[str]:
    alive = [beat for beat in beats if is_alive(beat, now)]
    for beat in beats:
        if not is_alive(beat, now):
            silent = span((now - beat.beat_at).total_seconds())
            yield (
                f"The process {beat.name} ({beat.role}) has been silent for {silent} without having been stopped:"
                " it was killed, or hangs."
            )
    if not alive:
        yield "No process runs; start 'earmark run', or its service."
        return
    roles = {beat.role for beat in alive}
    for role in _ROLES:
        if not roles & {"all", role} and (role != "slack" or settings.slack is not None):
            yield f"No process has the role {role}; start 'earmark run --role {role}'."
    for beat in alive:
        yield from (f"{beat.name}: {_ended(sentence)}" for sentence in beat.trouble)
        if beat.version != version:
            yield f"The process {beat.name} runs version {beat.version}, installed is {version}; restart it."


def _channel(found: Vitals, name: str, settings: Settings, now: datetime) -> Iterator[str]:
    health = next((channel for channel in found.channels if channel.name == name), None)
    if health is None or health.polled_at is None:
        if any(now - beat.started_at > BEHIND for beat in found.processes):
            yield f"The channel {name} has never been polled; run 'earmark poll {name}' and see what it says."
        return
    if health.failures:
        yield f"The channel {name} failed {plural(health.failures, 'time')} in a row: {_ended(health.error)}"
        return
    poll_seconds = next(channel.poll_seconds for channel in settings.channels if channel.name == name)
    patience = max(BEHIND, timedelta(seconds=_POLLS_BEHIND * poll_seconds))
    behind = now - (health.caught_up_at or health.polled_at)
    if behind > patience and (health.next_poll_at is None or health.next_poll_at < now - patience):
        yield f"The channel {name} is {span(behind.total_seconds())} behind what was posted there."


def _mentions(found: Vitals, now: datetime) -> Iterator[str]:
    if found.oldest_untagged_at is not None and now - found.oldest_untagged_at > UNTAGGED:
        waited = span((now - found.oldest_untagged_at).total_seconds())
        yield f"{plural(found.untagged, 'mention')} wait for their tags, the oldest for {waited}."


def _line(line: Line, now: datetime) -> Iterator[str]:
    if line.oldest_at is not None and now - line.oldest_at > UNSENT:
        waited, said = (
            span((now - line.oldest_at).total_seconds()),
            f"; Slack last said: {line.error}" * bool(line.error),
        )
        yield f"{plural(line.waiting, 'message')} wait for {line.slack_channel}, the oldest for {waited}{said}."
    if line.dead:
        yield (
            f"Slack refused {plural(line.dead, 'card')} for {line.slack_channel} for good; 'earmark check' says why,"
            " and a restart tries them again."
        )


def _answers(answers: Answers, settings: Settings, now: datetime) -> Iterator[str]:
    """Answers that nobody sends, such as where their channel is not in the config any more."""
    if now - answers.oldest_at <= UNSENT:
        return
    channel, waited = answers.channel, span((now - answers.oldest_at).total_seconds())
    sentence = f"{plural(answers.waiting, 'answer')} to customers of {channel} wait, the oldest for {waited}"
    if channel not in {known.name for known in settings.channels}:
        yield f"{sentence}: there is no such channel in the config."
    else:
        yield _ended(f"{sentence}{f'; the platform last said: {answers.error}' * bool(answers.error)}")


def _ledger(found: Vitals, now: datetime) -> Iterator[str]:
    check = found.check
    if check is not None and check.problem:
        yield f"The ledger does NOT verify: {check.problem}. Do not post on; see 'Back up' in docs/operating.md."
    elif check is not None and now - check.at > UNVERIFIED:
        ago = span((now - check.at).total_seconds())
        yield f"The ledger was last verified {ago} ago; run 'earmark ledger verify', and see why the night did not."
    elif check is None and found.journals and any(now - beat.started_at > UNVERIFIED for beat in found.processes):
        yield "The ledger has never been verified; run 'earmark ledger verify', and see why the night did not."


def _disk(free: int | None) -> Iterator[str]:
    if free is not None and free < DISK_FREE_BYTES_MIN:
        yield f"Only {free // 2**20:,} MiB are free beside the database; make room before it is full."


def _ended(sentence: str) -> str:
    return f"{sentence.rstrip('.')}."
