"""From an alert to a place in a cluster and to a question, by the labels and annotations that the settings name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from bot.look import Scope
from bot.oncall.delivery import Alert
from bot.settings import Settings

__all__ = ["cluster_of", "entry_of", "question_of", "scope_of"]

QUESTION = "acknet_question"

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_ENTRY = re.compile(r"/entries/([a-z0-9]+(?:-[a-z0-9]+)*)/?(?:[?#].*)?\Z")
_MOST_TEXTS = 6
_LONGEST_QUESTION = 4000


def scope_of(alert: Alert, settings: Settings) -> Scope:
    """Return where in the cluster the alert points; names that Kubernetes would not take are left out."""
    namespace = _first(alert.labels, settings.alert_namespace_labels, _LABEL)
    # A pod or a Service is found by its name in its namespace only.
    return Scope(
        namespace=namespace,
        pod=_first(alert.labels, settings.alert_pod_labels, _SUBDOMAIN) if namespace else None,
        node=_first(alert.labels, settings.alert_node_labels, _SUBDOMAIN),
        service=_first(alert.labels, settings.alert_service_labels, _LABEL) if namespace else None,
    )


def cluster_of(alert: Alert, settings: Settings) -> tuple[str | None, bool]:
    """Return which cluster to look into (None: the default one), and whether the alert is of one that may be."""
    named = alert.labels.get(settings.alert_cluster_label)
    # A cluster label is common where there is one cluster only, and names no context then.
    if named is None or not settings.clusters:
        return None, True
    if named == settings.context:
        return None, True
    return (named, True) if named in settings.clusters else (None, False)


def question_of(alerts: Iterable[Alert], settings: Settings) -> str:
    """Return what ``alerts``, all of one place, ask; each thing is said once."""
    said: dict[str, None] = {}
    for alert in alerts:
        for text in _said(alert, settings.alert_question_from):
            said.setdefault(" ".join(text.split()))
            if len(said) == _MOST_TEXTS:
                break
    return "\n".join(said)[:_LONGEST_QUESTION]


def entry_of(alerts: Iterable[Alert]) -> str | None:
    """Return the entry that a ``runbook_url`` leads to, the first there is."""
    for alert in alerts:
        found = _ENTRY.search(alert.annotations.get("runbook_url", ""))
        if found:
            return found[1]
    return None


def _said(alert: Alert, names: Sequence[str]) -> list[str]:
    if asked := alert.annotations.get(QUESTION):
        return [asked]
    texts = []
    for name in names:
        text = alert.annotations.get(name) or alert.labels.get(name)
        if text:
            texts.append(_WORDS.sub(" ", text) if name == "alertname" else text)
    return texts


def _first(labels: Mapping[str, str], names: Iterable[str], pattern: re.Pattern[str]) -> str | None:
    for name in names:
        if text := labels.get(name):
            return text if pattern.fullmatch(text) else None
    return None
