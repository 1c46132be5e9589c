"""What is concluded from kube-proxy's configuration, pods and logs."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import yaml

from bot.diagnosis.facts.conntrack import is_sign, wanted_limit
from bot.diagnosis.facts.ipvs import scheduler_settings, udp_settings
from bot.diagnosis.facts.kube_proxy_changes import applied, refused, skipped
from bot.diagnosis.facts.kube_proxy_config import (
    ProxyConfig,
    ProxyConfigs,
    data_changed,
    differences,
    proxy_config_of,
    start_flags,
)
from bot.diagnosis.facts.kube_proxy_ipv6 import lacks_ipv6
from bot.diagnosis.facts.kube_proxy_logs import LogLine, ProxyLogs, log_lines, observed_lines, wants_log
from bot.diagnosis.facts.kube_proxy_mode import mode_of
from bot.diagnosis.facts.kube_proxy_pods import ProxyPod, ProxyPods, proxy_pod_of
from bot.diagnosis.facts.kube_proxy_text import parse_duration, read_proxy_text
from bot.diagnosis.facts.plugin import DaemonSet

NOW = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)


def ago(minutes: float) -> str:
    return (NOW - dt.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def daemon_set(name: str = "kube-proxy-worker", *args: str) -> DaemonSet:
    return DaemonSet(
        name=name,
        images={},
        version=(),
        desired=1,
        ready=1,
        rolled_out=True,
        on_delete=False,
        args=("kube-proxy", "--config=/var/lib/kube-proxy/config.conf", *args),
        selector={},
        created_at="",
    )


def config(
    values: dict[str, Any] | str,
    *,
    name: str = "kube-proxy-worker",
    changed: float | None = 600,
    args: tuple[str, ...] = (),
) -> ProxyConfig:
    fields = {"f:data": {"f:config.conf": {}}}
    entries = [{"manager": "kubectl-edit", "time": ago(changed), "fieldsV1": fields}] if changed is not None else []
    found = proxy_config_of(
        {
            "metadata": {"name": name, "managedFields": entries},
            "data": {"config.conf": values if isinstance(values, str) else yaml.safe_dump(values)},
        },
        daemon_set(name, *args),
        NOW,
    )
    assert found is not None
    return found


def configs(*items: ProxyConfig) -> ProxyConfigs:
    return ProxyConfigs(
        items=items,
        missing=(),
        flaws=tuple(flaw for one in items for flaw in one.flaws),
        differs=(),
        contradicted=tuple(flag for one in items for flag in one.contradicted),
        evidence=items,
    )


def pod(
    version: str = "v1.24.6-aliyun.1",
    *,
    started: float = 60,
    changed: float | None = 600,
    crashing: bool = False,
    owner: str = "kube-proxy-worker",
    container_started: float | None = None,
) -> ProxyPod:
    running = {"running": {"startedAt": ago(started if container_started is None else container_started)}}
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
    found = proxy_pod_of(
        {
            "metadata": {
                "name": f"{owner}-abcde",
                "namespace": "kube-system",
                "ownerReferences": [{"kind": "DaemonSet", "name": owner, "controller": True}],
            },
            "spec": {
                "nodeName": "n1",
                "containers": [{"name": owner, "image": f"registry.example.com:5000/acs/kube-proxy:{version}"}],
            },
            "status": {
                "startTime": ago(started),
                "containerStatuses": [
                    {
                        "name": owner,
                        "ready": not crashing,
                        "restartCount": 7 if crashing else 0,
                        "state": waiting if crashing else running,
                        "lastState": {"terminated": {"exitCode": 1, "startedAt": ago(3)}} if crashing else {},
                    }
                ],
            },
        },
        {owner: None if changed is None else NOW - dt.timedelta(minutes=changed)},
        NOW,
    )
    assert found is not None
    return found


def pods(*items: ProxyPod) -> ProxyPods:
    return ProxyPods(
        items=items,
        complete=True,
        stale=tuple(one for one in items if one.stale),
        unknown=tuple(one for one in items if one.stale is None),
        crashing=tuple(one for one in items if one.crashing),
        without=(),
        everywhere_without=False,
        evidence=items,
    )


def lines(of: ProxyPod, text: str, *, former: bool = False) -> list[LogLine]:
    return observed_lines(of, text, former=former)


def logs(*found: LogLine) -> ProxyLogs:
    return ProxyLogs(items=found, read=tuple({one.pod for one in found}), unread=(), evidence=())


IPVS = {"mode": "ipvs", "ipvs": {"udpTimeout": "10s"}}


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("10s", 10), ("1m30s", 90), ("24h0m0s", 86400), ("500ms", 0.5), ("0s", 0), ("0", 0), ("1.5h", 5400), ("-5s", -5)],
)
def test_a_duration_is_read_as_go_writes_it(value: str, seconds: float) -> None:
    assert parse_duration(value) == seconds


@pytest.mark.parametrize("value", ["10", "10 s", "ten", "", "10s // soon", 10, None, True, ["10s"]])
def test_what_lacks_a_unit_is_no_duration(value: object) -> None:
    assert parse_duration(value) is None


def test_a_valid_configuration_has_no_flaws() -> None:
    read = read_proxy_text(
        "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nclusterCIDR: 10.0.0.0/8\n"
        "conntrack:\n  maxPerCore: 65536 # as shipped\nipvs:\n  scheduler: lc\nmode: ipvs\nfeatureGates:\n  A: true\r\n"
    )
    assert read.flaws == ()
    assert read.text("ipvs.scheduler") == "lc"


@pytest.mark.parametrize(
    ("text", "kind", "path"),
    [
        ("ipvs:\n  udpTimeout: 10\n", "wrong_type", "ipvs.udpTimeout"),
        ("ipvs:\n  udpTimeout: 10s // short\n", "wrong_type", "ipvs.udpTimeout"),
        ("conntrack:\n  maxPerCore: many\n", "wrong_type", "conntrack.maxPerCore"),
        ("udpTimeout: 10s\n", "misplaced", "udpTimeout"),
        ("maxPerCore: 131072\n", "misplaced", "maxPerCore"),
        ("ipvs:\n  mode: ipvs\n", "misplaced", "ipvs.mode"),
        ("ipvs:\n  udptimeout: 10s\n", "misplaced", "ipvs.udptimeout"),
        ("IPVS: {}\n", "misplaced", "IPVS"),
        ("ipvs:\n  weight: 3\n", "unknown", "ipvs.weight"),
        ("ipvs: {}\nmode: ipvs\nipvs: {}\n", "duplicate", "ipvs"),
        ("mode ipvs\nipvs:\n  scheduler: lc\n", "not_yaml", ""),
        ("- mode: ipvs\n", "not_yaml", ""),
    ],
)
def test_what_kube_proxy_refuses_or_skips_is_told_with_its_place(text: str, kind: str, path: str) -> None:
    assert [(flaw.kind, flaw.path) for flaw in read_proxy_text(text).flaws] == [(kind, path)]


def test_text_that_is_no_yaml_is_still_read_as_it_was_meant() -> None:
    read = read_proxy_text("mode: ipvs\n// for grpc\nipvs:\n\tscheduler: lc,\n")
    assert read.text("mode") == "ipvs"
    assert not read.decodes


def test_a_field_of_its_own_in_another_section_is_not_misplaced() -> None:
    assert read_proxy_text("conntrack:\n  udpTimeout: 30s\n").flaws == ()


def test_only_settings_that_mean_something_else_differ() -> None:
    one = read_proxy_text("mode: ipvs\nipvs: {scheduler: rr, udpTimeout: 1m}\nbindAddress: 0.0.0.0\n")
    other = read_proxy_text("mode: ipvs\nipvs: {udpTimeout: 60s}\nbindAddress: '::'\n")
    assert differences({"a": one, "b": other}) == []
    third = read_proxy_text("mode: ipvs\nipvs: {scheduler: lc, udpTimeout: 60s}\n")
    assert differences({"a": one, "b": third}) == [("ipvs.scheduler", "a: rr, b: lc")]


def test_flags_are_read_with_and_without_equals_sign() -> None:
    assert start_flags(["kube-proxy", "--config=/c", "--proxy-mode", "iptables", "--v=2"]) == {
        "--config": "/c",
        "--proxy-mode": "iptables",
        "--v": "2",
    }


def test_a_flag_that_says_the_same_as_the_file_does_not_contradict_it() -> None:
    assert config(IPVS, args=("--proxy-mode=ipvs", "--ipvs-scheduler=rr")).contradicted == ()
    assert config(IPVS, args=("--proxy-mode=iptables",)).contradicted[0].value.startswith("iptables")


def test_a_label_put_on_the_config_map_is_no_change_of_its_data() -> None:
    meta = {
        "managedFields": [
            {"time": ago(500), "fieldsV1": {"f:data": {"f:config.conf": {}}}},
            {"time": ago(5), "fieldsV1": {"f:metadata": {"f:labels": {}}}},
        ]
    }
    assert data_changed({"metadata": meta}) == NOW - dt.timedelta(minutes=500)


def test_what_is_kept_of_a_configuration_is_not_its_text() -> None:
    secret = "TOKEN-THAT-NOBODY-MAY-SEE"
    kept = config(
        {"mode": "ipvs", "clientConnection": {"kubeconfig": secret, "token": secret}, "hostnameOverride": secret}
    )
    assert secret not in kept.model_dump_json()


def test_the_key_in_another_place_is_no_configuration() -> None:
    assert (
        proxy_config_of({"metadata": {"name": "kube-proxy-worker"}, "binaryData": {"config.conf": "bQ=="}}, None, NOW)
        is None
    )


def test_a_pod_is_stale_by_the_start_of_its_process() -> None:
    assert pod(started=900, changed=600).stale is True
    assert pod(started=60, changed=600).stale is False
    assert pod(started=900, container_started=60, changed=600).stale is False
    assert pod(started=900, changed=None).stale is None


def test_a_crashing_pod_reads_the_configuration_at_every_start() -> None:
    found = pod(started=900, changed=600, crashing=True)
    assert found.crashing
    assert found.stale is False


def test_pods_of_other_daemon_sets_are_not_kube_proxy() -> None:
    other = {"metadata": {"name": "x", "ownerReferences": [{"kind": "DaemonSet", "name": "csi", "controller": True}]}}
    assert proxy_pod_of(other, {}, NOW) is None


@pytest.mark.parametrize(
    ("line", "kind", "detail"),
    [
        ("I0301 server_others.go:274] Using ipvs Proxier.", "ipvs", ""),
        ('I0301 server_linux.go:145] "Using ipvs Proxier"', "ipvs", ""),
        ("I0301 server_others.go:206] Using iptables Proxier.", "iptables", ""),
        ('I0301 server_linux.go:132] "Using nftables Proxier"', "nftables", ""),
        ("W0301 using lenient decoding as strict decoding failed: unknown field", "lenient", ""),
        ('E0301 err="failed complete: unrecognized feature gate: IPv6DualStack"', "unknown_gate", ""),
        ("E0301 failed complete: yaml: line 6: mapping values are not allowed", "not_decoded", ""),
        ('W0301 Unknown proxy mode "ipvz", assuming iptables proxy', "unknown_mode", ""),
        ("I0301 conntrack.go:52] Setting nf_conntrack_max to 262144", "limit", "262144"),
        ('I0301 "Setting nf_conntrack_max" nf_conntrack_max=262144', "limit", "262144"),
        ('I0301 "Setting nf_conntrack_max" nfConntrackMax=524288', "limit", "524288"),
        ('I0301 "Set sysctl" entry="net/netfilter/nf_conntrack_max" value=262144', "limit_written", ""),
    ],
)
def test_the_lines_of_a_start_are_told_apart_in_old_and_new_spelling(line: str, kind: str, detail: str) -> None:
    assert [(found, number) for found, number, _ in log_lines(line)] == [(kind, detail)]


def test_lines_that_announce_the_end_of_ipvs_tell_nothing() -> None:
    assert list(log_lines("W0301 The ipvs proxier is now deprecated and may be removed in a future release.")) == []


def test_a_missing_module_is_named() -> None:
    text = "E Can't use the IPVS proxier: the following required kernel modules are not loaded: [ip_vs_lc ip_vs_sh]"
    assert [(kind, detail) for kind, detail, _ in log_lines(text)] == [
        ("modules", "ip_vs_lc ip_vs_sh"),
        ("no_ipvs", ""),
    ]


def test_of_a_text_that_does_not_decode_only_the_complaint_is_kept() -> None:
    secret = "password: hunter2"
    [(kind, _, shown)] = log_lines(f"E {secret} could not load: yaml: line 3: did not find expected key")
    assert kind == "not_decoded"
    assert secret not in shown


@pytest.mark.parametrize(
    ("version", "settings", "wanted"),
    [
        ("v1.22.15", IPVS, True),  # may have fallen back
        ("v1.28.9", IPVS, False),
        ("v1.28.9", {"mode": "ipvs", "ipvs": {"scheduler": "lc"}}, True),
        ("v1.18.8", {"mode": "iptables"}, False),
        ("v1.28.9", {"mode": "ipvs", "ipvs": {"weight": 1}}, True),
        ("v1.28.9", {}, False),
        ("v1.28.9", {"ipvs": {"scheduler": "lc"}}, True),
    ],
)
def test_a_log_is_read_only_where_nothing_else_tells(version: str, settings: dict[str, Any], wanted: bool) -> None:
    assert wants_log(pod(version), configs(config(settings))) is wanted


def test_the_last_line_about_a_proxier_is_the_mode() -> None:
    one = pod("v1.22.15")
    found = mode_of(one, config(IPVS), logs(*lines(one, "I Using ipvs Proxier.\nI Using iptables Proxier.")))
    assert (found.mode, found.by_log) == ("iptables", True)


@pytest.mark.parametrize(
    ("version", "settings", "mode"),
    [
        ("v1.28.9", IPVS, "ipvs"),
        ("v1.22.15", IPVS, "unknown"),
        ("v1.22.15", {"mode": "iptables"}, "iptables"),
        ("v1.22.15", {"clusterCIDR": "10.0.0.0/8"}, "iptables"),
        ("v1.22.15", {"mode": "ipvz"}, "unknown"),
    ],
)
def test_without_a_log_the_mode_is_known_where_no_fallback_is_possible(
    version: str, settings: dict[str, Any], mode: str
) -> None:
    assert mode_of(pod(version), config(settings), logs()).mode == mode


def test_a_stale_pod_runs_in_a_mode_that_its_configuration_does_not_tell() -> None:
    assert mode_of(pod("v1.28.9", started=900), config(IPVS), logs()).mode == "unknown"


@pytest.mark.parametrize(
    ("per_core", "floor", "cores", "version", "limit"),
    [
        (65536, None, 4, (1, 28), (262144, "per_core")),
        (65536, None, 1, (1, 28), (131072, "floor")),
        (32768, None, 2, (1, 28), (131072, "floor")),
        (None, None, 8, (1, 28), (262144, "per_core")),
        (0, 500000, 8, (1, 28), (None, "untouched")),
        (65536, 655350, 4, (1, 28), (655350, "floor")),
        (131072, None, 16, (1, 35), (2097152, "per_core")),
        (131072, None, 16, (1, 36), (1048576, "cap")),
        (65536, 2000000, 8, (1, 36), (2000000, "floor")),
        (131072, 2000000, 16, (1, 36), (1048576, "cap")),
        (131072, None, 16, (), (2097152, "per_core")),
    ],
)
def test_the_limit_follows_cores_floor_and_cap(
    per_core: int | None, floor: int | None, cores: int, version: tuple[int, ...], limit: tuple[int | None, str]
) -> None:
    assert wanted_limit(per_core, floor, cores, version) == limit


@pytest.mark.parametrize(
    ("reason", "message", "sign"),
    [
        ("ConntrackFull", "table full, dropping packet", True),
        ("KernelOops", "nf_conntrack: table full, dropping packet", True),
        ("ConntrackUnhealthy", "99% used", True),
        ("NodeCondition", "Node condition ConntrackFull is now: False, reason: ConntrackIsNotFull", False),
        ("ReadOnlySysFS", "CRI error: /sys is read-only: cannot modify conntrack limits", False),
        ("TaskHung", "task blocked for more than 120 seconds", False),
    ],
)
def test_only_a_table_without_room_is_a_sign(reason: str, message: str, sign: bool) -> None:
    assert is_sign(reason, message) is sign


def test_a_scheduler_is_settled_when_kube_proxy_has_read_it() -> None:
    lc = configs(config({"mode": "ipvs", "ipvs": {"scheduler": "lc"}}))
    assert scheduler_settings(lc, pods(pod())).settled
    stale = scheduler_settings(lc, pods(pod(started=900)))
    assert not stale.settled
    assert stale.not_read


def test_round_robin_is_nothing_that_a_restart_could_bring() -> None:
    assert not scheduler_settings(configs(config(IPVS)), pods(pod(started=900))).not_read


def test_a_scheduler_beside_another_mode_is_ignored() -> None:
    found = scheduler_settings(configs(config({"mode": "iptables", "ipvs": {"scheduler": "lc"}})), pods(pod()))
    assert found.ignored
    assert not found.unused


def test_neither_mode_nor_scheduler_means_that_ipvs_is_not_in_question() -> None:
    assert scheduler_settings(configs(config({"mode": "iptables"})), pods(pod())).unused
    assert scheduler_settings(configs(config({})), pods(pod())).unused


def test_a_scheduler_that_the_kernel_lacks_is_named() -> None:
    found = scheduler_settings(configs(config({"mode": "ipvs", "ipvs": {"scheduler": "least-conn"}})), pods(pod()))
    assert found.unknown_name
    assert not found.settled


def test_a_short_timeout_counts_from_1_18_on_and_once_read() -> None:
    asked = configs(config(IPVS))
    assert udp_settings(asked, pods(pod("v1.18.8"))).short
    assert udp_settings(asked, pods(pod("v1.17.11"))).too_old
    assert not udp_settings(asked, pods(pod("v1.17.11"))).short
    assert not udp_settings(asked, pods(pod("v1.24.6", started=900))).short
    assert udp_settings(asked, pods(pod("v1.24.6", started=900))).not_read


def test_an_image_without_a_tag_is_neither_old_nor_new() -> None:
    found = udp_settings(configs(config(IPVS)), pods(pod("@sha256:" + "0" * 64)))
    assert not found.short
    assert not found.too_old


@pytest.mark.parametrize("value", [None, "0s"])
def test_no_timeout_leaves_the_kernels(value: str | None) -> None:
    settings = {"mode": "ipvs", "ipvs": {"udpTimeout": value} if value else {}}
    assert udp_settings(configs(config(settings)), pods(pod())).unset


def test_a_minute_is_neither_short_nor_unset() -> None:
    found = udp_settings(configs(config({"mode": "ipvs", "ipvs": {"udpTimeout": "60s"}})), pods(pod()))
    assert not found.short
    assert not found.unset


@pytest.mark.parametrize(
    "settings",
    [{"conntrack": {"udpTimeout": "10s"}}, {"udpTimeout": "10s"}, {"ipvs": {"udptimeout": "10s"}}],
)
def test_the_timeout_in_another_place_has_no_effect(settings: dict[str, Any]) -> None:
    assert udp_settings(configs(config({"mode": "ipvs"} | settings)), pods(pod("v1.30.1"))).misplaced


def test_the_conntrack_timeout_beside_the_right_one_is_no_mistake() -> None:
    both = IPVS | {"conntrack": {"udpTimeout": "30s"}}
    assert not udp_settings(configs(config(both)), pods(pod("v1.30.1"))).misplaced


def test_a_number_instead_of_a_duration_is_told() -> None:
    assert udp_settings(configs(config({"mode": "ipvs", "ipvs": {"udpTimeout": 10}})), pods(pod())).wrong_type


def test_a_configuration_is_applied_when_everything_has_read_all_of_it() -> None:
    assert applied(configs(config(IPVS)), pods(pod()), [])
    assert not applied(configs(config(IPVS)), pods(pod(started=900)), [])
    assert not applied(configs(config(IPVS)), pods(pod(changed=None)), [])
    assert not applied(configs(config(IPVS | {"udpTimeout": "1s"})), pods(pod()), [])
    assert not applied(configs(config(IPVS, args=("--proxy-mode=iptables",))), pods(pod()), [])
    one = pod()
    assert not applied(
        configs(config(IPVS)), pods(one), lines(one, "W using lenient decoding as strict decoding failed")
    )


def test_a_crash_is_laid_to_the_text_only_if_text_or_log_say_so() -> None:
    crashing = pod(crashing=True)
    assert not refused(configs(config(IPVS)), pods(crashing), [])
    assert refused(configs(config("mode ipvs\nipvs:\n  a: 1\n")), pods(crashing), [])
    told = lines(crashing, "E failed complete: yaml: line 2: did not find expected key", former=True)
    assert refused(configs(config(IPVS)), pods(crashing), told)


def test_a_broken_text_that_nobody_has_read_yet_has_not_broken_anything() -> None:
    assert not refused(configs(config("mode ipvs\nipvs:\n  a: 1\n")), pods(pod(started=900)), [])


def test_fields_that_an_old_release_does_not_know_are_skipped() -> None:
    assert skipped(configs(config(IPVS)), pods(pod("v1.16.9")), [])
    assert not skipped(configs(config(IPVS)), pods(pod("v1.18.8")), [])


@pytest.mark.parametrize(
    ("version", "settings", "lacks"),
    [
        ("v1.20.11", {}, True),
        ("v1.20.11", {"featureGates": {"IPv6DualStack": True}}, False),
        ("v1.22.15", {}, False),
        ("v1.22.15", {"featureGates": {"IPv6DualStack": False}}, True),
        ("v1.22.15", {"clusterCIDR": "172.20.0.0/16"}, True),
        ("v1.22.15", {"clusterCIDR": "172.20.0.0/16,fd00:20::/48"}, False),
        ("v1.28.9", {"clusterCIDR": "172.20.0.0/16", "featureGates": {"IPv6DualStack": False}}, False),
    ],
)
def test_old_releases_need_to_be_told_of_ipv6(version: str, settings: dict[str, Any], lacks: bool) -> None:
    assert (lacks_ipv6(pod(version), config(settings)) is not None) is lacks
