"""Terway's Node resource."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.scenarios.building import objects as kube
from tests.scenarios.building.identity import ago
from tests.scenarios.building.nodes import Node, NodeReport
from tests.scenarios.building.objects import Object
from tests.scenarios.building.versions import at_least

if TYPE_CHECKING:
    from tests.scenarios.building.cluster import Cluster

__all__ = ["node_report", "usual_report"]


def usual_report(terway: str, *, crd: bool) -> NodeReport:
    """How much such a Terway reports of a node."""
    if not at_least(terway, 1, 9, 6):
        return "none"
    return "full" if crd else "legacy"


def node_report(cluster: Cluster, node: Node) -> Object:
    """The node's resource in network.alibabacloud.com, as full as ``node.report`` says."""
    kind = node.instance
    spec: Object = {
        "nodeMetadata": {
            "regionID": cluster.region,
            "instanceType": node.instance_type,
            "instanceID": node.instance_id,
            "zoneID": node.zone,
        },
        "nodeCap": {
            "adapters": kind.adapters,
            "totalAdapters": kind.adapters,
            "ipv4PerAdapter": kind.addresses,
            "ipv6PerAdapter": kind.addresses if node.ipv6_quota is None else node.ipv6_quota,
            "memberAdapterLimit": 0,
            "maxMemberAdapterLimit": 0,
            "eriQuantity": 0,
        },
    }
    status: Object = {}
    if node.report == "full":
        options = node.vswitch_options
        if options is None:
            conf = cluster.eni_config.eni_conf if cluster.eni_config else {}
            options = (conf if isinstance(conf, dict) else {}).get("vswitches", {}).get(node.zone, [])
        spec["eni"] = {
            "vSwitchOptions": list(options),
            "securityGroupIDs": [cluster.security_group],
            "vSwitchSelectPolicy": "most",
            "enableIPv4": True,
        } | ({"enableIPv6": True} if cluster.dual_stack else {})
        spec["pool"] = {"maxPoolSize": 5, "minPoolSize": 0}
        slots = kind.adapters - 1 if node.flavor is None else node.flavor
        spec["flavor"] = [
            {"networkInterfaceType": "Secondary", "networkInterfaceTrafficMode": "Standard", "count": slots}
        ]
        status = {
            "networkInterfaces": {one.id: one.reported() for one in node.enis},
            "lastSyncOpenAPITime": ago(node.synced),
            "nextSyncOpenAPITime": ago("+11h"),
            "lastModifiedTime": ago("2m"),
        }
    reported = node.datapath or cluster.datapath
    if reported and at_least(cluster.terway, 1, 17, 1):
        spec["datapath"] = {"type": reported}
    identity = cluster.terway_node(node)
    meta = kube.metadata(node.name, identity["metadata"]["uid"], "0s", labels={"name": node.name})
    meta["creationTimestamp"] = node.object["metadata"]["creationTimestamp"]
    return identity | {"metadata": meta, "spec": spec} | ({"status": status} if status else {})
