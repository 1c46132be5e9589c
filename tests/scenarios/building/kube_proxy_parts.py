"""Small Flannel clusters around kube-proxy: its configuration, its logs, and nodes that it runs on."""

from __future__ import annotations

from typing import Any

from tests.scenarios.building.cluster import Cluster
from tests.scenarios.building.nodes import Node
from tests.scenarios.building.objects import Object

__all__ = ["BY_ITSELF", "MODIFY", "SCHEDULER", "TABLE", "UDP", "proxied", "start_log"]

MODIFY = "kube-proxy-modify-config"
TABLE = "conntrack-table-full"
SCHEDULER = "ipvs-scheduler"
UDP = "ipvs-udp-timeout"

BY_ITSELF = {"flannel-node-network-unavailable": ["ruled_out", "by_hand"]}
"""What nothing in these clusters hints at."""


def proxied(
    name: str,
    *,
    nodes: int = 2,
    settings: dict[str, Any] | None = None,
    changed: str | None = None,
    proxy: dict[str, Any] | None = None,
    instance_type: str = "ecs.g7.xlarge",
    **cluster: Any,
) -> tuple[Cluster, list[Node]]:
    """A Flannel cluster with a small application; ``settings`` are laid over config.conf, ``proxy`` goes to nodes."""
    c = Cluster(name, plugin="flannel", **({"server": "v1.24.6-aliyun.1"} | cluster))
    made = [c.node(f"172.16.4.{20 + n}", instance_type=instance_type, **(proxy or {})) for n in range(nodes)]
    web = c.deployment("shop", "quotes", made)
    c.service("shop", "quotes", web, port=8080)
    for key, value in (settings or {}).items():
        if isinstance(value, dict):
            c.proxy_config.config[key] = {**c.proxy_config.config.get(key, {}), **value}
        elif value is None:
            c.proxy_config.config.pop(key, None)
        else:
            c.proxy_config.config[key] = value
    if changed:
        c.proxy_config.changed = changed
    return c, made


def container_of(pod: Object) -> str:
    return str(pod["spec"]["containers"][0]["name"])


def start_log(c: Cluster, node: Node, *lines: str, previous: bool = False) -> None:
    """What kube-proxy on the node wrote when it started."""
    assert node.proxy is not None
    stamped = [f"{line[0]}0301 02:11:{n + 10:02d}.104217       1 {line[2:]}" for n, line in enumerate(lines)]
    container = container_of(node.proxy) + (".previous" if previous else "")
    c.log(node.proxy, container, "\n".join(stamped) + "\n")
