"""A pytest plugin: ``pytest_plugins = ["tests.doubles.slack.plugin"]``, or ``-p tests.doubles.slack.plugin``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.doubles.slack.platform import SlackPlatform
from tests.doubles.slack.platform import slack_platform as running

__all__ = ["no_proxy", "slack_platform", "slack_platform_options"]


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the SDK ask the double itself: it takes a proxy from the environment even for loopback."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def slack_platform_options() -> dict[str, Any]:
    """Keyword arguments of the double; override it where a module or class needs others."""
    return {}


@pytest.fixture
def slack_platform(slack_platform_options: dict[str, Any]) -> Iterator[SlackPlatform]:
    """The double, for one test."""
    with running(**slack_platform_options) as slack:
        yield slack
