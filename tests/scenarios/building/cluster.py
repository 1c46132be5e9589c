"""A small ACK cluster under construction: say what is special, the rest is an ordinary healthy cluster."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from tests.scenarios.building import objects as kube
from tests.scenarios.building.agents import acs_image, flannel_containers, terway_containers
from tests.scenarios.building.assembly import assemble
from tests.scenarios.building.eni import Eni, VSwitch
from tests.scenarios.building.identity import cloud_id, pod_suffix, shorter, uid
from tests.scenarios.building.node_report import usual_report
from tests.scenarios.building.nodes import Node
from tests.scenarios.building.objects import Object, PodState
from tests.scenarios.building.recorder import Recorder
from tests.scenarios.building.settings import (
    COREFILE,
    SYSTEM,
    ConfigText,
    EniConfig,
    FlannelConfig,
    ProxyConfig,
    eni_config,
    flannel_config,
    proxy_config,
)
from tests.scenarios.building.versions import at_least
from tests.scenarios.building.workloads import Workload

__all__ = ["Cluster", "ConfigText", "EniConfig", "FlannelConfig", "ProxyConfig"]


class Cluster(Recorder):
    """Collects nodes, pods, settings and events; ``objects`` gives what the API server would list.

    ``name`` is the scenario's name and the seed of every id. ``terway``, ``flannel``, ``kube_proxy`` are image tags (or
    whole images), ``kubelet`` and ``server`` versions such as ``v1.28.9-aliyun.1``. ``ipam`` ``crd`` means
    centralised IPAM with full Terway Node resources, ``legacy`` the daemon's own. ``dual_stack`` gives pods, nodes
    and kube-dns a second address. Settings that a scenario changes: ``eni_config``, ``flannel_config``,
    ``proxy_config``, ``proxy_master_config``, ``corefile``, ``profile`` (None: no such ConfigMap).
    """

    def __init__(
        self,
        name: str,
        *,
        plugin: Literal["terway", "flannel", "none"],
        server: str = "v1.28.9-aliyun.1",
        kubelet: str | None = None,
        kube_proxy: str | None = None,
        terway: str = "v1.14.3",
        flannel: str = "v0.15.1.23-7ae5a5f-aliyun",
        ipam: Literal["crd", "legacy"] = "crd",
        exclusive: bool = False,
        datapath: str | None = "datapathv2",
        dedicated: bool = False,
        dual_stack: bool = False,
        region: str = "cn-hangzhou",
        age: str = "200d",
        runtime: str = "containerd://1.6.28",
        kernel: str = "5.10.134-16.3.al8.x86_64",
        service_cidr: str = "10.96.0.0/16",
        pod_cidr: str = "172.20.0.0/16",
        node_mask: int = 26,
        proxy_mode: str = "ipvs",
    ) -> None:
        super().__init__(name, plugin=plugin, terway=terway, runtime=runtime)
        self.server, self.region, self.age = server, region, age
        self.kubelet = kubelet or server
        self.kube_proxy = kube_proxy or server
        self.flannel = flannel
        self.ipam, self.exclusive, self.datapath = ipam, exclusive, datapath
        self.dedicated, self.dual_stack = dedicated, dual_stack
        self.kernel = kernel
        self.service_cidr, self.pod_cidr, self.node_mask = service_cidr, pod_cidr, node_mask
        self.terway_daemon_set = "terway-eni" if exclusive else "terway-eniip"
        self.daemon_set_strategy = "RollingUpdate"
        self.daemon_set_image: str | None = None
        self.flannel_args = ["--ip-masq", "--kube-subnet-mgr"]
        self.nodes: list[Node] = []
        self.vswitches: dict[str, VSwitch] = {}
        self.logs: dict[tuple[str, str, str], str] = {}
        self.security_group = cloud_id("sg", name)
        self.extra: list[Object] = []
        self.pods: list[Object] = []
        self.workloads: list[Workload] = []
        self.services: list[Object] = []
        self.dns: Workload | None = None
        self._cluster_ips = 20
        self.corefile: str | None = COREFILE
        self.profile: dict[str, str] | None = {
            "clusterid": f"c{uid('cluster', name).replace('-', '')}",
            "vpcid": cloud_id("vpc", name),
            "serviceCIDR": self._service_cidrs,
            "ipStack": "dual" if dual_stack else "ipv4",
            "timezone": "Asia/Shanghai",
        }
        self.eni_config: EniConfig | None = (
            eni_config(
                security_group=self.security_group,
                service_cidrs=self._service_cidrs,
                crd=ipam == "crd",
                dual_stack=dual_stack,
                datapath=None if exclusive else datapath,
            )
            if plugin == "terway"
            else None
        )
        self.flannel_config: FlannelConfig | None = flannel_config(pod_cidr) if plugin == "flannel" else None
        proxied = (pod_cidr + (",fd00:20::/48" if dual_stack else "")) if plugin == "flannel" else ""
        self.proxy_config = proxy_config(proxy_mode, proxied, dual_stack=dual_stack)
        self.proxy_master_config: ProxyConfig | None = (
            proxy_config(proxy_mode, proxied, dual_stack=dual_stack) if dedicated else None
        )

    # Parts of the cluster

    def vswitch(self, zone: str | None = None, *, label: str = "pods", cidr: str | None = None) -> VSwitch:
        """The pod vSwitch of a zone; another ``label`` is another vSwitch (the first of a zone is in eni_conf)."""
        zone = zone or f"{self.region}-h"
        key = f"{zone}/{label}"
        if key not in self.vswitches:
            index = len(self.vswitches) + 1
            second = f"2408:4005:3c5:{index:x}::/64" if self.dual_stack else None
            made = VSwitch(cloud_id("vsw", self.name, key), zone, cidr or f"10.{index}.0.0/19", second)
            self.vswitches[key] = made
            if label == "pods" and self.eni_config and isinstance(self.eni_config.eni_conf, dict):
                self.eni_config.eni_conf["vswitches"].setdefault(zone, []).append(made.id)
        return self.vswitches[key]

    def node(
        self,
        address: str,
        *,
        zone: str | None = None,
        instance_type: str = "ecs.g7.xlarge",
        age: str = "90d",
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        kubelet: str | None = None,
        kernel: str | None = None,
        pods: int | None = None,
        pod_cidr: str | None = None,
        master: bool = False,
        agent: bool = True,
        agent_age: str = "20d",
        agent_state: PodState = "running",
        agent_image: str | None = None,
        agent_restarts: int = 0,
        proxy: bool = True,
        proxy_age: str = "40d",
        proxy_state: PodState = "running",
        proxy_image: str | None = None,
    ) -> Node:
        """Add a node with its plugin agent and kube-proxy; a Flannel node gets the next podCIDR unless one is given.

        What runs on it is no older than the node. ``pod_cidr`` ``""`` leaves it out.
        The condition NetworkUnavailable of Flannel nodes is False (RouteCreated).
        """
        zone = zone or f"{self.region}-h"
        name = f"{self.region}.{address}"
        agent_age, proxy_age = shorter(agent_age, age), shorter(proxy_age, age)
        made = Node(name, address, zone, instance_type, cloud_id("i", self.name, name), {})
        self.nodes.append(made)
        mask = {26: 64, 25: 128, 24: 256, 27: 32, 28: 16}.get(self.node_mask, 110)
        made.object = kube.node(
            kube.metadata(
                name, self._uid("Node", name), age, labels=self._node_labels(made, master) | dict(labels or {})
            ),
            address=address,
            provider_id=f"{self.region}.{made.instance_id}",
            cores=made.instance.cores,
            memory=made.instance.memory,
            pods=pods or (mask if self.plugin == "flannel" else 110),
            conditions=[],
            info=self._node_info(name, kubelet or self.kubelet, kernel or self.kernel),
            pod_cidrs=self._node_cidrs(pod_cidr),
        )
        if annotations:
            made.object["metadata"]["annotations"] = dict(annotations)
        if self.dual_stack:
            made.object["status"]["addresses"].insert(1, {"type": "InternalIP", "address": self._node_ipv6(made)})
        self._healthy(made, age)
        if agent and self.plugin == "terway":
            made.agent = self._terway_agent(made, agent_age, agent_state, agent_image, agent_restarts)
            made.report = usual_report(terway=self.terway, crd=self.ipam == "crd" and not self.exclusive)
        elif agent and self.plugin == "flannel":
            made.agent = self._flannel_agent(made, agent_age, agent_state, agent_image, agent_restarts)
        if proxy:
            kind = "kube-proxy-master" if master else "kube-proxy-worker"
            made.proxy = self._proxy_pod(made, kind, proxy_age, proxy_state, proxy_image)
        if master:
            self._system_pod(
                made,
                "cloud-controller-manager",
                {"app": "cloud-controller-manager", "tier": "control-plane"},
                [
                    kube.container(
                        "cloud-controller-manager", acs_image(self.region, "cloud-controller-manager-amd64", "v2.9.1")
                    )
                ],
                "40d",
            )
        return made

    def eni(
        self, node: Node, vswitch: VSwitch | None = None, *, idle: int = 0, size: int | None = None, **more: Any
    ) -> Eni:
        """Attach a secondary ENI to the node; further arguments are Eni's fields."""
        eni_id = cloud_id("eni", self.name, node.name, str(len(node.enis)))
        made = Eni(
            eni_id,
            vswitch or self.vswitch(node.zone),
            [self.security_group],
            size or node.instance.addresses,
            idle=idle,
            **more,
        )
        node.enis.append(made)
        return made

    def pod(
        self,
        namespace: str,
        name: str,
        *,
        node: Node | None = None,
        state: PodState = "running",
        age: str = "6d",
        since: str | None = None,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        owners: Sequence[Object] = (),
        addresses: Sequence[str] | None = None,
        eni: Eni | None = None,
        host_network: bool = False,
        image: str | None = None,
        containers: Sequence[Object] | None = None,
        init_containers: Sequence[Object] = (),
        restarts: int = 0,
        message: str = "",
        spec: Mapping[str, Any] | None = None,
    ) -> Object:
        """Add a pod; one with a sandbox gets an address of the node's first ENI with room, or of its podCIDR.

        ``eni`` picks the ENI, ``addresses`` sets the addresses (``[]``: none). ``since`` is when its state began.
        """
        has_sandbox = state in {"running", "not_ready", "image_pull", "crashing"}
        if addresses is None:
            addresses = []
        else:
            has_sandbox = False
        made = kube.pod(
            kube.metadata(
                name,
                self._uid("Pod", namespace, name),
                age,
                namespace=namespace,
                labels=labels if labels is not None else {"app": name},
                annotations=annotations,
                owners=owners,
            ),
            containers or [kube.container("app", image or f"registry.example.com/{namespace}/{name}:2.3.1")],
            state=state,
            age=age,
            since=since or age,
            node_name=node.name if node else None,
            host_address=node.address if node else None,
            addresses=addresses,
            host_network=host_network,
            init_containers=init_containers,
            restarts=restarts,
            message=message,
            spec=spec,
        )
        if node and has_sandbox:
            given = self._node_addresses(node) if host_network else self._pod_addresses(node, eni, made)
            made["status"] |= {"podIP": given[0], "podIPs": [{"ip": one} for one in given]}
        self.pods.append(made)
        return made

    def deployment(
        self,
        namespace: str,
        name: str,
        on: Sequence[Node] = (),
        *,
        kind: Literal["Deployment", "StatefulSet"] = "Deployment",
        age: str = "30d",
        pod_age: str = "6d",
        labels: Mapping[str, str] | None = None,
        image: str | None = None,
        container: str = "app",
        port: int = 8080,
        spec: Mapping[str, Any] | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> Workload:
        """Add a Deployment with a running pod on each of ``on``; more with its ``pod`` method."""
        made = Workload(
            self,
            namespace,
            name,
            kind,
            age,
            dict(labels or {"app": name}),
            image or f"registry.example.com/{namespace}/{name}:2.3.1",
            container,
            port,
            dict(spec or {}),
            dict(annotations or {}),
        )
        self.workloads.append(made)
        for node in on:
            made.pod(node, age=pod_age)
        return made

    def coredns(self, on: Sequence[Node], *, age: str = "25d") -> Workload:
        """Place CoreDNS; without this its two pods run on the last node."""
        self.dns = self.deployment(
            SYSTEM,
            "coredns",
            on,
            age=self.age,
            pod_age=age,
            labels={"k8s-app": "kube-dns"},
            image=acs_image(self.region, "coredns", "v1.9.3.10-7dfca203-aliyun"),
            container="coredns",
            port=53,
            spec={"dnsPolicy": "Default"},
        )
        return self.dns

    def coredns_pods(self) -> list[Object]:
        """The pods that were placed, to change at will."""
        return self.dns.pods if self.dns else []

    def service(
        self,
        namespace: str,
        name: str,
        workload: Workload | Sequence[Object] = (),
        *,
        port: int = 80,
        target_port: int = 8080,
        protocol: str = "TCP",
        selector: Mapping[str, str] | None = None,
        cluster_ips: Sequence[str] | None = None,
        policy: str | None = "SingleStack",
        families: Sequence[str] = ("IPv4",),
        age: str = "30d",
        type_: str = "ClusterIP",
        annotations: Mapping[str, str] | None = None,
        spec: Mapping[str, Any] | None = None,
        status: Mapping[str, Any] | None = None,
        slices: bool = True,
    ) -> Object:
        """Add a Service and, for the pods given, an EndpointSlice per family (``slices`` False: none)."""
        if isinstance(workload, Workload):
            pods: Sequence[Object] = workload.pods
            selector = selector or workload.labels
        else:
            pods = workload
        ports = [
            {"name": name if len(name) < 16 else "main", "port": port, "targetPort": target_port, "protocol": protocol}
        ]
        if cluster_ips is None:
            self._cluster_ips += 1
            cluster_ips = [self.service_address(self._cluster_ips)]
        meta = kube.metadata(
            name, self._uid("Service", namespace, name), age, namespace=namespace, annotations=annotations
        )
        made = kube.service(
            meta, cluster_ips, ports, selector=selector, type_=type_, policy=policy, spec=spec, status=status
        )
        self.services.append(made)
        if slices and (pods or selector):
            targets = [{**one, "port": target_port} for one in ports]
            for family in families:
                self.services.append(self.slice(namespace, name, pods, targets, family, age))
        return made

    def config_map(
        self,
        namespace: str,
        name: str,
        data: Mapping[str, str],
        *,
        changed: str | None = "60d",
        age: str | None = None,
        manager: str = "kubectl-edit",
    ) -> Object:
        meta = kube.metadata(name, self._uid("ConfigMap", namespace, name), age or self.age, namespace=namespace)
        return self.add(kube.config_map(meta, data, changed, manager))

    def daemon_set(
        self,
        namespace: str,
        name: str,
        on: Sequence[Node],
        image: str,
        *,
        labels: Mapping[str, str] | None = None,
        age: str = "60d",
        host_network: bool = False,
        spec: Mapping[str, Any] | None = None,
        container_spec: Mapping[str, Any] | None = None,
    ) -> list[Object]:
        """Add any further DaemonSet with a running pod on each node; returns the pods."""
        labels = dict(labels or {"app": name})
        one = kube.container(name, image, **dict(container_spec or {}))
        set_uid = self._uid("DaemonSet", namespace, name)
        meta = kube.metadata(name, set_uid, age, namespace=namespace, labels=labels)
        template = {"containers": [one]} | ({"hostNetwork": True} if host_network else {}) | dict(spec or {})
        self.add(kube.daemon_set(meta, labels, template, desired=len(on), ready=len(on)))
        return [
            self.pod(
                namespace,
                f"{name}-{pod_suffix(self.name, name, node.name)}",
                node=node,
                age=age,
                labels=labels,
                owners=[kube.owner("DaemonSet", name, set_uid)],
                containers=[one],
                host_network=host_network,
                spec=spec,
            )
            for node in on
        ]

    def network_policy(self, namespace: str, name: str, spec: Mapping[str, Any], *, age: str = "30d") -> Object:
        meta = kube.metadata(name, self._uid("NetworkPolicy", namespace, name), age, namespace=namespace)
        return self.add(kube.network_policy(meta, spec))

    def resource(
        self,
        api_version: str,
        kind: str,
        name: str,
        *,
        namespace: str | None = None,
        age: str = "30d",
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        spec: Mapping[str, Any] | None = None,
        status: Mapping[str, Any] | None = None,
    ) -> Object:
        """Add any other object, a custom resource for example."""
        meta = kube.metadata(
            name,
            self._uid(kind, namespace or "", name),
            age,
            namespace=namespace,
            labels=labels,
            annotations=annotations,
        )
        found: Object = {"apiVersion": api_version, "kind": kind, "metadata": meta}
        found |= {"spec": dict(spec)} if spec is not None else {}
        return self.add(found | ({"status": dict(status)} if status is not None else {}))

    def add(self, made: Object) -> Object:
        self.extra.append(made)
        return made

    def log(self, pod: Object, container: str, text: str) -> None:
        """What ``kubectl logs`` prints for that container."""
        meta = pod["metadata"]
        self.logs[meta["namespace"], meta["name"], container] = text

    def objects(self) -> list[Object]:
        """Return everything the API server would list, in a fixed order."""
        return assemble(self)

    def service_address(self, index: int, family: Literal["IPv4", "IPv6"] = "IPv4") -> str:
        """An address of the Service range by its number."""
        cidr = self.service_cidr if family == "IPv4" else "fd00:10:96::/112"
        return str(ipaddress.ip_network(cidr)[index])

    def slice(
        self, namespace: str, name: str, pods: Sequence[Object], ports: Sequence[Object], family: str, age: str
    ) -> Object:
        """The EndpointSlice of one family for these pods."""
        backends = [
            (one, held["ip"])
            for one in pods
            for held in one["status"].get("podIPs", [])
            if (":" in held["ip"]) == (family == "IPv6")
        ]
        slice_name = f"{name}-{pod_suffix(self.name, namespace, name, family)}"
        labels = {
            "kubernetes.io/service-name": name,
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        }
        meta = kube.metadata(
            slice_name, self._uid("EndpointSlice", namespace, slice_name), age, namespace=namespace, labels=labels
        )
        return kube.endpoint_slice(meta, backends, ports, family)

    # Nodes

    def _node_labels(self, node: Node, master: bool) -> dict[str, str]:
        labels = {
            "kubernetes.io/hostname": node.name,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64",
            "node.kubernetes.io/instance-type": node.instance_type,
            "topology.kubernetes.io/region": self.region,
            "topology.kubernetes.io/zone": node.zone,
            "node.alibabacloud.com/nodepool-id": f"np{uid('pool', self.name).replace('-', '')}",
        }
        return labels | ({"node-role.kubernetes.io/master": ""} if master else {})

    def _node_info(self, name: str, kubelet: str, kernel: str) -> dict[str, str]:
        return {
            "architecture": "amd64",
            "bootID": uid("boot", self.name, name),
            "containerRuntimeVersion": self.runtime,
            "kernelVersion": kernel,
            "kubeProxyVersion": kubelet,
            "kubeletVersion": kubelet,
            "machineID": uid("machine", self.name, name).replace("-", ""),
            "operatingSystem": "linux",
            "osImage": "Alibaba Cloud Linux 3 (Soaring Falcon)",
            "systemUUID": uid("system", self.name, name),
        }

    def _node_cidrs(self, given: str | None) -> list[str]:
        if self.plugin != "flannel" or given == "":
            return []
        if given is not None:
            return given.split(",")
        index = len(self.nodes) - 1
        first = ipaddress.ip_network(self.pod_cidr)
        start = int(first.network_address) + index * 2 ** (32 - self.node_mask)
        found = [f"{ipaddress.ip_address(start)}/{self.node_mask}"]
        return found + ([str(ipaddress.ip_network(f"fd00:20:0:{index:x}::/64"))] if self.dual_stack else [])

    def _node_ipv6(self, node: Node) -> str:
        return f"2408:4005:3c5:100::{self.nodes.index(node) + 0x11:x}"

    def _healthy(self, node: Node, age: str) -> None:
        if self.plugin == "flannel":
            node.condition("NetworkUnavailable", "False", "RouteCreated", "RouteController created a route", age)
        for kind, reason, what in (
            ("MemoryPressure", "KubeletHasSufficientMemory", "sufficient memory available"),
            ("DiskPressure", "KubeletHasNoDiskPressure", "no disk pressure"),
            ("PIDPressure", "KubeletHasSufficientPID", "sufficient PID available"),
        ):
            node.condition(kind, "False", reason, f"kubelet has {what}", age)
        node.condition("Ready", "True", "KubeletReady", "kubelet is posting ready status", age)
        if self.plugin == "terway" and at_least(self.terway, 1, 6):
            node.condition("SufficientIP", "True", "SufficientIP", "node has sufficient IP", age, "3m")

    # Agents

    def _system_pod(
        self,
        node: Node,
        set_name: str,
        labels: Mapping[str, str],
        containers: Sequence[Object],
        age: str,
        state: PodState = "running",
        init: Sequence[Object] = (),
        restarts: int = 0,
    ) -> Object:
        return self.pod(
            SYSTEM,
            f"{set_name}-{pod_suffix(self.name, set_name, node.name)}",
            node=node,
            state=state,
            age=age,
            labels=labels,
            owners=[kube.owner("DaemonSet", set_name, self._uid("DaemonSet", SYSTEM, set_name))],
            containers=containers,
            init_containers=init,
            host_network=True,
            restarts=restarts,
        )

    def _terway_agent(self, node: Node, age: str, state: PodState, image: str | None, restarts: int) -> Object:
        name = self.terway_daemon_set
        containers, init = terway_containers(
            acs_image(self.region, "terway", image or self.terway), exclusive=self.exclusive
        )
        return self._system_pod(node, name, {"app": name}, containers, age, state, init, restarts)

    def _flannel_agent(self, node: Node, age: str, state: PodState, image: str | None, restarts: int) -> Object:
        containers, init = flannel_containers(
            acs_image(self.region, "flannel", image or self.flannel), self.flannel_args
        )
        return self._system_pod(node, "kube-flannel-ds", {"app": "flannel"}, containers, age, state, init, restarts)

    def _proxy_pod(self, node: Node, name: str, age: str, state: PodState, image: str | None) -> Object:
        one = kube.container(name, acs_image(self.region, "kube-proxy", image or self.kube_proxy))
        return self._system_pod(node, name, {"k8s-app": name}, [one], age, state)

    # Addresses

    def _node_addresses(self, node: Node) -> list[str]:
        return [node.address] + ([self._node_ipv6(node)] if self.dual_stack else [])

    def _pod_addresses(self, node: Node, eni: Eni | None, pod: Object) -> list[str]:
        if self.plugin == "terway":
            if not node.enis and eni is None:
                self.eni(node, idle=2 if node.instance.addresses > 4 else 0)
            found = eni or next((one for one in node.enis if not one.full), None)
            if found is None:
                raise ValueError(f"{self.name}: no room for another pod on {node.name}")
            return found.hold(pod)
        if not node.object["spec"].get("podCIDR"):
            raise ValueError(f"{self.name}: {node.name} has no podCIDR; give addresses or host_network")
        address = node.next_pod_address()
        if not self.dual_stack:
            return [address]
        cidr = node.object["spec"]["podCIDRs"][1]
        return [address, str(ipaddress.ip_network(cidr)[int(ipaddress.ip_address(address)) % 256 + 2])]

    @property
    def _service_cidrs(self) -> str:
        return f"{self.service_cidr},fd00:10:96::/112" if self.dual_stack else self.service_cidr

    def _uid(self, *parts: str) -> str:
        return uid(self.name, *parts)
