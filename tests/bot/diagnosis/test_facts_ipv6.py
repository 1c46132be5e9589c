"""What is concluded from the address families of Services and pods, from PodIPv6GWs and NetworkPolicies."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from bot.diagnosis.facts.ipv6_gateway import ipv6_gateway_of
from bot.diagnosis.facts.ipv6_policies import reach, selects
from bot.diagnosis.facts.pod_families import families_of
from bot.diagnosis.facts.pods import Pod, pod_of
from bot.diagnosis.facts.service_families import is_ipv6, service_family_of

NOW = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)


def pod(*ips: str, labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None) -> Pod:
    return pod_of(
        {
            "metadata": {
                "name": "web-0",
                "namespace": "shop",
                "labels": {"app": "web", "tier": "front"} if labels is None else labels,
                "annotations": annotations or {},
            },
            "spec": {"nodeName": "n1"},
            "status": {"phase": "Running", "podIPs": [{"ip": ip} for ip in ips]},
        },
        NOW,
    )


def service(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "web", "namespace": "shop"}, "spec": spec}


def policy(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p", "namespace": "shop"}, "spec": {"podSelector": {}} | spec}


def block(cidr: str) -> dict[str, Any]:
    return {"ipBlock": {"cidr": cidr}}


@pytest.mark.parametrize(
    ("address", "family"),
    [
        ("10.0.0.1", False),
        ("fd00::1", True),
        ("::ffff:10.0.0.1", True),
        ("None", None),
        ("", None),
        ("10.0.0.1/8", None),
    ],
)
def test_a_family_is_told_by_the_address_itself(address: str, family: bool | None) -> None:
    assert is_ipv6(address) is family


def test_a_service_of_two_families_is_read_whichever_comes_first() -> None:
    found = service_family_of(service(clusterIPs=["fd00::9", "10.96.0.9"], ipFamilyPolicy="RequireDualStack"))
    assert found.has_ipv4
    assert found.has_ipv6


def test_the_old_single_field_counts_where_the_list_is_missing() -> None:
    found = service_family_of(service(clusterIP="10.96.0.9"))
    assert found.cluster_ips == ("10.96.0.9",)
    assert found.policy == ""


def test_a_headless_service_has_no_cluster_ip() -> None:
    found = service_family_of(service(clusterIP="None", clusterIPs=["None"], ipFamilyPolicy="RequireDualStack"))
    assert found.headless
    assert found.cluster_ips == ()


def test_an_external_name_is_no_headless_service() -> None:
    found = service_family_of(service(type="ExternalName", externalName="db.example.com"))
    assert found.external_name
    assert not found.headless


@pytest.mark.parametrize("broken", [None, [], 5, ["x", None], [["10.0.0.1"]]])
def test_cluster_ips_that_are_none_are_left_out(broken: Any) -> None:
    assert service_family_of(service(clusterIPs=broken)).cluster_ips == ()


def test_addresses_are_shown_with_the_command_that_shows_them() -> None:
    seen = families_of(pod("10.1.0.10", "2408::a"))
    assert seen.value == "10.1.0.10, 2408::a"
    assert "podIPs" in seen.kubectl


def test_bandwidth_is_there_once_it_has_an_id() -> None:
    asked = pod("10.1.0.10", "2408::a", annotations={"k8s.aliyun.com/ipv6-bandwidth": "10"})
    waiting = ipv6_gateway_of(asked, {"spec": {"bandwidth": "10"}, "status": {}})
    assert waiting.bandwidth == ()
    assert waiting.asked
    given = ipv6_gateway_of(asked, {"spec": {"bandwidth": "10"}, "status": {"ipv6InternetBandwidthID": "ipv6bw-1"}})
    assert given.bandwidth
    assert given.outbound
    assert not given.egress_only


@pytest.mark.parametrize(
    ("annotation", "resource", "only"),
    [
        ("true", None, True),
        ("false", None, False),
        (None, {"spec": {"egressOnlyRule": True}}, True),
        (None, {"spec": {"egressOnlyRule": False}}, False),
        (None, {"status": {"ipv6EgressOnlyRuleID": "ipv6py-1"}}, True),
        (None, None, False),
    ],
)
def test_an_egress_only_rule_is_told_by_annotation_or_resource(
    annotation: str | None, resource: dict[str, Any] | None, only: bool
) -> None:
    annotations = {"k8s.aliyun.com/ipv6-egress-only": annotation} if annotation else {}
    assert bool(ipv6_gateway_of(pod("2408::a", annotations=annotations), resource).egress_only) is only


@pytest.mark.parametrize(
    ("selector", "chosen"),
    [
        ({}, True),
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "api"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "api"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, False),
        ({"matchExpressions": [{"key": "canary", "operator": "NotIn", "values": ["yes"]}]}, True),
        ({"matchExpressions": [{"key": "tier", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}, False),
        ({"matchExpressions": [{"key": "tier", "operator": "Like"}]}, False),
    ],
)
def test_a_policy_selects_pods_as_kubernetes_does(selector: dict[str, Any], chosen: bool) -> None:
    assert selects(policy(podSelector=selector), pod("10.1.0.10")) is chosen


def test_a_policy_of_another_namespace_selects_nothing_here() -> None:
    other = {"metadata": {"name": "p", "namespace": "bank"}, "spec": {"podSelector": {}}}
    assert not selects(other, pod("10.1.0.10"))


@pytest.mark.parametrize(
    ("rules", "left"),
    [
        ([], "none"),
        ([{"from": [block("10.0.0.0/8")]}], "ipv4"),
        ([{"from": [block("10.0.0.0/8"), block("fd00::/8")]}], "ipv6"),
        ([{"from": [block("10.0.0.0/8")]}, {"from": [{"podSelector": {}}]}], "pods"),
        ([{"from": [block("10.0.0.0/8")]}, {"ports": [{"port": 80}]}], "all"),
        ([{}], "all"),
    ],
)
def test_what_ingress_leaves_open_is_the_union_of_its_rules(rules: list[dict[str, Any]], left: str) -> None:
    assert reach([policy(ingress=rules, policyTypes=["Ingress"])], "ingress") == left


@pytest.mark.parametrize(
    ("rules", "left"),
    [
        ([{"to": [block("0.0.0.0/0")]}], "ipv4"),
        ([{"to": [block("0.0.0.0/0"), block("::/0")]}], "ipv6"),
        ([{"to": [block("0.0.0.0/0"), block("fd00::/8")]}], "pods"),
        ([{"to": [block("2606:4700::/32")]}], "ipv6"),
        ([{"to": [block("not a range")]}], "all"),
        ([{"to": [{"namespaceSelector": {}}]}], "pods"),
    ],
)
def test_any_ipv4_address_is_no_ipv6_range(rules: list[dict[str, Any]], left: str) -> None:
    assert reach([policy(egress=rules, policyTypes=["Egress"])], "egress") == left


def test_policies_add_to_each_other() -> None:
    narrow = policy(egress=[{"to": [block("0.0.0.0/0")]}], policyTypes=["Egress"])
    wide = policy(egress=[{"to": [block("::/0")]}], policyTypes=["Egress"])
    assert reach([narrow, wide], "egress") == "ipv6"


def test_a_policy_without_types_isolates_ingress_and_what_it_has_rules_for() -> None:
    assert reach([policy(ingress=[])], "ingress") == "none"
    assert reach([policy(ingress=[])], "egress") is None
    assert reach([policy(egress=[{"to": [block("0.0.0.0/0")]}])], "egress") == "ipv4"


def test_no_policy_isolates_nobody() -> None:
    assert reach([], "egress") is None
    assert reach([policy(ingress=[], policyTypes=["Ingress"])], "egress") is None
