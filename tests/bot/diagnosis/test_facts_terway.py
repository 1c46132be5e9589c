"""What Terway's side of the diagnosis makes of single objects, texts and situations."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from bot.diagnosis.facts.address_failures import AddressFailure, failures_in_log, of_pods, superseded
from bot.diagnosis.facts.address_origins import long_used, origin_of
from bot.diagnosis.facts.address_survey import AddressSurvey, NodeSituation
from bot.diagnosis.facts.agents import Agent
from bot.diagnosis.facts.datapaths import DataPath, data_path_of
from bot.diagnosis.facts.dedicated_vswitches import failed_step, wanted_config
from bot.diagnosis.facts.eni_config import EniConfig, eni_config_of
from bot.diagnosis.facts.eni_modes import EniMode, mode_of
from bot.diagnosis.facts.eni_quota import quota_of
from bot.diagnosis.facts.events import event_of
from bot.diagnosis.facts.in_cluster_loadbalance import concerns_service
from bot.diagnosis.facts.missing_devices import lasts
from bot.diagnosis.facts.node_configs import NodeConfig, own_config_of, vswitches_of
from bot.diagnosis.facts.nodes import Node, node_of
from bot.diagnosis.facts.partial import Partial
from bot.diagnosis.facts.pods import Pod, Pods, pod_of, seconds_since
from bot.diagnosis.facts.registry import Facts, Scope
from bot.diagnosis.facts.sandbox import Failure, classify
from bot.diagnosis.facts.terway_capacity import capacity_of
from bot.diagnosis.facts.terway_nodes import TerwayNode, terway_node_of
from bot.diagnosis.facts.terway_start_logs import StartSign, signs_in
from bot.diagnosis.facts.vswitch_shortage import shortage_of
from bot.diagnosis.reads import Reads

NOW = dt.datetime(2026, 3, 2, 3, 4, 5, tzinfo=dt.UTC)
ZONE = "cn-hangzhou-h"


def ago(seconds: int) -> str:
    return (NOW - dt.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def age(when: dt.datetime | None) -> int | None:
    return seconds_since(when, NOW)


# ConfigMap eni-config


def config_map(*, changed: int | None = 3600, owners: dict[str, int] | None = None, **data: Any) -> dict[str, Any]:
    """Return eni-config; JSON bodies may be given as dicts, ``owners``: key → seconds since its manager wrote it."""
    texts = {key.replace("_conf_list", ".conflist"): value for key, value in data.items()}
    bodies = {key: value if isinstance(value, str) else json.dumps(value) for key, value in texts.items()}
    fields = [{"time": ago(since), "fieldsV1": {"f:data": {f"f:{key}": {}}}} for key, since in (owners or {}).items()]
    fields += [{"time": ago(changed)}] if changed is not None else []
    return {"metadata": {"name": "eni-config", "managedFields": fields}, "data": bodies}


def eni(found: dict[str, Any] | None) -> EniConfig:
    return eni_config_of(found, age)


def chained(**settings: Any) -> dict[str, Any]:
    found = config_map(eni_conf={})
    found["data"]["10-terway.conf"] = json.dumps({"type": "terway", **settings})
    return found


def test_credentials_are_never_kept() -> None:
    found = eni(config_map(eni_conf={"access_key": "LTAIsecret", "access_secret": "secret", "version": "1"}))
    assert "secret" not in found.model_dump_json()
    assert found.settings == {"version": "1"}


@pytest.mark.parametrize(
    ("flag", "off"), [(None, False), ("", False), ("false", False), ("0", False), ("true", True), ("False", True)]
)
def test_the_policy_switch_goes_by_its_exact_text(flag: str | None, *, off: bool) -> None:
    found = eni(config_map(eni_conf={}, **({"disable_network_policy": flag} if flag is not None else {})))
    assert bool(found.policy_off) is off
    assert bool(found.policy_on) is not off


def test_a_switch_inside_eni_conf_is_found_and_ignored() -> None:
    found = eni(config_map(eni_conf={"disable_network_policy": True, "in_cluster_loadbalance": "true"}))
    assert not found.policy_off
    assert [one.text for one in found.policy_ignored] == ["true"]
    assert found.honoured("in_cluster_loadbalance") is None
    assert [one.place for one in found.ignored("in_cluster_loadbalance")] == ["eni_conf"]


def test_a_conflist_replaces_the_single_configuration() -> None:
    found = chained(eniip_virtual_type="IPVlan")
    found["data"]["10-terway.conflist"] = json.dumps(
        {"plugins": [{"type": "portmap"}, {"type": "terway", "eniip_virtual_type": "DataPathV2"}]}
    )
    assert eni(found).virtual_type == "datapathv2"
    assert eni(found).chain_plugins == ("portmap", "terway")


def test_the_data_path_within_eni_conf_is_not_the_one_asked_for() -> None:
    found = eni(config_map(eni_conf={"eniip_virtual_type": "datapathv2"}))
    assert found.virtual_type == ""
    assert found.ignored("eniip_virtual_type")


def test_what_terway_cannot_read_is_told_with_what_is_meant() -> None:
    found = eni(config_map(eni_conf='{"ipam_type": "crd", // centralised\n}'))
    assert found.central
    assert [one.field for one in found.invalid] == ["data.eni_conf"]


def test_a_switch_is_as_young_as_the_last_change_by_its_own_manager() -> None:
    found = eni(config_map(changed=60, owners={"disable_network_policy": 9000}, disable_network_policy="true"))
    assert found.changed_s == 60
    assert found.policy_off[0].changed_s == 9000


def test_without_managed_fields_the_age_of_a_change_is_not_known() -> None:
    found = eni(config_map(changed=None, disable_network_policy="true"))
    assert found.changed_s is None
    assert found.policy_off[0].changed_s is None


@pytest.mark.parametrize("data", [None, [], "x", {"eni_conf": 7}, {"eni_conf": "[]", "10-terway.conf": "[1]"}])
def test_a_strange_config_map_is_read_without_complaint(data: Any) -> None:
    found = eni({"metadata": {"managedFields": "?"}, "data": data})
    assert found.present
    assert found.settings == {}


def test_no_config_map_says_nothing_of_policies() -> None:
    found = eni(None)
    assert not found.present
    assert not found.policy_on


def test_vswitches_are_those_of_the_zone() -> None:
    settings = {"vswitches": {ZONE: ["vsw-1", 7], "other": []}}
    assert vswitches_of(settings, ZONE) == ("vsw-1",)
    assert vswitches_of(settings, "other") == ()
    assert vswitches_of(settings, "unknown") is None


def own(text: str | None) -> dict[str, Any]:
    return {"metadata": {"name": "pool"}, "data": {"eni_conf": text} if text is not None else {}}


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (None, "missing"),
        (own(None), "no_eni_conf"),
        (own("{"), "invalid"),
        (own('{"vswitches": {},}'), "invalid"),
        (own("{}"), "given"),
    ],
)
def test_a_nodes_own_config_map_may_lack_everything(found: dict[str, Any] | None, state: str) -> None:
    assert own_config_of("pool", found, None).state == state


def test_placeholders_of_documentation_are_found_anywhere_in_the_settings() -> None:
    found = own_config_of("pool", own('{"vswitches": {"z": ["vsw-2ze****"]}, "security_groups": ["sg-1"]}'), None)
    assert found.placeholders == ("vsw-2ze****",)


# Modes, data paths, start logs


@pytest.mark.parametrize(
    ("label", "version", "shared_set", "exclusive_set", "mode"),
    [
        ("", (1, 14, 3), True, False, "shared"),
        ("eniOnly", (1, 11, 0), True, False, "exclusive"),
        ("ENIONLY", (1, 14), True, False, "exclusive"),
        ("eniOnly", (1, 10, 9), True, False, "shared"),
        ("eniOnly", None, True, False, None),
        ("other", None, True, False, "shared"),
        ("", (1, 5, 6), False, True, "exclusive"),
        ("", (1, 5, 6), True, True, None),
    ],
)
def test_the_mode_of_a_node_follows_label_version_and_daemon_sets(
    label: str, version: tuple[int, ...] | None, *, shared_set: bool, exclusive_set: bool, mode: str | None
) -> None:
    assert mode_of(label, version, shared_set=shared_set, exclusive_set=exclusive_set) == mode


@pytest.mark.parametrize(
    ("log", "container", "kinds"),
    [
        ('level=info msg="datapathv2 enabled"', "terway-init", ["datapathv2"]),
        ("datapath is already v2", "terway-init", ["datapathv2"]),
        ("keep ipvlan mode true", "terway-init", ["ipvlan"]),
        ("exclusive eni mode changed", "terway-init", ["mode_changed"]),
        ("unsupport kernel version, require >=5.10", "terway-init", ["kernel_too_old"]),
        ("using cilium as network routing & policy\n  --datapath-mode='veth'", "policy", ["datapathv2", "accelerated"]),
        ("--datapath-mode=ipvlan", "policy", ["ipvlan"]),
        ("enable ebpf provider, run cilium\n--datapath-mode=veth", "policy", ["veth"]),
        ("--enable-in-cluster-loadbalance='true'", "policy", ["loadbalance_on"]),
        ("--enable-in-cluster-loadbalance=false", "policy", []),
        ("datapathv2 enabled", "policy", []),
    ],
)
def test_starting_containers_tell_the_data_path(log: str, container: str, kinds: list[str]) -> None:
    assert [kind for kind, _ in signs_in(log, container)] == kinds


def kube_node(**more: Any) -> Node:
    status = {"nodeInfo": {"kernelVersion": more.pop("kernel", "5.10.134-16.al8.x86_64")}, **more.pop("status", {})}
    labels = {"topology.kubernetes.io/zone": ZONE, **more.pop("labels", {})}
    metadata = {"name": "n", "creationTimestamp": ago(90 * 86400), "labels": labels}
    return node_of({"metadata": metadata, "spec": {}, "status": status}, NOW)


def path(*, config: EniConfig | None = None, version: tuple[int, ...] = (1, 12), **more: Any) -> DataPath:
    told: dict[str, Any] = {"mode": None, "reported": None, "logged": None, "accelerated_log": None} | more
    kernel = told.pop("kernel", "5.10.1")
    return data_path_of(kube_node(kernel=kernel), config=config, version=version, **told)


def sign(kind: str, container: str = "terway-init") -> StartSign:
    shown = {"object": "Pod kube-system/t", "field": "log", "value": kind, "kubectl": "kubectl logs t"}
    return StartSign.model_validate({**shown, "node": "n", "pod": "t", "container": container, "kind": kind})


def reported_path(kind: str) -> TerwayNode:
    return terway_node_of({"metadata": {"name": "n"}, "spec": {"datapath": {"type": kind}}}, NOW)


def test_what_the_node_reports_beats_logs_and_settings() -> None:
    found = path(
        reported=reported_path("DataPathV2"), logged=sign("ipvlan"), config=eni(chained(eniip_virtual_type="Veth"))
    )
    assert (found.active, found.asked, found.accelerated) == ("datapathv2", "veth", True)


def test_logs_beat_settings() -> None:
    found = path(logged=sign("ipvlan"), config=eni(chained(eniip_virtual_type="datapathv2")))
    assert found.active == "ipvlan"


def test_settings_alone_prove_nothing() -> None:
    found = path(config=eni(chained(eniip_virtual_type="datapathv2")))
    assert (found.active, found.asked, found.accelerated) == (None, "datapathv2", None)


def test_an_accelerating_cilium_proves_what_is_asked_for() -> None:
    found = path(accelerated_log=sign("accelerated", "policy"), config=eni(chained(eniip_virtual_type="IPVlan")))
    assert found.active == "ipvlan"


def test_an_exclusive_node_has_no_acceleration() -> None:
    mode = EniMode(
        object="Node n",
        field="metadata.labels",
        value="exclusive",
        kubectl="kubectl get node n",
        node="n",
        pool="",
        mode="exclusive",
        label="eniOnly",
        label_ignored=False,
        unmanaged=False,
    )
    assert path(mode=mode, config=eni(chained(eniip_virtual_type="datapathv2"))).accelerated is False


def test_an_old_kernel_has_no_acceleration() -> None:
    assert path(kernel="3.10.0-1160", config=eni(chained(eniip_virtual_type="IPVlan"))).active == "veth"


def test_a_node_may_run_something_else_than_is_configured() -> None:
    raised = path(config=eni(chained(network_policy_provider="ebpf")))
    assert (raised.may_differ, raised.plain_as_set) == ("ebpf_policy", False)
    assert path(config=eni(chained(eniip_virtual_type="IPVlan")), version=(1, 13, 2)).may_differ == "ipvlan_ends"
    assert path(config=eni(chained(eniip_virtual_type="IPVlan")), version=(1, 11, 5)).may_differ == ""
    assert path(config=eni(chained(network_policy_provider="iptables"))).plain_as_set


# Terway's Node resource


def interface(vswitch: str = "vsw-a", *, pods: int = 0, idle: int = 0, **more: Any) -> dict[str, Any]:
    entries = {
        f"10.1.{len(vswitch)}.{index + 10}": {"status": "Valid", "podID": f"a/p-{index}"} for index in range(pods)
    }
    entries |= {f"10.2.{len(vswitch)}.{index + 10}": {"status": "Valid"} for index in range(idle)}
    found = {"vSwitchID": vswitch, "status": "InUse", "networkInterfaceType": "Secondary", "ipv4": entries}
    return found | {"macAddress": "00:16:3E:AA:BB:CC", "ipv4CIDR": "10.1.0.0/16"} | more


def report(
    *interfaces: dict[str, Any], options: tuple[str, ...] = ("vsw-a",), slots: int | None = 3, **spec: Any
) -> TerwayNode:
    flavor = {"flavor": [{"networkInterfaceType": "Secondary", "count": slots}]} if slots is not None else {}
    cap = {"adapters": 4, "totalAdapters": 4, "ipv4PerAdapter": 10}
    body = {"nodeCap": cap, "eni": {"vSwitchOptions": list(options)}, **flavor, **spec}
    status = {"networkInterfaces": {f"eni-{index}": one for index, one in enumerate(interfaces)}}
    return terway_node_of({"metadata": {"name": "n"}, "spec": body, "status": status}, NOW)


def test_a_resource_is_usable_only_with_settings_and_interfaces() -> None:
    assert report(interface(pods=1)).usable
    starting = report()
    assert (starting.usable, starting.starting, starting.free_slots) == (False, True, None)
    legacy = terway_node_of({"metadata": {"name": "n"}, "spec": {"nodeCap": {"adapters": 4}}}, NOW)
    assert (legacy.usable, legacy.starting, legacy.free_slots, legacy.adapters) == (False, False, None, 4)


def test_slots_count_all_but_primary_interfaces_and_those_being_deleted() -> None:
    found = report(
        interface(pods=1),
        interface(status="Deleting"),
        interface(status="Attaching"),
        interface(networkInterfaceType="Primary"),
    )
    assert (found.used_slots, found.free_slots) == (2, 1)
    assert report(interface(pods=1), slots=None).free_slots is None


@pytest.mark.parametrize(
    ("more", "idle"),
    [
        ({}, 2),
        ({"status": "Attaching"}, 0),
        ({"unschedulable": True}, 0),
        ({"ipv4": {"10.1.0.5": {"status": "Deleting"}, "10.1.0.6": {"status": "Valid", "podID": "a/b"}}}, 0),
    ],
)
def test_idle_are_valid_addresses_of_no_pod_on_interfaces_in_use(more: dict[str, Any], idle: int) -> None:
    assert report(interface(pods=1, idle=2, **more)).enis[0].idle == idle


def test_an_interface_is_full_by_addresses_and_prefixes() -> None:
    assert report(interface(pods=10)).enis[0].full
    assert not report(interface(pods=9)).enis[0].full
    assert report(interface(pods=9, ipv4Prefix=[{"prefix": "10.9.0.0/28"}])).enis[0].full


def test_a_pod_is_found_by_any_spelling_of_its_address() -> None:
    entry = {"2408:4005:3c5::0001": {"status": "Valid", "podID": "a/b"}}
    found = report(interface(ipv4={}, ipv6=entry))
    assert found.eni_of("x/y", ("2408:4005:03c5::1",)) is found.enis[0]
    assert found.eni_of("a/b", ()) is found.enis[0]
    assert found.eni_of("x/y", ("10.0.0.1", "not an address")) is None


def test_conditions_of_interfaces_tell_their_age() -> None:
    condition = {"InsufficientIP": {"message": "vsw-a ip is not enough", "observedTime": ago(120)}}
    found = report(interface(conditions=condition)).enis[0].condition("InsufficientIP")
    assert found is not None
    assert (found.age_s, found.message) == (120, "vsw-a ip is not enough")


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"spec": [], "status": {"networkInterfaces": []}},
        {"spec": {"eni": {"vSwitchOptions": "x"}, "flavor": ["x"]}, "status": {"networkInterfaces": {"e": "x"}}},
        {"spec": {"eni": {}}, "status": {"networkInterfaces": {"e": {"ipv4": [], "conditions": [], "ipv6": {"x": 1}}}}},
    ],
)
def test_a_strange_resource_is_read_without_complaint(found: dict[str, Any]) -> None:
    assert terway_node_of(found, NOW).free_slots is None


@pytest.mark.parametrize(
    ("arguments", "pods"),
    [
        ((4, 10, "shared"), 30),
        ((4, 10, None), 30),
        ((4, 10, "exclusive"), 3),
        ((1, 10, "shared"), 0),
        ((0, 0, "exclusive"), 0),
    ],
)
def test_the_primary_interface_serves_no_pods(arguments: tuple[int, int, Any], pods: int) -> None:
    assert capacity_of(*arguments) == pods


def test_prefixes_hold_sixteen_addresses_each() -> None:
    assert capacity_of(4, 10, "shared", prefixes=True, total=5) == 9 * 16 * 4


# Failures


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("errCode: InvalidVSwitchId.IpNotEnough, msg: …", "vswitch_exhausted"),
        ("Status Code: 403 Code: InvalidVSwitchID.IPNotEnough Message: …", "vswitch_exhausted"),
        ("allocate IP timeout: eni-1 InsufficientIP: vsw-1 ip is not enough", "vswitch_exhausted"),
        ("no available vSwitch for zone cn-hangzhou-h, vswList [vsw-1]", "vswitch_exhausted"),
        ("PodCreateError: can not found available vSwitch for zone h", "vswitch_exhausted"),
        ("eni alloc inhibit", "vswitch_exhausted"),
        ("QuotaExceeded.PrivateIpAddress", "address_quota"),
        ("EniPerInstanceLimitExceeded", "eni_quota"),
        ("max ENI exceeded", "eni_quota"),
        ("InvalidOperation.Ipv4CountExceeded", "ipv4_per_eni"),
        ("SecurityGroupInstanceLimitExceed", "security_group_limit"),
        ("no eni can handle the allocation", "no_capacity"),
        ("allocate IP timeout", "allocation_timeout"),
        ("allocate remote IP timeout: x", "allocation_timeout"),
        ("PodENI Phase is Binding", "allocation_timeout"),
        ("nodes.network.alibabacloud.com n has not been initialized", "not_initialized"),
        ("error parse config, can't found dev by mac 00:16:3e:aa:bb:cc: not found", "device_missing"),
        ("Forbidden.RAM", "ram_forbidden"),
        ("dial unix /var/run/eni/eni.socket: connect: connection refused", "agent_down"),
        ("something else", "other"),
    ],
)
def test_texts_of_terway_and_the_cloud_are_told_apart(message: str, code: str) -> None:
    assert classify(f"(combined from similar events): failed to do add; {message}") == code


AGENT = Agent(
    object="Pod kube-system/terway-x",
    field="status",
    value="ready",
    kubectl="kubectl get pod",
    component="terway",
    daemon_set="terway-eniip",
    pod="terway-x",
    node="n",
    images={},
    version=(1, 14, 3),
    started_s=20 * 86400,
    containers=("terway", "policy"),
    ready=True,
    not_ready=(),
    init_failed=False,
    crashing=False,
    restarts=0,
    last_exit="",
)


def test_the_newest_line_of_each_kind_counts() -> None:
    short = "errCode: InvalidVSwitchId.IpNotEnough, vSwitch vsw-a"
    log = f'time="{ago(2000)}" {short}\ntime="{ago(30)}" {short}\ntime="{ago(20)}" all is well\n'
    (found,) = failures_in_log(log, AGENT, NOW)
    assert (found.age_s, found.current, found.vswitches) == (30, True, ("vsw-a",))


def test_a_line_without_a_time_is_never_current() -> None:
    (found,) = failures_in_log("EniPerInstanceLimitExceeded", AGENT, NOW)
    assert not found.current


def test_lines_with_the_configuration_are_passed_over() -> None:
    assert not failures_in_log(f'{ago(5)} got config: access_key x "no ip left"', AGENT, NOW)


def told(**more: Any) -> NodeConfig:
    given: dict[str, Any] = {
        "object": "Node n",
        "field": "labels",
        "value": "zone",
        "kubectl": "kubectl get node n",
        "node": "n",
        "zone": ZONE,
        "own": "",
        "own_state": "",
        "own_vswitches": None,
        "base_vswitches": ("vsw-a",),
        "vswitches": ("vsw-a",),
        "fallback": False,
        "other_zones": False,
        "max_eni": None,
        "eni_cap_ratio": None,
        "changed_s": 60 * 86400,
        "base_changed_s": 60 * 86400,
        "started_s": 20 * 86400,
        "stale": False,
        "base_stale": False,
        "own_changed_s": None,
        "own_stale": None,
    }
    return NodeConfig.model_validate(given | more)


@pytest.mark.parametrize(
    ("age_s", "started_s", "changed_s", "central", "over"),
    [
        (60, 86400, 90000, True, False),
        (300, 120, 240, False, True),
        (60, 300, 600, True, True),
        (60, 300, 600, False, False),
        (60, 3600, 5400, True, False),
        (None, 86400, 90000, True, True),
    ],
)
def test_failures_from_before_a_remedy_are_over(
    age_s: int | None, started_s: int, changed_s: int, *, central: bool, over: bool
) -> None:
    config = told(changed_s=changed_s, started_s=started_s, stale=started_s > changed_s)
    agent = AGENT.model_copy(update={"started_s": started_s})
    assert superseded(age_s, "vswitch_exhausted", config, agent, central=central) is over


def test_a_change_that_terway_has_not_read_mends_nothing() -> None:
    config = told(changed_s=600, started_s=86400, stale=True)
    assert not superseded(60, "vswitch_exhausted", config, AGENT.model_copy(update={"started_s": 86400}), central=True)


def failure(pod: str = "shop/web", **more: Any) -> Failure:
    given: dict[str, Any] = {
        "object": f"Pod {pod}",
        "field": "event FailedCreatePodSandBox",
        "value": "x",
        "kubectl": "kubectl",
        "code": "vswitch_exhausted",
        "pod": pod,
        "node": "n",
        "reason": "FailedCreatePodSandBox",
        "message": "x",
        "count": 4,
        "age_s": 60,
        "span_s": 360,
        "fresh": True,
        "current": True,
        "first": "",
        "last": "",
        "mac": "",
        "vswitches": ("vsw-a",),
    }
    return Failure.model_validate(given | more)


def kube_pod(name: str = "web", *, ip: str = "", waiting: str = "ContainerCreating", **spec: Any) -> Pod:
    state = {"running": {}} if ip else {"waiting": {"reason": waiting}}
    status = {
        "phase": "Running" if ip else "Pending",
        "podIPs": [{"ip": ip}] if ip else [],
        "containerStatuses": [{"state": state}],
        "startTime": ago(420),
    }
    metadata = {"namespace": "shop", "name": name}
    return pod_of({"metadata": metadata, "spec": {"nodeName": "n", **spec}, "status": status}, NOW)


def pods_in_question(*found: Pod, complete: bool = True) -> Pods:
    stuck = tuple(one for one in found if one.stage == "creating")
    return Pods(items=found, given=False, missing=False, complete=complete, stuck=stuck, excluded=(), evidence=())


def test_a_failure_of_a_pod_that_waits_is_current() -> None:
    assert of_pods([failure()], pods_in_question(kube_pod()), {})[0].current


def test_a_failure_of_a_pod_that_got_further_is_not_current() -> None:
    assert not of_pods([failure()], pods_in_question(kube_pod(ip="10.1.0.9")), {})[0].current
    assert not of_pods([failure()], pods_in_question(), {})[0].current
    assert not of_pods([failure()], pods_in_question(kube_pod()), {"shop/web": 30})[0].current


def test_a_pod_that_was_not_read_may_still_wait() -> None:
    assert of_pods([failure()], pods_in_question(complete=False), {})[0].current


def test_a_device_is_missing_for_good_only_with_one_mac_over_minutes() -> None:
    mac = "00:16:3e:aa:bb:cc"
    assert lasts([failure(mac=mac, count=3, span_s=301)])
    assert lasts([failure(mac=mac, count=2, span_s=301)]) is None
    assert lasts([failure(mac=mac, count=9, span_s=200)]) is None
    assert lasts([failure(mac=mac, count=9, span_s=900), failure(mac="00:16:3e:00:00:01")]) is None
    assert lasts([failure(mac="", count=9, span_s=900)]) is None


def test_an_event_of_either_recorder_tells_when_it_last_happened() -> None:
    involved = {"kind": "Node", "name": "n", "apiVersion": "network.alibabacloud.com/v1beta1"}
    series = {"involvedObject": involved, "eventTime": ago(4000), "series": {"count": 9, "lastObservedTime": ago(50)}}
    found = event_of({**series, "lastTimestamp": None, "reason": "AllocIPFailed", "message": "x"}, NOW)
    assert (found.age_s, found.first_s, found.count, found.fresh, found.of_terway) == (50, 4000, 9, True, True)


# Shortage of addresses, limit of ENIs


def short(
    code: str = "vswitch_exhausted", source: str = "node", vswitches: tuple[str, ...] = ("vsw-a",)
) -> AddressFailure:
    shown = {"object": "Node n", "field": "event", "value": code, "kubectl": "kubectl"}
    given = {**shown, "code": code, "source": source, "node": "n", "pod": "", "age_s": 60, "current": True}
    return AddressFailure.model_validate({**given, "vswitches": vswitches})


def situation(
    *failures: AddressFailure,
    resource: TerwayNode | None = None,
    stuck: bool = True,
    enough: bool = True,
    **more: Any,
) -> NodeSituation:
    condition = {"type": "SufficientIP", "status": "True" if enough else "False", "reason": "x", "message": "x"}
    node = kube_node(status={"conditions": [condition]})
    given: dict[str, Any] = {"config": told(), "agent": AGENT, "agent_absent": False} | more
    return NodeSituation(
        node=node, report=resource, stuck=(kube_pod(),) if stuck else (), failures=list(failures), **given
    )


class NoReader:
    """Reads nothing; for what decides by what was read already."""

    source = "nothing"


def surveyed(*nodes: NodeSituation, pointed: bool = True) -> AddressSurvey:
    facts = Facts(Reads(NoReader()), Scope())  # type: ignore[arg-type]
    return AddressSurvey(list(nodes), pointed, complete=True, excluded=[], other_cause=[], needed=Partial(facts))


def test_a_fresh_text_about_the_nodes_vswitch_confirms_a_shortage() -> None:
    found = shortage_of(surveyed(situation(short(), resource=report(interface(pods=6)))))
    assert found.exhausted
    assert not found.excluded


def test_a_text_about_another_vswitch_confirms_nothing() -> None:
    told_of = short(vswitches=("vsw-b",))
    assert not shortage_of(surveyed(situation(told_of, resource=report(interface(pods=6))))).evidence
    assert not shortage_of(surveyed(situation(told_of))).evidence


def test_the_clouds_quota_code_is_told_apart() -> None:
    found = shortage_of(surveyed(situation(short("address_quota"), resource=report(interface(pods=6)))))
    assert (bool(found.exhausted), bool(found.quota)) == (False, True)


def test_an_idle_address_rules_a_shortage_out() -> None:
    found = shortage_of(surveyed(situation(short(), resource=report(interface(pods=6, idle=1)))))
    assert not found.evidence
    assert found.excluded


def test_idle_addresses_of_some_nodes_only_rule_nothing_out() -> None:
    idle, busy = report(interface(idle=2)), report(interface(pods=6))
    assert not shortage_of(surveyed(situation(resource=idle), situation(resource=busy))).excluded


def test_a_broken_agent_outranks_a_shortage() -> None:
    broken = AGENT.model_copy(update={"crashing": True})
    assert not shortage_of(surveyed(situation(short(), resource=report(interface(pods=6)), agent=broken))).evidence
    assert not shortage_of(surveyed(situation(short(), resource=None, agent=None, agent_absent=True))).evidence


def test_a_shortage_is_likely_by_condition_free_slots_and_no_idle_address() -> None:
    resource = report(interface(pods=6))
    assert shortage_of(surveyed(situation(resource=resource, enough=False))).likely
    assert not shortage_of(surveyed(situation(resource=resource))).likely
    assert not shortage_of(surveyed(situation(resource=resource, enough=False, stuck=False))).likely
    assert not shortage_of(surveyed(situation(short("ram_forbidden"), resource=resource, enough=False))).likely
    attaching = report(interface(pods=6), interface(status="Attaching"))
    assert not shortage_of(surveyed(situation(resource=attaching, enough=False))).likely


def test_slots_that_are_free_rule_the_limit_out() -> None:
    found = quota_of(surveyed(situation(short(), resource=report(interface(pods=6)))))
    assert not found.evidence
    assert found.excluded


def test_without_a_usable_resource_the_limit_stays_open() -> None:
    found = quota_of(surveyed(situation(short())))
    assert not found.evidence
    assert not found.excluded


def test_full_interfaces_in_all_slots_are_the_limit_and_no_shortage() -> None:
    resource = report(*[interface(pods=10)] * 3, options=("vsw-a", "vsw-b"))
    found = surveyed(situation(resource=resource))
    assert quota_of(found).used_up
    assert shortage_of(found).excluded


def test_short_interfaces_in_all_slots_are_the_limit_if_another_vswitch_is_configured() -> None:
    flagged = interface(pods=6, conditions={"InsufficientIP": {"message": "x", "observedTime": ago(60)}})
    added = surveyed(situation(short(), resource=report(*[flagged] * 3, options=("vsw-a", "vsw-b"))))
    assert quota_of(added).used_up
    assert not shortage_of(added).evidence
    alone = surveyed(situation(short(), resource=report(*[flagged] * 3)))
    assert not quota_of(alone).used_up
    assert shortage_of(alone).exhausted


def test_a_refusal_by_the_cloud_confirms_the_limit_even_with_slots_that_look_free() -> None:
    found = quota_of(surveyed(situation(short("eni_quota"), resource=report(interface(pods=10)))))
    assert found.refused
    assert found.foreign
    assert not found.excluded


def test_settings_that_leave_fewer_slots_than_the_instance_has_are_named() -> None:
    resource = report(interface(pods=10), slots=1)
    found = quota_of(surveyed(situation(resource=resource, config=told(max_eni=1))))
    assert [one.value for one in found.capped] == ["1 of 3 secondary ENIs (max_eni 1)"]


def test_a_full_node_without_pods_that_wait_is_no_trouble() -> None:
    resource = report(*[interface(pods=10)] * 3, options=("vsw-a", "vsw-b"))
    assert not quota_of(surveyed(situation(resource=resource, stuck=False))).evidence


# Addresses and their vSwitches


def test_an_address_is_outside_by_what_terway_works_with() -> None:
    resource = report(interface("vsw-old"), interface("vsw-a"))
    assert origin_of(resource.enis[0], resource, told()) == "outside"
    assert origin_of(resource.enis[1], resource, told()) == "configured"
    assert origin_of(None, resource, told()) == "unknown"
    assert origin_of(resource.enis[0], None, told()) == "unknown"


def test_an_outdated_terway_explains_a_vswitch_that_is_no_longer_configured() -> None:
    resource = report(interface("vsw-a"))
    new = told(vswitches=("vsw-new",), stale=True)
    assert origin_of(resource.enis[0], resource, new) == "not_read_yet"
    assert origin_of(resource.enis[0], resource, told(vswitches=("vsw-new",), stale=False)) == "configured"
    assert origin_of(resource.enis[0], resource, told(vswitches=(), fallback=True, stale=True)) == "configured"


def test_a_vswitch_of_pods_from_before_the_change_is_not_the_added_one() -> None:
    resource = report(interface("vsw-a", pods=2), interface("vsw-new", pods=0), options=("vsw-a", "vsw-new"))
    config = told(vswitches=("vsw-a", "vsw-new"))
    assert long_used("vsw-a", resource, config, frozenset({"a/p-0"}))
    assert not long_used("vsw-new", resource, config, frozenset({"a/p-0"}))
    assert not long_used("vsw-a", resource, config, frozenset())
    assert not long_used("vsw-a", resource, told(), frozenset({"a/p-0"}))


# Nodes with fixed vSwitches

FIXED = json.dumps({"vswitches": {ZONE: ["vsw-f"]}})


@pytest.mark.parametrize(
    ("config", "text", "resource", "step"),
    [
        ({}, None, None, "config_map"),
        ({}, "{", None, "json"),
        ({}, '{"vswitches": {"z": ["vsw-****"]}}', None, "json"),
        ({"own_vswitches": None}, FIXED, None, "zone"),
        ({"own_vswitches": ()}, FIXED, None, "zone"),
        ({"own_stale": True}, FIXED, None, "agent"),
        ({}, FIXED, report(interface("vsw-a")), "effective"),
        ({}, FIXED, report(interface("vsw-f"), interface("vsw-a"), options=("vsw-f",)), "enis"),
        ({}, FIXED, report(interface("vsw-f"), options=("vsw-f",)), None),
        ({}, FIXED, None, None),
    ],
)
def test_the_first_step_that_fails_is_told(
    config: dict[str, Any], text: str | None, resource: TerwayNode | None, step: str | None
) -> None:
    given = {"own": "pool", "own_state": "given", "own_vswitches": ("vsw-f",), "own_stale": False} | config
    assert failed_step(told(**given), own_config_of("pool", own(text) if text else None, 60), resource) == step


def test_a_pod_asks_for_such_a_node_by_selector_or_affinity() -> None:
    term = {"matchExpressions": [{"key": "terway-config", "operator": "In", "values": ["pool"]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    assert wanted_config({"spec": {"nodeSelector": {"terway-config": "pool"}}}) == "pool"
    assert wanted_config({"spec": {"affinity": {"nodeAffinity": required}}}) == "pool"
    assert wanted_config({"spec": {"nodeSelector": {"disk": "ssd"}}}) == ""


@pytest.mark.parametrize(
    ("spec", "concerned"),
    [
        ({"type": "LoadBalancer"}, True),
        ({"type": "ClusterIP", "externalIPs": ["47.1.2.3"]}, True),
        ({"type": "NodePort"}, False),
        ({}, False),
    ],
)
def test_in_cluster_load_balancing_concerns_external_addresses(spec: dict[str, Any], *, concerned: bool) -> None:
    assert concerns_service({"spec": spec}) is concerned
