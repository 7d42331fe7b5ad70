"""Structured logs: JSON lines on standard error, without text of mentions and without secrets."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog

_MUST_STAY_QUIET = ("oauthlib", "requests_oauthlib", "tweepy", "urllib3", "slack_sdk", "slack_bolt")
"""Libraries whose debug lines hold requests whole: tokens, and what customers wrote."""


def configure(level: str, *, is_terminal: bool | None = None) -> None:
    """Set up logging for this process: readable lines on a terminal, JSON elsewhere.

    Libraries' own loggers speak from warnings on, in the same form.
    """
    pretty = sys.stderr.isatty() if is_terminal is None else is_terminal
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _frames_only,
    ]
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=True) if pretty else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),  # a line at once: others write there too
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[_without_record, renderer])
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for chatty in _MUST_STAY_QUIET:
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _frames_only(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace an exception by its type and frames: its message may repeat what a stranger wrote."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        event["error_type"] = type(error).__name__
        event["frames"] = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    return event


def _without_record(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event.pop("_record", None)
    event.pop("_from_structlog", None)
    return event
