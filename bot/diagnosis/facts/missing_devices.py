"""ENIs whose device a node does not see ("can't found dev by mac"): whether that passed, or stays."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from bot.diagnosis.facts.eni_modes import eni_modes
from bot.diagnosis.facts.events import pod_events
from bot.diagnosis.facts.namespace_pods import namespace_pods
from bot.diagnosis.facts.node_pods import node_pods
from bot.diagnosis.facts.partial import Partial
from bot.diagnosis.facts.plugin import plugin
from bot.diagnosis.facts.pods import Pod, pods
from bot.diagnosis.facts.registry import Facts, fact
from bot.diagnosis.facts.sandbox import Failure, sandbox_failures
from bot.diagnosis.facts.terway_nodes import Eni, TerwayNodes, terway_nodes
from bot.diagnosis.observation import Fact, Observation

__all__ = ["MissingDevices", "eni_by_mac", "lasts", "missing_devices"]

_LASTS_S = 5 * 60
_REPEATS = 3
# Texts that name what keeps the pod from its network, so that it is no missing device.
_NO_OTHER_CAUSE = frozenset({"device_missing", "plugin_config", "other"})


class MissingDevices(Fact):
    """Devices that nodes did not find by their MAC.

    ``passed``: the pod has its network by now. ``lasting``: the same MAC keeps failing although the ENI is in use.
    ``attaching``: the ENI with that MAC is being attached or detached; ``unknown``: no ENI of the node has it.
    ``excluded``: the pods in question fail for another reason, or wait for no network at all.
    """

    messages: tuple[Failure, ...]
    passed: tuple[Observation, ...]
    lasting: tuple[Observation, ...]
    attaching: tuple[Observation, ...]
    unknown: tuple[Observation, ...]
    excluded: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


def eni_by_mac(reported: TerwayNodes | None, node: str, mac: str) -> Eni | None:
    """Return the ENI with a MAC (lower case) on a node."""
    found = reported.usable(node) if reported else None
    return next((eni for eni in found.enis if eni.mac == mac), None) if found and mac else None


def lasts(failures: Sequence[Failure]) -> Failure | None:
    """Return the failure that repeats with one MAC for so long that a retry will not mend it; None where none does."""
    if len({one.mac for one in failures if one.mac}) != 1:
        return None
    return next(
        (one for one in failures if one.current and one.mac and one.count >= _REPEATS and one.span_s > _LASTS_S), None
    )


def _got_network(pod: Pod | None, failures: Sequence[Failure], succeeded: int | None) -> bool:
    newest = min((one.age_s for one in failures if one.age_s is not None), default=None)
    if succeeded is not None and newest is not None and succeeded <= newest:
        return True
    return pod is not None and pod.stage in {"running", "has_address"}


@fact("missing_devices", MissingDevices, kubectl="kubectl describe pod <pod>")
async def missing_devices(facts: Facts) -> MissingDevices:
    """Whether nodes miss the device of an ENI, by the events of pods and the state of the ENI with that MAC."""
    partial = Partial(facts)
    failed, waiting, happened, main = await asyncio.gather(
        facts(sandbox_failures), facts(pods), facts(pod_events), facts(plugin)
    )
    known = {pod.key: pod for pod in waiting.items}
    if any(failure.pod not in known for failure in failed.items):
        there, others = await asyncio.gather(partial(node_pods), partial(namespace_pods))
        seen = (*(others.items if others else ()), *(there.items if there else ()))
        known = {pod.key: pod for pod in seen} | known
    succeeded = {
        f"{event.namespace}/{event.name}": event.age_s
        for event in reversed(happened.items)
        if event.reason == "AllocIPSucceed" and event.age_s is not None
    }
    by_pod: dict[str, list[Failure]] = {}
    for failure in failed.items:
        if failure.code == "device_missing":
            by_pod.setdefault(failure.pod, []).append(failure)
    mine = main.name == "terway"
    reported = await partial(terway_nodes) if by_pod else None
    passed: list[Observation] = []
    lasting: list[Observation] = []
    attaching: list[Observation] = []
    unknown: list[Observation] = []
    for key, failures in by_pod.items():
        pod = known.get(key)
        if _got_network(pod, failures, succeeded.get(key)):
            passed += [failures[0], *([pod.seen] if pod else [])]
            continue
        again = lasts(failures)
        eni = eni_by_mac(reported, pod.node, failures[0].mac) if pod else None
        if eni and eni.status in {"Attaching", "Detaching"}:
            attaching += [failures[0], eni]
        elif eni and eni.status == "InUse" and again:
            lasting += [again, eni]
        elif pod and reported and (report := reported.usable(pod.node)) and failures[0].mac and not eni:
            unknown += [failures[0], report]
    decided = MissingDevices(
        messages=tuple(one for failures in by_pod.values() for one in failures),
        passed=tuple(passed) if mine else (),
        lasting=tuple(lasting) if mine else (),
        attaching=tuple(attaching),
        unknown=tuple(unknown),
        excluded=() if by_pod else tuple(await _excluded(facts, partial, known)),
        evidence=(*passed, *lasting),
    )
    if by_pod and not decided.evidence:
        partial.require()
    return decided


async def _excluded(facts: Facts, partial: Partial, known: Mapping[str, Pod]) -> list[Observation]:
    failed, waiting, modes = await facts(sandbox_failures), await facts(pods), await partial(eni_modes)
    why: list[Observation] = [*modes.all_unmanaged] if modes else []
    untouched = {pod.seen.object for pod in waiting.items if pod.stage in {"unscheduled", "host_network"}}
    why += [seen for seen in waiting.excluded if seen.object in untouched]
    current = [one for one in failed.current if one.pod in known]
    if current and all(one.code not in _NO_OTHER_CAUSE for one in current):
        why += current
    return why
