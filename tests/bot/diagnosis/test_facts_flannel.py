"""What Flannel's side of the diagnosis makes of single objects and texts."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from bot.diagnosis.corefile import ClusterZone, cluster_zones, read_corefile
from bot.diagnosis.facts.address_plan import Range, node_share, overlaps, subnets_of
from bot.diagnosis.facts.cloud_controller import route_table_ids
from bot.diagnosis.facts.cluster_domain import is_below
from bot.diagnosis.facts.flannel_config import cni_settings
from bot.diagnosis.facts.flannel_pods import is_applied
from bot.diagnosis.facts.foreign_cni import foreign_plugin_of
from bot.diagnosis.facts.host_ports import HostPortPod, conflicts, host_port_pod_of
from bot.diagnosis.facts.node_readiness import readiness_of
from bot.diagnosis.facts.node_routes import classify_route_failure, obstacles_of_node
from bot.diagnosis.facts.nodes import Node, node_of
from bot.diagnosis.facts.pod_subnets import is_range_of, level_of, subnet_of, usable_addresses
from bot.diagnosis.facts.pod_vswitches import vswitch_ids
from bot.diagnosis.facts.pods import Pod, pod_of
from bot.diagnosis.facts.self_service import leads_back
from bot.diagnosis.json_text import read_json

NOW = dt.datetime(2026, 3, 2, 3, 4, 5, tzinfo=dt.UTC)


def node(*, spec: dict[str, Any] | None = None, status: dict[str, Any] | None = None, **metadata: Any) -> Node:
    given = {"providerID": "cn-hangzhou.i-1", "podCIDR": "172.30.34.128/26"} if spec is None else spec
    return node_of({"metadata": {"name": "n", **metadata}, "spec": given, "status": status or {}}, NOW)


def pod(address: str = "", *, phase: str = "Running", labels: dict[str, str] | None = None, **spec: Any) -> Pod:
    addresses = [{"ip": address}] if address else []
    return pod_of(
        {
            "metadata": {"name": "p", "namespace": "shop", "labels": labels or {}},
            "spec": {"nodeName": "n", **spec},
            "status": {"phase": phase, "podIPs": addresses},
        },
        NOW,
    )


# Address arithmetic


@pytest.mark.parametrize(
    ("cidr", "usable"),
    [
        ("172.30.34.128/26", 61),
        ("10.0.0.0/24", 253),
        ("10.0.0.0/25", 125),
        ("10.0.0.0/27", 29),
        ("10.0.0.0/28", 13),
        ("10.0.0.0/30", 1),
        ("10.0.0.0/31", 0),
        ("fd00::/64", None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_a_subnet_has_addresses_for_all_but_network_gateway_and_broadcast(cidr: str, usable: int | None) -> None:
    assert usable_addresses(cidr) == usable


def test_the_range_an_error_prints_spans_the_gateway_too() -> None:
    assert is_range_of("172.30.34.129", "172.30.34.190", "172.30.34.128/26") is True
    assert is_range_of("172.30.34.129", "172.30.34.190", "172.30.34.192/26") is False
    assert is_range_of("172.30.34.129", "172.30.34.1", "172.30.34.128/26") is False
    assert is_range_of("172.30.34.129", "", "172.30.34.128/26") is None


@pytest.mark.parametrize(
    ("held", "complete", "level"),
    [
        (61, True, "full"),
        (59, True, "full"),
        (59, False, "full"),
        (58, True, "between"),
        (49, True, "between"),
        (48, True, "roomy"),
        (14, True, "roomy"),
        (14, False, "unknown"),
    ],
)
def test_two_short_of_all_is_full_and_four_fifths_is_roomy(held: int, complete: bool, level: str) -> None:
    assert level_of(held, 61, complete=complete) == level


def test_only_live_pods_with_an_address_of_the_subnet_hold_one() -> None:
    here = [
        pod("172.30.34.130"),
        pod("172.30.34.131", phase="Pending"),
        pod("172.30.34.132", phase="Succeeded"),
        pod("172.30.34.133", phase="Failed"),
        pod("172.16.4.9", hostNetwork=True),
        pod("10.9.9.9"),
        pod("", phase="Pending"),
    ]
    found = subnet_of(node(status={"allocatable": {"pods": "64"}}), here, complete=True)
    assert found is not None
    assert (found.held, found.usable, found.level) == (2, 61, "roomy")
    assert found.pods_fit is False


def test_a_node_that_takes_no_more_pods_than_addresses_cannot_run_out_of_them() -> None:
    agents = [pod("172.16.4.9", hostNetwork=True) for _ in range(3)]
    found = subnet_of(node(status={"allocatable": {"pods": "64"}}), agents, complete=True)
    assert found is not None
    assert found.pods_fit is True


def test_a_node_without_an_ipv4_subnet_has_none_to_count() -> None:
    assert subnet_of(node(spec={"podCIDRs": ["fd00::/64"]}), [], complete=True) is None


# Flannel's configuration

LIST = """{
  "name": "cb0",
  "cniVersion": "0.3.1",
  "plugins": [
    {"type": "flannel", "dataDir": "/var/run/cni/flannel",
     "delegate": {"isDefaultGateway": true, "hairpinMode": true},
     "ipam": {"type": "host-local", "dataDir": "/var/run/cni/networks"}},
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}"""


def test_a_list_of_plugins_is_read_by_its_flannel_element() -> None:
    found = cni_settings(read_json(LIST).value)
    assert (found.shape, found.cni_version, found.hairpin, found.promisc) == ("list", "0.3.1", "on", "off")
    assert found.portmap
    assert found.lease_dir == "/var/run/cni/networks"
    assert found.leases_in_memory


def test_a_single_plugin_has_no_portmap_and_leases_on_disk() -> None:
    found = cni_settings({"name": "cb0", "type": "flannel", "delegate": {"isDefaultGateway": True}})
    assert (found.shape, found.cni_version, found.hairpin, found.portmap) == ("single", "", "off", False)
    assert not found.leases_in_memory


def test_a_cni_version_within_an_element_does_not_count() -> None:
    found = cni_settings({"plugins": [{"type": "flannel", "cniVersion": "0.3.1", "delegate": {}}]})
    assert found.cni_version == ""
    assert found.cni_version_in_plugin


@pytest.mark.parametrize(("value", "hairpin"), [(True, "on"), (False, "off"), (None, "off"), ("true", "other")])
def test_a_flag_that_is_no_boolean_is_neither_on_nor_off(value: object, hairpin: str) -> None:
    assert cni_settings({"type": "flannel", "delegate": {"hairpinMode": value}}).hairpin == hairpin


@pytest.mark.parametrize("conf", [None, [], "flannel", {"plugins": "x"}, {"plugins": [{"type": "bridge"}]}])
def test_what_is_no_flannel_configuration_says_nothing(conf: object) -> None:
    assert cni_settings(conf).hairpin == "off"
    assert cni_settings(conf).cni_version == ""


def test_comments_and_trailing_commas_are_understood_but_reported() -> None:
    text = LIST.replace('"cniVersion": "0.3.1",', '"cniVersion": "0.3.1", # since 1.16').replace(
        '"hairpinMode": true}', '"hairpinMode": true,}'
    )
    read = read_json(text)
    assert not read.valid
    assert "line 3" in read.error
    assert cni_settings(read.value).hairpin == "on"


def test_what_looks_like_a_comment_within_a_string_stays() -> None:
    assert read_json('{"a": "http://x/#y",}').value == {"a": "http://x/#y"}


@pytest.mark.parametrize(
    ("started", "changed", "applied"),
    [(10, 20, "yes"), (20, 10, "no"), (10, 10, "no"), (None, 10, "unknown"), (10, None, "unknown")],
)
def test_a_change_is_applied_by_what_started_after_it(started: int | None, changed: int | None, applied: str) -> None:
    assert is_applied(started, changed) == applied


# Readiness

CNI_MESSAGE = "NetworkReady=false reason:NetworkPluginNotReady message:docker: network plugin is not ready: {}"


@pytest.mark.parametrize(
    ("status", "message", "state"),
    [
        ("True", "kubelet is posting ready status", "ready"),
        ("False", CNI_MESSAGE.format("cni config uninitialized"), "cni"),
        ("False", CNI_MESSAGE.format("something new"), "unknown"),
        ("False", "PLEG is not healthy", "other"),
        ("False", "", "unknown"),
        ("Unknown", "Kubelet stopped posting node status.", "silent"),
    ],
)
def test_readiness_blames_the_plugin_only_in_its_own_words(status: str, message: str, state: str) -> None:
    condition = {"type": "Ready", "status": status, "reason": "x", "message": message}
    assert readiness_of(node(status={"conditions": [condition]})).state == state


def test_a_node_without_the_condition_is_not_known_to_be_ready() -> None:
    assert readiness_of(node()).state == "unknown"


# Routes


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Reconciling route error: multiple route tables found by vpc id[vpc-1], length(tables)=2", "tables"),
        ("errCode: QuotaExceeded.RouteEntry, msg: x", "quota"),
        ("The maximum number of route entries is exceeded.", "quota"),
        ("errCode: Throttling.User, msg: rate limit exceeded", "throttled"),
        ("errCode: Forbidden.RAM, msg: User not authorized to operate", "forbidden"),
        ("Forbidden", "forbidden"),
        ("InvalidCIDRBlock.Duplicate: the route entry already exists", "conflict"),
        ("connection reset by peer", "other"),
    ],
)
def test_a_failed_route_is_told_by_its_text(message: str, kind: str) -> None:
    assert classify_route_failure(message) == kind


@pytest.mark.parametrize(
    ("metadata", "spec", "kind"),
    [
        ({"labels": {"service.beta.kubernetes.io/exclude-node": "true"}}, {}, "excluded"),
        ({}, {"providerID": "ack-hybrid://x", "podCIDR": "10.0.0.0/26"}, "excluded"),
        (
            {"deletionTimestamp": "2026-03-02T03:00:00Z"},
            {"providerID": "r.i", "podCIDR": "10.0.0.0/26"},
            "node_deleting",
        ),
        ({}, {"podCIDR": "10.0.0.0/26"}, "not_initialized"),
        ({}, {"providerID": "r.i"}, "no_pod_cidr"),
        ({}, {"providerID": "r.i", "podCIDRs": ["fd00::/64"]}, "no_pod_cidr"),
    ],
)
def test_a_node_shows_why_it_gets_no_route(metadata: dict[str, Any], spec: dict[str, Any], kind: str) -> None:
    found = obstacles_of_node(node(spec=spec, **metadata))
    assert next(name for name, (holds, _) in found.items() if holds) == kind


def test_what_an_incomplete_object_lacks_is_no_obstacle() -> None:
    partial = node(spec={}, annotations={"acknet.io/partial": "table"})
    assert not any(holds for holds, _ in obstacles_of_node(partial).values())


@pytest.mark.parametrize(
    ("conf", "tables"),
    [
        ('{"Global": {"routeTableIDs": "vtb-a, vtb-b", "accessKeySecret": "s"}}', ("vtb-a", "vtb-b")),
        ("Global:\n  routeTableIDs: vtb-a\n", ("vtb-a",)),
        ('{"Global": {"routeTableIDs": ""}}', ()),
        ('{"Global": {}}', ()),
        ("Global", None),
        ("{", None),
        ("", None),
    ],
)
def test_of_a_cloud_config_only_the_tables_are_taken(conf: str, tables: tuple[str, ...] | None) -> None:
    assert route_table_ids(conf) == tables


# Corefile


def zones(corefile: str) -> list[ClusterZone]:
    blocks = read_corefile(corefile)
    assert blocks is not None
    return list(cluster_zones(blocks))


def kubernetes(line: str, *options: str, key: str = ".:53") -> str:
    inner = "".join(f"        {option}\n" for option in options)
    return f"{key} {{\n    errors\n    {line} {{\n{inner}    }}\n    forward . /etc/resolv.conf\n}}\n"


def test_reverse_zones_are_not_the_cluster_domain() -> None:
    line = "kubernetes Corp.Example.com. in-addr.arpa ip6.arpa 10.0.0.0/8"
    assert zones(kubernetes(line, "fallthrough in-addr.arpa ip6.arpa")) == [ClusterZone("corp.example.com", False)]


@pytest.mark.parametrize(
    ("option", "passes"),
    [
        ("fallthrough", True),
        ("fallthrough in-addr.arpa", False),
        ("fallthrough corp.example.com", True),
        ("fallthrough example.com.", True),
        ("# fallthrough", False),
        ("ttl 30", False),
    ],
)
def test_names_are_passed_on_where_fallthrough_covers_the_domain(option: str, passes: bool) -> None:
    assert zones(kubernetes("kubernetes corp.example.com", option)) == [ClusterZone("corp.example.com", passes)]


def test_without_zones_the_server_block_names_the_domain() -> None:
    assert zones(kubernetes("kubernetes", "ttl 30", key="dns://corp.internal:5353")) == [
        ClusterZone("corp.internal", False)
    ]


def test_server_blocks_snippets_and_imports_are_told_apart() -> None:
    text = (
        "import custom/*.server\n(extra) {\n    log\n}\n"
        "a.corp.internal, b.corp.internal:53 {\n    forward . 10.0.0.2\n}\n" + kubernetes("kubernetes corp.internal")
    )
    blocks = read_corefile(text)
    assert blocks is not None
    assert [block.zones for block in blocks if not block.is_snippet] == [
        (),
        ("a.corp.internal", "b.corp.internal"),
        ("",),
    ]
    assert [plugin.args for block in blocks for plugin in block.named("import")] == [("custom/*.server",)]


@pytest.mark.parametrize("text", [".:53 {\n    errors\n", ".:53 {\n    kubernetes a {\n}\n", "errors\n"])
def test_a_corefile_whose_braces_do_not_match_is_not_read(text: str) -> None:
    assert read_corefile(text) is None


def test_a_name_is_below_a_domain_label_by_label() -> None:
    assert is_below("Git.MyCompany.com.", "mycompany.com")
    assert not is_below("notmycompany.com", "mycompany.com")
    assert not is_below("mycompany.com", "mycompany.com")


# Ranges


def of(kind: Any, cidr: str) -> Range:
    return Range(object=kind, field="f", value=cidr, kubectl="k", kind=kind, cidr=cidr)


def test_nodes_within_the_service_range_overlap_with_either_plugin() -> None:
    ranges = [of("node", "172.16.4.9/32"), of("service", "172.16.0.0/16")]
    assert len(overlaps(ranges, pods_apart=False)) == 2


def test_nodes_and_pods_may_share_a_range_on_terway_only() -> None:
    ranges = [of("node", "10.1.0.5/32"), of("pod", "10.1.0.0/19"), of("service", "172.21.0.0/20")]
    assert overlaps(ranges, pods_apart=False) == []
    assert overlaps(ranges, pods_apart=True)


def test_families_do_not_overlap() -> None:
    assert overlaps([of("pod", "10.0.0.0/8"), of("service", "fd00::/112")], pods_apart=True) == []


def test_a_pod_range_has_a_power_of_two_of_node_shares() -> None:
    assert subnets_of("172.20.0.0/16", "172.20.0.0/26") == 1024
    assert subnets_of("172.20.0.0/26", "172.20.0.0/16") is None
    assert subnets_of("", "172.20.0.0/16") is None
    assert node_share(["fd00::/64", "172.20.0.0/26"]) == "172.20.0.0/26"


# Other plugins, host ports, Services


def daemon_set(name: str, image: str, namespace: str = "net") -> dict[str, Any]:
    spec = {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}
    return {"metadata": {"name": name, "namespace": namespace}, "spec": spec}


@pytest.mark.parametrize(
    ("name", "image", "role"),
    [
        ("calico-node", "x/y:1", "replacing"),
        ("agent", "registry:5000/mirror/calico/node:v3@sha256:00", "replacing"),
        ("agent", "quay.io/cilium/cilium:v1.15", "replacing"),
        ("kube-multus-ds", "ghcr.io/x/multus-cni:v4", "chained"),
        ("istio-cni-node", "istio/install-cni:1.22", "chained"),
        ("terway-eniip", "acs/terway:v1.9.9", None),
        ("kube-flannel-ds", "acs/flannel:v0.15.1.22", None),
        ("node-exporter", "prom/node-exporter:v1", None),
        ("ciliumfluentd", "logs/cilium-exporter:v1", None),
    ],
)
def test_another_plugin_is_told_by_name_or_image(name: str, image: str, role: str | None) -> None:
    found = foreign_plugin_of(daemon_set(name, image))
    assert (found.role if found else None) == role


def ported(name: str, **port: Any) -> HostPortPod | None:
    containers = [{"name": "c", "ports": [{"containerPort": 1, **port}]}]
    network = port.pop("hostNetwork", False)
    found = {
        "metadata": {"name": name, "namespace": "ops"},
        "spec": {"nodeName": "n", "containers": containers, "hostNetwork": network},
    }
    return host_port_pod_of(found, 60)


def test_mirrored_ports_of_the_node_network_are_no_host_ports() -> None:
    assert ported("a", hostPort=80, hostNetwork=True) is None
    assert ported("a") is None
    assert ported("a", hostPort=80) is not None


@pytest.mark.parametrize(
    ("other", "clash"),
    [
        ({"hostPort": 80}, True),
        ({"hostPort": 80, "hostIP": "10.0.0.1"}, True),
        ({"hostPort": 80, "protocol": "UDP"}, False),
        ({"hostPort": 81}, False),
    ],
)
def test_ports_conflict_by_number_protocol_and_address(other: dict[str, Any], clash: bool) -> None:
    pods = [one for one in (ported("a", hostPort=80), ported("b", **other)) if one]
    assert bool(conflicts(pods)) is clash


@pytest.mark.parametrize(
    ("spec", "answer"),
    [
        ({"clusterIP": "10.96.0.9", "selector": {"app": "api"}}, "yes"),
        ({"clusterIP": "None", "selector": {"app": "api"}}, "headless"),
        ({"clusterIP": "10.96.0.9", "selector": {"app": "api", "tier": "db"}}, "other_pods"),
        ({"clusterIP": "10.96.0.9"}, "no_selector"),
        ({"type": "ExternalName", "selector": {"app": "api"}}, "other_pods"),
    ],
)
def test_a_service_leads_back_by_its_selector_unless_headless(spec: dict[str, Any], answer: str) -> None:
    caller = pod("172.20.0.3", labels={"app": "api", "version": "2"})
    assert leads_back({"metadata": {"name": "s"}, "spec": spec}, caller) == answer


def test_vswitches_are_listed_by_zone_or_plainly() -> None:
    assert vswitch_ids({"h": ["vsw-a", "vsw-b"], "i": ["vsw-c"]}) == ["vsw-a", "vsw-b", "vsw-c"]
    assert vswitch_ids(["vsw-a", 3]) == ["vsw-a"]
    assert vswitch_ids("vsw-a") == []
