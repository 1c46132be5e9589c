"""The log on stderr: no text in it passes for a line of its own, acts on a terminal, or shows a credential."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Literal

import pytest

from bot.observe.log import log_to_stderr
from bot.settings import Settings

HOSTILE = "first\n2026-01-01T00:00:00Z [info     ] all is well \x1b[2J\x9b1m\u202e\u2028 end"

_TOUCHED = ("", "httpx", "httpcore", "hpack", "aiohttp.access", "asyncio", "urllib3", "opentelemetry", "mcp")


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    loggers = {logging.getLogger(name): logging.getLogger(name).level for name in _TOUCHED}
    handlers = logging.getLogger().handlers[:]
    yield
    logging.getLogger().handlers[:] = handlers
    for logger, level in loggers.items():
        logger.setLevel(level)


def written(capsys: pytest.CaptureFixture[str], log_format: Literal["console", "json"]) -> str:
    """Log what is hostile, as text and as an error, and return what is on stderr."""
    log_to_stderr(Settings(log_format=log_format))
    logger = logging.getLogger("acknet.test")
    logger.warning("%s", HOSTILE)
    logger.error("it failed", exc_info=ValueError(HOSTILE))
    return capsys.readouterr().err


def test_on_the_console_further_lines_are_indented_and_the_rest_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    lines = written(capsys, "console").strip().split("\n")

    begun = [line for line in lines if not line.startswith((" ", "ValueError: first"))]
    assert [line.split("] ")[1].split(" [")[0] for line in begun] == ["first", "it failed"]
    assert all(line.isprintable() for line in lines)
    assert sum("all is well \\x1b[2J\\x9b1m\\u202e\\u2028 end" in line for line in lines) == 2


def test_as_json_each_record_is_one_line_with_the_text_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = map(json.loads, written(capsys, "json").strip().split("\n"))

    assert (first["event"], second["event"]) == (HOSTILE, "it failed")
    assert HOSTILE.split("\n")[1] in second["exception"]
