"""What events alone say of a pod: which it is, and that the kubelet of its node still tries to make its sandbox."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence

from bot.diagnosis.facts.events import FRESH_S
from bot.diagnosis.objects import at, text, time
from bot.diagnosis.paste.kubectl_rows import EventRow
from bot.diagnosis.reader import Object

__all__ = ["name_pod_of", "pods_without_sandbox"]

_FAILED = frozenset({"FailedCreatePodSandBox", "AllocIPFailed"})
"""Of the kubelet, and of Terway when it asks."""
_LATER = frozenset({"Pulling", "Pulled", "Created", "Started", "AllocIPSucceed", "Killing"})
_ASSIGNED = re.compile(r"Successfully assigned (?:([\w.-]+)/)?([\w.-]+) to ([\w.-]+)", re.ASCII)


def name_pod_of(rows: Sequence[EventRow]) -> None:
    """Say whose the events are of a description of which only they were copied, where the scheduler's names one pod."""
    nameless = [row for row in rows if not row.name]
    named = {found.groups() for row in nameless if (found := _ASSIGNED.match(row.message))}
    if len(named) == 1:
        namespace, name, _ = named.pop()
        for row in nameless:
            row.kind, row.name, row.namespace = "Pod", name, namespace or row.namespace


def pods_without_sandbox(events: Iterable[Object], now: dt.datetime) -> Iterator[Object]:
    """Yield the pods whose sandbox failed last and lately, of what pasted ``events`` say of each.

    Such a pod was scheduled, does not use the node's network and waits: the kubelet asks the network plugin for nothing
    else, and repeats it until it succeeds. What came after the sandbox in the same events tells that it did.
    """
    told: dict[tuple[str, str], list[Object]] = {}
    for one in events:
        involved = at(one, "involvedObject")
        if text(involved, "kind") == "Pod" and (name := text(involved, "name")):
            told.setdefault((text(involved, "namespace"), name), []).append(one)
    for (namespace, name), about in told.items():
        failed = [when for one in about if text(one, "reason") in _FAILED and (when := time(one, "lastTimestamp"))]
        later = [when for one in about if text(one, "reason") in _LATER and (when := time(one, "lastTimestamp"))]
        if not failed or (later and max(later) >= max(failed)):
            continue
        if (now - max(failed)).total_seconds() > FRESH_S:
            continue
        nodes = [found[3] for one in about if (found := _ASSIGNED.match(text(one, "message")))]
        yield {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name} | ({"namespace": namespace} if namespace else {}),
            "spec": {"nodeName": nodes[0]} if nodes else {},
            "status": {
                "phase": "Pending",
                "conditions": [{"type": "PodScheduled", "status": "True"}],
                "containerStatuses": [{"ready": False, "state": {"waiting": {"reason": "ContainerCreating"}}}],
            },
        }
