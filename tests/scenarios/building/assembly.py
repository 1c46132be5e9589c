"""Puts a cluster's parts together: everything that its API server would list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import yaml

from tests.scenarios.building import objects as kube
from tests.scenarios.building.agents import acs_image, flannel_containers, terway_containers
from tests.scenarios.building.identity import ago, cloud_id, uid
from tests.scenarios.building.node_report import node_report
from tests.scenarios.building.objects import Object
from tests.scenarios.building.settings import SYSTEM, ConfigText

if TYPE_CHECKING:
    from tests.scenarios.building.cluster import Cluster

__all__ = ["assemble"]

_OUTPUT_ORDER = (
    "Namespace",
    "ConfigMap",
    "Node",
    "DaemonSet",
    "Deployment",
    "StatefulSet",
    "Pod",
    "Service",
    "EndpointSlice",
    "NetworkPolicy",
)


def assemble(cluster: Cluster) -> list[Object]:
    """Return everything the API server would list, in a fixed order."""
    if cluster.dns is None and cluster.corefile is not None and cluster.nodes:
        cluster.coredns([cluster.nodes[-1]] * 2)
    found = cluster.extra + [one.object for one in cluster.nodes] + [one.object() for one in cluster.workloads]
    found += _config_maps(cluster) + _daemon_sets(cluster) + _cluster_services(cluster) + cluster.services
    found += [node_report(cluster, one) for one in cluster.nodes if one.report != "none"]
    found += cluster.pods + cluster.events
    used = {one["metadata"]["namespace"] for one in found if "namespace" in one["metadata"]} | {"default", SYSTEM}
    declared = {one["metadata"]["name"] for one in found if one["kind"] == "Namespace"}
    found += [
        kube.namespace(name, uid(cluster.name, "Namespace", name), cluster.age) for name in sorted(used - declared)
    ]
    keys = [
        (one["apiVersion"], one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in found
    ]
    if twice := [key for key in keys if keys.count(key) > 1]:
        raise ValueError(f"{cluster.name}: there twice: {twice[0]}")
    return sorted(found, key=_output_rank)


def _output_rank(one: Object) -> int:
    if one["kind"] == "Event":
        return len(_OUTPUT_ORDER) + 1
    core = not one["apiVersion"].endswith("alibabacloud.com/v1beta1")
    return _OUTPUT_ORDER.index(one["kind"]) if core and one["kind"] in _OUTPUT_ORDER else len(_OUTPUT_ORDER)


def _config_maps(cluster: Cluster) -> list[Object]:
    found = []
    if cluster.eni_config:
        data: dict[str, str] = {}
        if cluster.eni_config.terway_conf is not None:
            data["10-terway.conf"] = kube.json_text(cluster.eni_config.terway_conf)
        if cluster.eni_config.eni_conf is not None:
            data["eni_conf"] = kube.json_text(cluster.eni_config.eni_conf)
        found.append(
            _system_map(cluster, "eni-config", data | dict(cluster.eni_config.flags or {}), cluster.eni_config)
        )
    if cluster.flannel_config:
        cfg = cluster.flannel_config
        data = {"cni-conf.json": kube.json_text(cfg.cni_conf), "net-conf.json": kube.json_text(cfg.net_conf)}
        found.append(_system_map(cluster, "kube-flannel-cfg", data | dict(cfg.extra or {}), cfg, cfg.namespace))
    for name, config in (
        ("kube-proxy-worker", cluster.proxy_config),
        ("kube-proxy-master", cluster.proxy_master_config),
    ):
        if config:
            body = config.config if isinstance(config.config, str) else yaml.safe_dump(config.config, sort_keys=False)
            found.append(_system_map(cluster, name, {"config.conf": body}, config))
    if cluster.corefile is not None:
        found.append(
            _system_map(cluster, "coredns", {"Corefile": cluster.corefile}, ConfigText("88d", "acs-component"))
        )
    if cluster.profile is not None:
        zones = dict.fromkeys(one.zone for one in cluster.nodes)
        switches = ",".join(f"{cloud_id('vsw', cluster.name, zone, 'nodes')}:{zone}" for zone in zones)
        data = cluster.profile | {"vsw-zone": switches}
        found.append(_system_map(cluster, "ack-cluster-profile", data, ConfigText(cluster.age, "acs-component")))
    return found


def _system_map(
    cluster: Cluster, name: str, data: Mapping[str, str], text: ConfigText, namespace: str = SYSTEM
) -> Object:
    meta = kube.metadata(name, uid(cluster.name, "ConfigMap", namespace, name), cluster.age, namespace=namespace)
    made = kube.config_map(meta, data, text.changed, text.manager)
    if text.labelled:
        made["metadata"].setdefault("managedFields", []).append(
            {
                "apiVersion": "v1",
                "fieldsType": "FieldsV1",
                "fieldsV1": {"f:metadata": {"f:labels": {".": {}, "f:team": {}}}},
                "manager": "kubectl-label",
                "operation": "Update",
                "time": ago(text.labelled),
            }
        )
        made["metadata"]["labels"] = {"team": "platform"}
    return made


def _daemon_sets(cluster: Cluster) -> list[Object]:
    found = []
    agents = [one.agent for one in cluster.nodes if one.agent]
    if cluster.plugin == "terway":
        name = cluster.terway_daemon_set
        parts = terway_containers(
            acs_image(cluster.region, "terway", cluster.daemon_set_image or cluster.terway), exclusive=cluster.exclusive
        )
        found.append(_daemon_set(cluster, name, {"app": name}, agents, parts[0], parts[1]))
    elif cluster.plugin == "flannel":
        image = cluster.daemon_set_image or cluster.flannel
        containers, init = flannel_containers(acs_image(cluster.region, "flannel", image), cluster.flannel_args)
        found.append(_daemon_set(cluster, "kube-flannel-ds", {"app": "flannel"}, agents, containers, init))
    proxies = [one.proxy for one in cluster.nodes if one.proxy]
    workers = [one for one in proxies if one["metadata"]["labels"]["k8s-app"] == "kube-proxy-worker"]
    args = cluster.proxy_config.args
    found.append(_proxy_set(cluster, "kube-proxy-worker", workers, args))
    if cluster.proxy_master_config:
        masters = [one for one in proxies if one not in workers]
        found.append(_proxy_set(cluster, "kube-proxy-master", masters, cluster.proxy_master_config.args))
    if cluster.dedicated:
        labels = {"app": "cloud-controller-manager", "tier": "control-plane"}
        pods = [one for one in cluster.pods if one["metadata"].get("labels", {}).get("app") == labels["app"]]
        image = acs_image(cluster.region, "cloud-controller-manager-amd64", "v2.9.1")
        one = kube.container("cloud-controller-manager", image, command=_ccm_command(cluster))
        found.append(_daemon_set(cluster, "cloud-controller-manager", labels, pods, [one]))
    return found


def _ccm_command(cluster: Cluster) -> list[str]:
    routes = "true" if cluster.plugin == "flannel" else "false"
    return [
        "/cloud-controller-manager",
        "--cloud-config=/etc/kubernetes/config/cloud-config.conf",
        f"--configure-cloud-routes={routes}",
        f"--cluster-cidr={cluster.pod_cidr}",
    ]


def _daemon_set(
    cluster: Cluster,
    name: str,
    labels: Mapping[str, str],
    pods: Sequence[Object],
    containers: list[Object],
    init: Sequence[Object] = (),
) -> Object:
    ready = sum(
        any(c["type"] == "Ready" and c["status"] == "True" for c in one["status"]["conditions"]) for one in pods
    )
    image = containers[0]["image"]
    updated = sum(one["spec"]["containers"][0]["image"] == image for one in pods)
    spec: Object = {"hostNetwork": True, "tolerations": [{"operator": "Exists"}]}
    spec |= {"initContainers": list(init)} if init else {}
    meta = kube.metadata(
        name, uid(cluster.name, "DaemonSet", SYSTEM, name), cluster.age, namespace=SYSTEM, labels=labels
    )
    return kube.daemon_set(
        meta,
        labels,
        spec | {"containers": containers},
        desired=len(pods),
        ready=ready,
        updated=updated,
        strategy=cluster.daemon_set_strategy,
    )


def _proxy_set(cluster: Cluster, name: str, pods: Sequence[Object], args: Sequence[str]) -> Object:
    command = ["/usr/local/bin/kube-proxy", "--config=/var/lib/kube-proxy/config.conf", *args]
    one = kube.container(name, acs_image(cluster.region, "kube-proxy", cluster.kube_proxy), command=command)
    return _daemon_set(cluster, name, {"k8s-app": name}, pods, [one])


def _cluster_services(cluster: Cluster) -> list[Object]:
    policy = "PreferDualStack" if cluster.dual_stack else "SingleStack"
    meta = kube.metadata(
        "kubernetes", uid(cluster.name, "Service", "default", "kubernetes"), cluster.age, namespace="default"
    )
    port = {"name": "https", "port": 443, "targetPort": 6443, "protocol": "TCP"}
    # The API server makes this one itself, of one family in dual-stack clusters too.
    found = [kube.service(meta, [cluster.service_address(1)], [port], policy="SingleStack")]
    if cluster.dns is None:
        return found
    dns = [cluster.service_address(10)] + ([cluster.service_address(10, "IPv6")] if cluster.dual_stack else [])
    ports = [
        {"name": "dns", "port": 53, "targetPort": 53, "protocol": "UDP"},
        {"name": "dns-tcp", "port": 53, "targetPort": 53, "protocol": "TCP"},
    ]
    meta = kube.metadata("kube-dns", uid(cluster.name, "Service", SYSTEM, "kube-dns"), cluster.age, namespace=SYSTEM)
    found.append(kube.service(meta, dns, ports, selector=cluster.dns.labels, policy=policy))
    families = ("IPv4", "IPv6") if cluster.dual_stack else ("IPv4",)
    return found + [cluster.slice(SYSTEM, "kube-dns", cluster.dns.pods, ports, one, cluster.age) for one in families]
