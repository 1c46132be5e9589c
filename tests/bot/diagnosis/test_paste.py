"""What people paste is read for what it says and never for more: logs, single lines, talk, damage."""
# ruff: noqa: E501 (tables and logs are as wide as they are)

import asyncio
import contextlib
import datetime as dt
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.diagnosis.facts.registry import Scope
from bot.diagnosis.paste.reader import PasteReader
from bot.diagnosis.reader import LogWindow, Unreadable
from bot.diagnosis.resources import ALLOWED, resource
from tests.bot.diagnosis.pasting import (
    CONFIG_MAP,
    DAEMON_SET,
    ENI_CONFIG,
    EVENTS,
    EVENTS_WIDE,
    EXHAUSTED,
    NODE,
    NODES,
    NOW,
    POD,
    PODS,
    SERVICE,
    SERVICES,
    WHOLE_POD,
    as_json,
    as_yaml,
    in_chat,
    items,
    read,
    reason,
)

# Logs and single lines


def test_a_log_below_its_command_is_that_containers_log():
    log = 'time="2026-03-04T11:59:00Z" level=error msg="error alloc ip"\nplain line\n'
    for text in (
        f"$ kubectl -n kube-system logs terway-eniip-gzlg6 -c terway --tail=20\n{log}",
        f"`kubectl logs terway-eniip-gzlg6 terway -n kube-system`\n```\n{log}```\nthat is all",
        f"==== START logs for container terway of pod kube-system/terway-eniip-gzlg6 ====\n{log}"
        "==== END logs for container terway of pod kube-system/terway-eniip-gzlg6 ====\n",
    ):
        reader = read(text)
        assert asyncio.run(reader.log("kube-system", "terway-eniip-gzlg6", "terway", LogWindow())) == log
        assert reason(reader.log("kube-system", "terway-eniip-gzlg6", "policy", LogWindow())) == "not_captured"
        assert (
            reason(reader.log("kube-system", "terway-eniip-gzlg6", "terway", LogWindow(previous=True)))
            == "not_captured"
        )
        assert reader.found


def test_a_log_of_no_stated_container_counts_for_each():
    reader = read("# kubectl logs -p -n kube-system kube-proxy-worker-t6pt8\nUsing iptables Proxier.\n")
    window = LogWindow(previous=True)
    text = asyncio.run(reader.log("kube-system", "kube-proxy-worker-t6pt8", "kube-proxy-worker", window))
    assert text == "Using iptables Proxier.\n"


def test_lines_of_logs_of_nobody_are_kept_as_loose_lines():
    lines = [
        "E0611 08:03:12.668126       1 server_others.go:335] Can't use the IPVS proxier",
        'time="2026-03-04T11:59:00Z" level=error msg="error alloc ip"',
        "Mar  4 19:59:00 cn-hangzhou kubelet[1234]: E0304 19:59:00.1 1234 kubelet.go:1] cni config uninitialized",
        '{"level":"error","msg":"x"}',
    ]
    reader = read("we see\n" + "\n".join(lines) + "\nin the logs, it is slow")
    assert reader.loose_lines == tuple(lines)
    assert not reader.found


@pytest.mark.parametrize(
    ("line", "involved"),
    [
        (EXHAUSTED, {"kind": "Pod"}),
        (
            'E0304 19:59:00.1 12 pod_workers.go:1300] "Error syncing pod" err="failed to \\"CreatePodSandbox\\" for: rpc error: '
            'failed to set up sandbox container" pod="shop/api-0" podUID="x"',
            {"kind": "Pod", "name": "api-0", "namespace": "shop"},
        ),
        (
            'level=error msg="RunPodSandbox for &PodSandboxMetadata{Name:api-0,Uid:1-2,Namespace:shop,Attempt:0,} failed, '
            'error" error="failed to setup network for sandbox \\"0e\\""',
            {"kind": "Pod", "name": "api-0", "namespace": "shop"},
        ),
        (
            'NetworkPlugin cni failed to set up pod "api-0_shop" network: no IP addresses available in range set',
            {"kind": "Pod", "name": "api-0", "namespace": "shop"},
        ),
    ],
)
def test_a_line_that_says_that_a_sandbox_failed_counts_as_its_event(line, involved):
    reader = read(f"what does this mean?\n\n> {line}")
    (event,) = items(reader, "events")
    assert event["message"] == line
    assert event["involvedObject"] == involved
    assert event["reason"] == "FailedCreatePodSandBox"
    assert "lastTimestamp" not in event
    assert reader.loose_lines == (line,)
    assert not reader.found


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Client Version: v1.33.0\nKustomize Version: v5.6.0\nServer Version: v1.28.9-aliyun.1", "v1.28.9-aliyun.1"),
        ('Server Version: version.Info{Major:"1", Minor:"18+", GitVersion:"v1.18.8-aliyun.1", x', "v1.18.8-aliyun.1"),
    ],
)
def test_the_servers_version_is_that_of_kubectl_version(text, version):
    assert asyncio.run(read(text).version()) == version


# What is not known


def test_what_is_not_pasted_is_unreadable_and_lists_are_never_complete():
    reader = read(in_chat(POD))
    assert reason(reader.get(resource("pods"), "api-1", "shop")) == "not_captured"
    assert reason(reader.get(resource("pods"), "api-0", "staging")) == "not_captured"
    assert reason(reader.list(resource("services"), limit=1)) == "not_captured"
    assert reason(reader.log("kube-system", "x", "terway", LogWindow())) == "not_captured"
    assert reason(reader.version()) == "not_captured"
    assert items(reader, "pods", namespace="staging") == []
    assert asyncio.run(reader.now()) == NOW
    assert (reader.requests, reader.source) == (0, "pasted text")
    assert reader.bytes >= len(POD)


def test_ages_count_back_from_now_where_no_time_is_given():
    before = dt.datetime.now(dt.UTC)
    reader = PasteReader(POD)
    (event,) = items(reader, "events", fields={"type": "Warning"})
    seen = dt.datetime.fromisoformat(event["lastTimestamp"])
    assert abs(before - seen - dt.timedelta(seconds=130)) < dt.timedelta(seconds=10)
    assert asyncio.run(reader.now()) >= before


@pytest.mark.parametrize(
    "text",
    [
        "",
        "how do I add a vSwitch to terway?",
        "Name: api, please help. kind: of urgent\nstatus: broken",
        "kind regards\nmetadata: none",
        "Warning: this is normal\nNormal operation resumed 5m ago",
        "```\n```\n```",
        "{}\n[]\n{{{{\n]]",
        "kubectl get pods",
        "apiVersion: v1",
        "we have 3/3 nodes Ready for 40d, running v1.28",
        "Name:  x\nType:  y",
    ],
)
def test_talk_is_no_cluster(text):
    reader = read(text)
    assert not reader.found
    assert reader.scope == Scope()
    for of_kind in ALLOWED:
        assert reason(reader.list(of_kind, limit=1)) == "not_captured"


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        (POD, Scope(namespace="shop", pod="api-0")),
        (POD + "\n\n" + NODE, Scope(namespace="shop", pod="api-0", node="cn-hangzhou.172.16.3.31")),
        (SERVICE, Scope(namespace="shop", service="web")),
        (POD + "\n\n" + SERVICE, Scope(namespace="shop", pod="api-0", service="web")),
        (as_yaml(WHOLE_POD), Scope(namespace="shop", pod="api-0")),
        (POD + "\n\n" + POD.replace("api-0", "api-1"), Scope()),
        (PODS, Scope()),
        (f"shop 5m Warning FailedCreatePodSandBox pod/api-0 {EXHAUSTED}", Scope(namespace="shop", pod="api-0")),
        (EXHAUSTED, Scope()),
    ],
)
def test_the_scope_is_what_the_text_is_about(text, scope):
    assert read(text).scope == scope


# Hostile text


@pytest.mark.parametrize(
    "hostile",
    [
        "a" * 1_000_000,
        " " * 1_000_000,
        "\n" * 1_000_000,
        "> " * 500_000,
        "`" * 1_000_000,
        "``` " * 250_000,
        "{" * 1_000_000,
        '{"kind":\n' * 100_000,
        '{"kind":"Pod","a":' * 50_000,
        "[" * 1_000_000,
        ('{"apiVersion": "v1"' + " " * 60 + "\n") * 12_000,
        "kind: Pod\n" * 100_000,
        "kind: Pod\na: [\n" * 60_000,
        "- kind: Pod\n" * 80_000,
        "apiVersion: v1\n" + "  a:\n" * 200_000,
        "kind: Pod\n" + "".join(" " * n + "a:\n" for n in range(1400)),
        "Name:  a\nNamespace:  b\n" * 40_000,
        "Name:  a\nType:  b\n" + "x:\n" * 300_000,
        "".join(" " * n + "Name:  a\n" + " " * n + "Type:  b\n" for n in range(900)),
        "Name:  a\nData\n====\n" * 40_000,
        "Normal " * 140_000,
        "Warning Failed 5m kubelet x\n" * 36_000,
        "5m Warning Failed pod/a " + "x  " * 300_000,
        ("5m Warning Failed pod/a " + "x" + " " * 7000 + "\n") * 140,
        "a " * 500_000,
        ("a" + " " * 3900 + "b\n") * 250,
        ("x" * 90 + "\n") * 11_000,
        "AA " * 330_000,
        "NAME " * 200_000,
        ("failed to set up pod " + "x" * 70 + "\n") * 10_000,
        "$ kubectl " * 100_000,
        "$ kubectl logs a\n" * 58_000,
        "# kubectl describe pod a\n" * 40_000,
        "root@" * 200_000,
        "&lt;" * 250_000,
        "<https://a|" * 90_000,
        "\x1b[" * 500_000,
        "2m" * 500_000,
        "a 1/1 " + "A" * 900_000,
        '"' * 1_000_000,
        '"\\' * 500_000,
    ],
)
def test_a_hostile_megabyte_takes_no_longer_than_its_length_does(hostile):
    start = time.process_time()
    read(hostile)
    assert time.process_time() - start < 120  # what grows with the square of the length takes minutes


PIECES = [
    POD,
    NODE,
    SERVICE,
    DAEMON_SET,
    CONFIG_MAP,
    PODS,
    NODES,
    SERVICES,
    EVENTS,
    EVENTS_WIDE,
    as_yaml(ENI_CONFIG),
    as_json(WHOLE_POD),
]


@settings(max_examples=150, deadline=None)
@given(
    pieces=st.lists(st.sampled_from(PIECES), min_size=1, max_size=3),
    cuts=st.lists(st.tuples(st.integers(0, 6000), st.integers(0, 60), st.text(max_size=6)), max_size=6),
)
def test_damaged_pastes_never_raise(pieces, cuts):
    text = "\n".join(pieces)
    for at, length, put in cuts:
        text = text[:at] + put + text[at + length :]
    reader = read(text)
    for of_kind in ALLOWED:
        with contextlib.suppress(Unreadable):
            items(reader, of_kind.qualified)


@settings(max_examples=300, deadline=None)
@given(
    st.text(alphabet=st.sampled_from("Name: pod\n-{}[]\"'`>$#&;=kindPWarning5m/1x \t\\ués\x00\x1b"), max_size=200)
    | st.text()
)
def test_no_text_raises(text):
    read(text)
