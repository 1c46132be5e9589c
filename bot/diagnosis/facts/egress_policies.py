"""NetworkPolicies that restrict what the named pods may reach."""

from __future__ import annotations

from bot.diagnosis.facts.ipv6_policies import selects
from bot.diagnosis.facts.pods import pods
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.objects import at, name, namespace, texts
from bot.diagnosis.observation import Fact, Observation

__all__ = ["EgressPolicies", "egress_policies"]

_LIMIT = 100


class EgressPolicies(Fact):
    """The policies with an egress part that select a named pod; ``complete``: no policy was left out."""

    items: tuple[Observation, ...]
    complete: bool
    evidence: tuple[Observation, ...]


@fact(
    "egress_policies",
    EgressPolicies,
    needs=[Needs("networkpolicies", "list")],
    kubectl="kubectl -n <namespace> get networkpolicy -o yaml",
)
async def egress_policies(facts: Facts) -> EgressPolicies:
    """NetworkPolicies that restrict egress of the named pods, wherever the pods' vSwitches may lead."""
    asked = await facts(pods)
    found: list[Observation] = []
    complete = True
    for where in dict.fromkeys(pod.namespace for pod in asked.items) if asked.given else ():
        listing = await facts.reads.list("networkpolicies", namespace=where, limit=_LIMIT)
        complete = complete and listing.complete
        found += [
            Observation(
                object=f"NetworkPolicy {where}/{name(policy)}",
                field="spec.egress",
                value="restricts what the pod may reach",
                kubectl=f"kubectl -n {namespace(policy)} get networkpolicy {name(policy)} -o yaml",
            )
            for policy in listing.items
            if "Egress" in texts(policy, "spec", "policyTypes") or at(policy, "spec", "egress")
            if any(selects(policy, pod) for pod in asked.items)
        ]
    return EgressPolicies(items=tuple(found), complete=complete, evidence=tuple(found))
