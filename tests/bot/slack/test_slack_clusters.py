"""Which clusters may be looked into from Slack."""

from __future__ import annotations

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.diagnosis.facts.registry import Scope
from bot.settings import Settings
from bot.slack.access import Access
from bot.slack.calls import SlackCalls
from bot.slack.directory import Directory
from bot.slack.tasks import Spot


def access(**settings: object) -> Access:
    probing = Settings(slack_probe=True, **settings)  # type: ignore[arg-type]
    return Access(probing, Directory(SlackCalls(AsyncWebClient())))


@pytest.mark.parametrize(
    ("context", "clusters", "allowed", "offered"),
    [
        (None, (), (), ("default",)),
        ("prod", ("stage", "test"), (), ("prod", "stage", "test")),
        ("prod", ("stage", "test"), ("default",), ("prod",)),
        ("prod", ("stage", "test"), ("test", "prod"), ("prod", "test")),
        ("prod", ("stage", "test"), ("stage",), ("stage",)),
        (None, ("stage",), ("stage",), ("stage",)),
        ("prod", ("stage",), ("elsewhere",), ()),
    ],
)
def test_those_that_are_allowed_and_known_can_be_chosen(
    context: str | None, clusters: tuple[str, ...], allowed: tuple[str, ...], offered: tuple[str, ...]
) -> None:
    found = access(context=context, clusters=clusters, slack_probe_clusters=allowed)
    assert found.clusters == offered
    assert found.offered(Spot(channel="C1")) is bool(offered)


def test_a_look_into_one_that_is_not_allowed_is_refused() -> None:
    found = access(context="prod", clusters=("stage",), slack_probe_clusters=("stage",))
    scope = Scope(namespace="shop", pod="web-1")
    assert found.scope_refusal(scope, "stage") is None
    for cluster in ("prod", "default", "elsewhere"):
        assert found.scope_refusal(scope, cluster) == ("cluster", "This cluster may not be looked into from Slack.")


def test_without_a_choice_the_first_that_is_allowed_is_looked_into() -> None:
    assert access(context="prod", clusters=("stage",), slack_probe_clusters=("stage",)).context(None) == "stage"
    assert access(context="prod", clusters=("stage",)).context(None) == "prod"
    assert access(clusters=("stage",)).context(None) is None
