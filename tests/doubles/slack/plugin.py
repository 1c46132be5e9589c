"""A pytest plugin: ``pytest_plugins = ["tests.doubles.slack.plugin"]``, or ``-p tests.doubles.slack.plugin``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.doubles.slack.platform import SlackPlatform
from tests.doubles.slack.platform import slack_platform as running

__all__ = ["slack_platform", "slack_platform_options"]


@pytest.fixture
def slack_platform_options() -> dict[str, Any]:
    """Keyword arguments of the double; override it where a module or class needs others."""
    return {}


@pytest.fixture
def slack_platform(slack_platform_options: dict[str, Any]) -> Iterator[SlackPlatform]:
    """The double, for one test."""
    with running(**slack_platform_options) as slack:
        yield slack
