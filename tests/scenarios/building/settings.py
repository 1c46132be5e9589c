"""The settings that a scenario changes: ConfigMaps of the plugins, kube-proxy and CoreDNS, as ACK ships them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.scenarios.building.objects import Object

__all__ = [
    "COREFILE",
    "SYSTEM",
    "ConfigText",
    "EniConfig",
    "FlannelConfig",
    "ProxyConfig",
    "eni_config",
    "flannel_config",
    "proxy_config",
]

SYSTEM = "kube-system"

COREFILE = """\
.:53 {
    errors
    health {
       lameduck 15s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
      pods verified
      ttl 30
      fallthrough in-addr.arpa ip6.arpa
    }
    prometheus :9153
    forward . /etc/resolv.conf {
      prefer_udp
    }
    cache 30
    loop
    reload
    loadbalance
}
"""


@dataclass
class ConfigText:
    """When the data of a ConfigMap were last written and by whom; ``changed`` None: managedFields is empty.

    ``labelled`` is when somebody put a label on it, which leaves the data alone.
    """

    changed: str | None = "60d"
    manager: str = "kubectl-edit"
    labelled: str | None = None


@dataclass
class EniConfig(ConfigText):
    """ConfigMap eni-config. ``eni_conf`` and ``terway_conf`` are dicts, or text where it is no valid JSON.

    ``flags`` are the keys beside them (``disable_network_policy``, ``in_cluster_loadbalance``, ``10-terway.conflist``).
    """

    eni_conf: Any = None
    terway_conf: Any = None
    flags: dict[str, str] | None = None


@dataclass
class FlannelConfig(ConfigText):
    """ConfigMap kube-flannel-cfg: both bodies are dicts or text; ``extra`` are further keys."""

    cni_conf: Any = None
    net_conf: Any = None
    namespace: str = SYSTEM
    extra: dict[str, str] | None = None


@dataclass
class ProxyConfig(ConfigText):
    """ConfigMap kube-proxy-worker or -master: ``config`` is a dict or text; ``args`` follow --config."""

    config: Any = None
    args: tuple[str, ...] = ()


def eni_config(
    *, security_group: str, service_cidrs: str, crd: bool, dual_stack: bool, datapath: str | None
) -> EniConfig:
    """``datapath`` None leaves eniip_virtual_type out."""
    conf: Object = {
        "version": "1",
        "max_pool_size": 5,
        "min_pool_size": 0,
        "credential_path": "/var/addon/token-config",
        "vswitches": {},
        "service_cidr": service_cidrs,
        "security_group": security_group,
        "vswitch_selection_policy": "ordered",
    }
    if crd:
        conf["ipam_type"] = "crd"
    if dual_stack:
        conf["ip_stack"] = "dual"
    chain: Object = {"cniVersion": "0.4.0", "name": "terway", "type": "terway"}
    if datapath:
        chain |= {"eniip_virtual_type": datapath, "network_policy_provider": "iptables"}
    return EniConfig(eni_conf=conf, terway_conf=chain, flags={"disable_network_policy": "true"})


def flannel_config(pod_cidr: str) -> FlannelConfig:
    element = {
        "type": "flannel",
        "delegate": {"isDefaultGateway": True, "hairpinMode": True},
        "dataDir": "/var/run/cni/flannel",
        "ipam": {"type": "host-local", "dataDir": "/var/run/cni/networks"},
    }
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}, "externalSetMarkChain": "KUBE-MARK-MASQ"}
    return FlannelConfig(
        cni_conf={"name": "cb0", "cniVersion": "0.3.1", "plugins": [element, portmap]},
        net_conf={"Network": pod_cidr, "Backend": {"Type": "alloc"}},
    )


def proxy_config(mode: str, cluster_cidr: str, *, dual_stack: bool) -> ProxyConfig:
    config: Object = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "bindAddress": "::" if dual_stack else "0.0.0.0",
        "clientConnection": {"kubeconfig": "/var/lib/kube-proxy/kubeconfig.conf"},
        "clusterCIDR": cluster_cidr,
        "conntrack": {"maxPerCore": 65536},
        "mode": mode,
    }
    return ProxyConfig(config=config | ({"ipvs": {"udpTimeout": "10s"}} if mode == "ipvs" else {}))
