"""Pods of the namespace that a question points at without naming a pod, a node or a Service."""

from __future__ import annotations

from bot.diagnosis.facts.pods import Pod, pod_of
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.observation import Fact, Observation

__all__ = ["NamespacePods", "namespace_pods"]

_LIMIT = 50


class NamespacePods(Fact):
    """The namespace's pods, or some of them where not ``complete``; nothing where the question points at more or less.

    Unlike the pods in question these need not hang.
    """

    items: tuple[Pod, ...]
    complete: bool
    evidence: tuple[Observation, ...]


@fact(
    "namespace_pods",
    NamespacePods,
    needs=[Needs("pods", "list")],
    kubectl="kubectl -n <namespace> get pod -o wide",
)
async def namespace_pods(facts: Facts) -> NamespacePods:
    """The pods of a namespace that was pointed at as a whole."""
    scope, now = facts.scope, await facts.reads.now()
    if not scope.namespace or scope.pod or scope.node or scope.service:
        return NamespacePods(items=(), complete=False, evidence=())
    listing = await facts.reads.list("pods", namespace=scope.namespace, limit=_LIMIT)
    found = tuple(pod_of(one, now) for one in listing.items)
    return NamespacePods(items=found, complete=listing.complete, evidence=())
