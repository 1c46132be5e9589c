"""What ACK itself wrote down about the cluster: its ids, its Service range, its IP stack."""

from __future__ import annotations

import re

from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.objects import at, text
from bot.diagnosis.observation import Fact, Observation

__all__ = ["ClusterProfile", "cluster_profile"]

_NAME = "ack-cluster-profile"
_KUBECTL = f"kubectl -n kube-system get cm {_NAME} -o yaml"
_SHOWN = ("clusterid", "vpcid", "serviceCIDR", "ipStack", "vsw-zone")
_VSWITCH = re.compile(r"\bvsw-[0-9a-z]+", re.ASCII)


class ClusterProfile(Fact):
    """ConfigMap ack-cluster-profile; other clusters than ACK's have none. ``vswitches`` date from the creation."""

    present: bool
    vpc: str
    service_cidrs: tuple[str, ...]
    ip_stack: str
    vswitches: tuple[str, ...]
    evidence: tuple[Observation, ...]


@fact(
    "cluster_profile",
    ClusterProfile,
    needs=[Needs("configmaps", "get", "kube-system", (_NAME,))],
    kubectl=_KUBECTL,
)
async def cluster_profile(facts: Facts) -> ClusterProfile:
    """The cluster's cloud resources and ranges as ACK noted them down when it was created."""
    found = await facts.reads.get("configmaps", _NAME, "kube-system")
    data = at(found, "data")
    seen = tuple(
        Observation(object=f"ConfigMap kube-system/{_NAME}", field=f"data[{key}]", value=value[:300], kubectl=_KUBECTL)
        for key in _SHOWN
        if (value := text(data, key).strip())
    )
    return ClusterProfile(
        present=found is not None,
        vpc=text(data, "vpcid").strip(),
        service_cidrs=tuple(one for part in text(data, "serviceCIDR").split(",") if (one := part.strip())),
        ip_stack=text(data, "ipStack").strip().lower(),
        vswitches=tuple(dict.fromkeys(_VSWITCH.findall(text(data, "vsw-zone")))),
        evidence=seen,
    )
