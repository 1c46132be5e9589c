"""The log of a process that stays up: every line of the standard library's logging through structlog, on stderr."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from bot.diagnosis.redaction.redact import redact
from bot.settings import Settings
from bot.settings.sources import printable

__all__ = ["log_to_stderr"]

_QUIET = ("httpx", "httpcore", "hpack", "aiohttp.access", "asyncio", "urllib3", "opentelemetry", "mcp")


def log_to_stderr(settings: Settings) -> None:
    """Send the log to stderr, as lines for people or as JSON objects, without credentials.

    What was bound with `structlog.contextvars` (the id of a request) is part of every line that is written meanwhile.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if settings.log_format == "json":
        shared.append(structlog.stdlib.ExtraAdder())
        last: list[structlog.typing.Processor] = [
            structlog.processors.format_exc_info,
            _redacted,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    else:
        plain = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
        )
        last = [structlog.processors.format_exc_info, _redacted, _in_its_place, plain]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for name in _QUIET:  # they tell of every request, some of them with its URL
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _redacted(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take credentials out of what is said; the framework's and libraries' lines are not written with that in mind."""
    for name in ("event", "exception"):
        if isinstance(event.get(name), str):
            event[name] = redact(event[name])
    return event


def _in_its_place(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Let no text act on a terminal or look like a line of its own: further lines are indented, the rest is escaped."""
    for name, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            event[name] = "\n    ".join(map(printable, value.split("\n")))
    return event
