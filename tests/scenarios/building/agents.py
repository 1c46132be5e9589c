"""Containers of what runs on every node."""

from __future__ import annotations

from collections.abc import Sequence

from tests.scenarios.building.objects import Object, container
from tests.scenarios.building.versions import at_least

__all__ = ["acs_image", "flannel_containers", "terway_containers"]


def acs_image(region: str, component: str, version: str) -> str:
    """The component's image in ACK's registry; a whole image passes unchanged."""
    return version if "/" in version else f"registry-{region}-vpc.ack.aliyuncs.com/acs/{component}:{version}"


def terway_containers(image: str, *, exclusive: bool) -> tuple[list[Object], list[Object]]:
    """Containers and init containers."""
    mode = "ENIOnly" if exclusive else "ENIMultiIP"
    daemon = container("terway", image, command=["/usr/bin/terwayd", "-log-level", "info", "-daemon-mode", mode])
    policy = container("policy", image, command=["/bin/policyinit.sh"])
    return [daemon, policy], [container("terway-init", image)]


def flannel_containers(image: str, args: Sequence[str]) -> tuple[list[Object], list[Object]]:
    """Containers and init containers; there is none of the latter below v0.15.1.6."""
    init = [container("install-cni", image)] if at_least(image, 0, 15, 1, 6) else []
    return [container("kube-flannel", image, command=["/opt/bin/flanneld", *args])], init
