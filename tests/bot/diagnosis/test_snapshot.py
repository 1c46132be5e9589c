"""A snapshot answers what was captured, says what was not, and survives whatever is put into it."""

import asyncio
import contextlib
import datetime as dt
import gzip
import io
import json
import os
import tarfile
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.diagnosis.reader import LogWindow, Unreadable
from bot.diagnosis.resources import resource
from bot.diagnosis.snapshot.files import Limits
from bot.diagnosis.snapshot.reader import SnapshotError, SnapshotReader

PODS, NODES, EVENTS, CONFIGMAPS = (resource(name) for name in ("pods", "nodes", "events", "configmaps"))
SERVICES, CR_NODES = resource("services"), resource("nodes.network.alibabacloud.com")
NOW = dt.datetime(2026, 3, 4, 5, 6, 7, tzinfo=dt.UTC)


def pod(name="api-0", namespace="shop", **rest):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace}, **rest}


def node(name="n1"):
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}


def write(root: Path, files: dict[str, object]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
    return root


def tar(path: Path, files: dict[str, object], mode="w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def get(reader, of_kind, name, namespace=None):
    return asyncio.run(reader.get(of_kind, name, namespace))


def names(reader, of_kind, **selection):
    listing = asyncio.run(reader.list(of_kind, limit=100, **selection))
    return [item["metadata"]["name"] for item in listing.items]


def complete(reader, of_kind, **selection):
    return asyncio.run(reader.list(of_kind, limit=100, **selection)).complete


def log(reader, namespace, name, container, **window):
    return asyncio.run(reader.log(namespace, name, container, LogWindow(**window)))


def reason(coroutine):
    with pytest.raises(Unreadable) as caught:
        asyncio.run(coroutine)
    return caught.value.reason


def opened(root: Path, files: dict[str, object], **options) -> SnapshotReader:
    return SnapshotReader.open(write(root, files), **options)


# What files may look like


TYPED = {"apiVersion": "v1", "kind": "PodList", "items": [{"metadata": {"name": "api-0", "namespace": "shop"}}]}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("one.json", pod()),
        ("list.json", {"apiVersion": "v1", "kind": "List", "items": [node(), pod()]}),
        ("typed.json", TYPED),
        ("array.json", [node(), pod()]),
        ("nested.json", {"apiVersion": "v1", "kind": "List", "items": [TYPED]}),
        ("several.json", json.dumps(node()) + "\n" + json.dumps(pod(), indent=2)),
        ("one.yaml", yaml.safe_dump(pod())),
        ("list.yml", yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [node(), pod()]})),
        ("documents.yaml", yaml.safe_dump_all([node(), {"title": "no object"}, pod()])),
        ("deep/er/x.YAML", "%YAML 1.1\n---\n# only words\n---\n" + yaml.safe_dump(pod())),
        ("json.yaml", json.dumps(pod())),
        ("crlf.yaml", yaml.safe_dump(pod()).replace("\n", "\r\n")),
        ("bom.json", b"\xef\xbb\xbf" + json.dumps(pod()).encode()),
        ("powershell.json", json.dumps(pod()).encode("utf-16")),
    ],
)
def test_objects_are_found_in_every_form_kubectl_writes(tmp_path, name, content):
    reader = opened(tmp_path, {name: content})
    found = get(reader, PODS, "api-0", "shop")
    assert (found["apiVersion"], found["kind"], found["metadata"]["namespace"]) == ("v1", "Pod", "shop")
    assert reader.warnings == []
    assert reader.requests == 0
    assert reader.bytes > 0
    assert str(tmp_path) in reader.source


def test_a_single_file_is_a_snapshot(tmp_path):
    write(tmp_path, {"all.yaml": yaml.safe_dump_all([pod(), node()])})
    assert names(SnapshotReader.open(tmp_path / "all.yaml"), PODS) == ["api-0"]


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("top", ["", "./", "dump/"])
def test_a_tar_is_read_whatever_its_compression_and_name(tmp_path, mode, top):
    path = tar(tmp_path / "captured", {f"{top}pods.json": TYPED, f"{top}logs/kube-system/p/c.log": b"line\n"}, mode)
    reader = SnapshotReader.open(path)
    assert names(reader, PODS) == ["api-0"]
    assert log(reader, "kube-system", "p", "c") == "line\n"


def test_values_have_the_types_that_the_api_server_gives(tmp_path):
    text = """
apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: kube-system, creationTimestamp: 2026-01-02T03:04:05Z}
data:
  8080: x
  on: "yes"
  mac: 00:16:30:12:34:56
  flag: "true"
numbers: [1, -2, 0x1F, 1.5, 1e3, 0123, 1_000, .inf, true, ~, "1", 99999999999999999999]
body: |
  a: 1
  ---x
"""
    found = get(opened(tmp_path, {"c.yaml": text}), CONFIGMAPS, "c", "kube-system")
    assert found["metadata"]["creationTimestamp"] == "2026-01-02T03:04:05Z"
    assert found["data"] == {"8080": "x", "on": "yes", "mac": "00:16:30:12:34:56", "flag": "true"}
    expected = [1, -2, "0x1F", 1.5, 1000.0, "0123", "1_000", ".inf", True, None, "1", 99999999999999999999]
    assert found["numbers"] == expected
    assert found["body"] == "a: 1\n---x\n"


def test_anchors_that_a_yaml_writer_made_are_resolved(tmp_path):
    shared = {"app": "web"}
    text = yaml.safe_dump([pod(metadata={"name": n, "namespace": "shop", "labels": shared}) for n in "ab"])
    assert "&id001" in text
    assert names(opened(tmp_path, {"pods.yaml": text}), PODS, labels=shared) == ["a", "b"]


def test_events_of_both_apis_come_out_alike(tmp_path):
    new = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "EventList",
        "items": [
            {
                "metadata": {"name": "e", "namespace": "shop"},
                "eventTime": "2026-01-01T00:00:00.000000Z",
                "series": {"count": 3, "lastObservedTime": "2026-01-01T00:01:00.000000Z"},
                "regarding": {"kind": "Pod", "name": "api-0", "namespace": "shop"},
                "note": "Failed to create pod sandbox",
                "reason": "FailedCreatePodSandBox",
                "reportingController": "kubelet",
                "deprecatedCount": 4,
                "deprecatedSource": {"component": "kubelet"},
                "type": "Warning",
            }
        ],
    }
    reader = opened(tmp_path, {"events.json": new})
    event = get(reader, EVENTS, "e", "shop")
    assert event["apiVersion"] == "v1"
    assert event["involvedObject"]["name"] == "api-0"
    assert (event["message"], event["count"], event["series"]["count"]) == ("Failed to create pod sandbox", 4, 3)
    assert (event["source"], event["reportingComponent"]) == ({"component": "kubelet"}, "kubelet")
    assert names(reader, EVENTS, fields={"involvedObject.name": "api-0"}) == ["e"]


def test_kinds_that_may_not_be_read_are_not_kept(tmp_path):
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "shop"}, "data": {"a": "b"}}
    reader = opened(tmp_path, {"all.json": [secret, pod()]})
    assert b"Secret" not in repr([*reader._store.objects()]).encode()


# What was captured and what was not


def test_a_kind_that_is_nowhere_is_not_captured(tmp_path):
    reader = opened(tmp_path, {"pods.json": TYPED})
    assert get(reader, PODS, "other", "shop") is None
    assert reason(reader.list(SERVICES, limit=1)) == "not_captured"


def test_a_custom_kind_that_is_nowhere_counts_as_one_that_the_cluster_lacks(tmp_path):
    reader = opened(tmp_path, {"pods.json": TYPED})
    assert reason(reader.get(CR_NODES, "n1")) == "not_served"


def test_an_empty_list_of_a_kind_says_that_there_are_none(tmp_path):
    empty = {"apiVersion": "network.alibabacloud.com/v1beta1", "kind": "NodeList", "metadata": {}, "items": None}
    reader = opened(tmp_path, {"pods.json": TYPED, "crs.json": empty})
    assert get(reader, CR_NODES, "n1") is None
    assert reason(reader.get(NODES, "n1")) == "not_captured"


def test_a_list_that_the_server_cut_denies_nothing(tmp_path):
    reader = opened(tmp_path, {"pods.json": {**TYPED, "metadata": {"continue": "abc"}}})
    assert get(reader, PODS, "api-0", "shop")
    assert reason(reader.get(PODS, "other", "shop")) == "not_captured"
    assert not complete(reader, PODS)


DUMP = {
    "nodes.json": {"apiVersion": "v1", "kind": "NodeList", "items": [{"metadata": {"name": "n1"}}]},
    "kube-system/pods.json": {
        "apiVersion": "v1",
        "kind": "PodList",
        "items": [{"metadata": {"name": "terway-x", "namespace": "kube-system"}}],
    },
    "kube-system/services.json": {"apiVersion": "v1", "kind": "ServiceList", "metadata": {}, "items": []},
    "kube-system/terway-x/logs.txt": b"==== START logs for container terway of pod kube-system/terway-x ====\n"
    b"one\ntwo\n"
    b"==== END logs for container terway of pod kube-system/terway-x ====\n"
    b"==== START logs for container policy of pod kube-system/terway-x ====\r\n"
    b"Request log error: container is waiting\n"
    b"==== END logs for container policy of pod kube-system/terway-x ====\r\n",
}


@pytest.mark.parametrize("top", ["", "dump/", "a/dump/"])
def test_a_cluster_info_dump_speaks_only_for_its_namespaces(tmp_path, top):
    write(tmp_path, {})
    reader = SnapshotReader.open(tar(tmp_path / "d.tar", {top + name: content for name, content in DUMP.items()}, "w"))
    assert names(reader, NODES) == ["n1"]
    assert complete(reader, NODES)
    assert complete(reader, PODS, namespace="kube-system")
    assert reason(reader.list(PODS, namespace="shop", limit=1)) == "not_captured"
    assert reason(reader.get(PODS, "api-0", "shop")) == "not_captured"
    assert not complete(reader, PODS)
    assert names(reader, SERVICES, namespace="kube-system") == []
    assert reason(reader.list(SERVICES, namespace="shop", limit=1)) == "not_captured"


def test_empty_lists_in_the_one_directory_of_an_archive_speak_for_the_cluster(tmp_path):
    empty = {"apiVersion": "v1", "kind": "ServiceList", "metadata": {}, "items": []}
    reader = SnapshotReader.open(tar(tmp_path / "d", {"dump/services.json": empty, "dump/pods.json": TYPED}))
    assert complete(reader, SERVICES, namespace="shop")
    assert complete(reader, PODS, namespace="batch")


def test_the_snapshots_own_file_says_what_was_read_and_what_was_refused(tmp_path):
    meta = {
        "capturedAt": "2026-01-01T08:00:00+08:00",
        "version": "v1.31.4-aliyun.1",
        "served": ["services", "nodes.network.alibabacloud.com", "unheard.of"],
        "incomplete": ["pods"],
        "notServed": ["podenis.network.alibabacloud.com"],
        "forbidden": ["events", "pods/log"],
        "later": "additions",
    }
    reader = opened(tmp_path, {"acknet-snapshot.json": meta, "pods.json": TYPED, "l/logs/shop/api-0/app.log": "x"})
    assert asyncio.run(reader.now()) == dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    assert asyncio.run(reader.version()) == "v1.31.4-aliyun.1"
    assert get(reader, CR_NODES, "n1") is None
    assert complete(reader, SERVICES, namespace="shop")
    assert reason(reader.get(PODS, "other", "shop")) == "not_captured"
    assert reason(reader.list(resource("podenis.network.alibabacloud.com"), limit=1)) == "not_served"
    assert reason(reader.list(EVENTS, namespace="shop", limit=1)) == "forbidden"
    assert reason(reader.log("shop", "api-0", "app", LogWindow())) == "forbidden"


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"capturedAt": "yesterday"}', '{"served": "pods"}', '{"capturedAt": 1e99}']
)
def test_a_broken_file_of_its_own_is_a_warning(tmp_path, text):
    reader = opened(tmp_path, {"acknet-snapshot.json": text, "pods.json": TYPED})
    assert len(reader.warnings) == 1
    assert "\n" not in reader.warnings[0]
    assert names(reader, PODS) == ["api-0"]


@pytest.mark.parametrize(
    ("content", "version"),
    [
        ({"major": "1", "gitVersion": "v1.28.9-aliyun.1"}, "v1.28.9-aliyun.1"),
        ({"clientVersion": {"gitVersion": "v1.33.0"}, "serverVersion": {"gitVersion": "v1.28.9"}}, "v1.28.9"),
        ({"clientVersion": {"gitVersion": "v1.33.0"}}, None),
        ({"gitVersion": 4}, None),
        (["v1"], None),
        ({}, None),
    ],
)
def test_the_servers_version_comes_from_a_version_file_but_never_the_clients(tmp_path, content, version):
    reader = opened(tmp_path, {"version.json": content, "pods.json": TYPED})
    if version is None:
        assert reason(reader.version()) == "not_captured"
    else:
        assert asyncio.run(reader.version()) == version


def test_the_version_is_unreadable_where_nothing_states_it(tmp_path):
    assert reason(opened(tmp_path, {"pods.json": TYPED}).version()) == "not_captured"


def test_the_present_is_the_newest_time_of_what_happened(tmp_path):
    times = pod(
        metadata={
            "name": "api-0",
            "namespace": "shop",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "deletionTimestamp": "2030-01-01T00:00:00Z",
            "annotations": {"time": "{{now}}", "expires": "2031-01-01T00:00:00Z"},
            "managedFields": [{"time": "2026-01-03T00:00:00Z", "fieldsV1": {"f:time": {}}}],
        },
        status={"conditions": [{"lastTransitionTime": "2026-01-05T07:00:00+08:00"}, {"lastProbeTime": None}]},
    )
    zero = {**node(), "status": {"conditions": [{"lastHeartbeatTime": "0001-01-01T00:00:00Z"}]}}
    files = {"pods.json": times, "nodes.json": zero}
    assert asyncio.run(opened(tmp_path, files).now()) == dt.datetime(2026, 1, 4, 23, tzinfo=dt.UTC)
    assert asyncio.run(opened(tmp_path, files, now=NOW).now()) == NOW


def test_the_present_is_unreadable_where_there_is_no_time(tmp_path):
    assert reason(opened(tmp_path, {"pods.json": TYPED}).now()) == "not_captured"


# Logs


@pytest.mark.parametrize(
    "name",
    [
        "kube-system/terway-x/terway/logs.txt",
        "kube-system/terway-x/logs.txt",
        "logs/kube-system/terway-x/terway.log",
        "dump/logs/kube-system/terway-x/terway.log",
    ],
)
@pytest.mark.parametrize("with_pod", [True, False])
def test_logs_are_found_where_kubectl_and_scenarios_put_them(tmp_path, name, with_pod):
    files = {name: "a\nb\n"} | ({"pods.json": pod("terway-x", "kube-system")} if with_pod else {"nodes.json": node()})
    assert log(opened(tmp_path, files), "kube-system", "terway-x", "terway") == "a\nb\n"


@pytest.mark.parametrize("name", ["dump/kube-system/p/logs.txt", "dump/kube-system/p/c/logs.txt"])
def test_the_one_directory_of_an_archive_is_no_namespace(tmp_path, name):
    reader = SnapshotReader.open(tar(tmp_path / "d", {name: b"a\n", "dump/nodes.json": node()}))
    assert log(reader, "kube-system", "p", "c") == "a\n"


def test_the_containers_of_a_dumped_log_are_kept_apart(tmp_path):
    reader = opened(tmp_path, DUMP)
    assert log(reader, "kube-system", "terway-x", "terway") == "one\ntwo\n"
    assert log(reader, "kube-system", "terway-x", "policy") is None


def test_the_previous_run_has_its_own_log(tmp_path):
    files = {"logs/kube-system/p/c.log": "now\n", "logs/kube-system/p/c.previous.log": "then\n", "n.json": node()}
    reader = opened(tmp_path, files)
    assert log(reader, "kube-system", "p", "c") == "now\n"
    assert log(reader, "kube-system", "p", "c", previous=True) == "then\n"


def test_a_log_that_was_not_taken_is_as_good_as_one_that_was_rotated(tmp_path):
    reader = opened(tmp_path, {"pods.json": pod(spec={"containers": [{"name": "app"}]})})
    assert log(reader, "shop", "gone", "app") is None
    assert log(reader, "shop", "api-0", "app") is None
    assert log(reader, "shop", "api-0", "app", previous=True) is None
    without_pods = opened(tmp_path / "other", {"nodes.json": node()})
    assert reason(without_pods.log("shop", "api-0", "app", LogWindow())) == "not_captured"


def test_a_log_is_cut_to_the_newest_lines_and_bytes(tmp_path):
    reader = opened(tmp_path, {"logs/s/p/c.log": "first\nsecond\nthïrd\n", "n.json": node()})
    assert log(reader, "s", "p", "c", tail_lines=2) == "second\nthïrd\n"
    assert log(reader, "s", "p", "c", limit_bytes=14) == "second\nthïrd\n"
    assert log(reader, "s", "p", "c", limit_bytes=13) == "thïrd\n"
    assert log(reader, "s", "p", "c", tail_lines=0) == ""


def test_a_log_is_cut_by_age_only_where_its_lines_say_their_time(tmp_path):
    stamped = "2026-03-04T05:00:00.123456789Z a\n  more of a\n2026-03-04T05:06:00Z b\n  more of b\n"
    logrus = 'time="2026-03-04T13:06:00+08:00" level=info msg=x\n'
    files = {"logs/s/p/a.log": stamped, "logs/s/p/b.log": "W0304 05:00:00.1 old\n", "logs/s/p/c.log": logrus}
    reader = opened(tmp_path, files, now=NOW)
    assert log(reader, "s", "p", "a", since_seconds=60) == "2026-03-04T05:06:00Z b\n  more of b\n"
    assert log(reader, "s", "p", "a", since_seconds=3600) == stamped
    assert log(reader, "s", "p", "a", since_seconds=1) == ""
    assert log(reader, "s", "p", "b", since_seconds=60) == "W0304 05:00:00.1 old\n"
    assert log(reader, "s", "p", "c", since_seconds=60) == logrus


# Hostile and damaged


LAUGHS = "\n".join(["a0: &a0 lol", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12))])
HOLLOW = "\n".join(["a0: &a0 []", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12))])
MERGES = "\n".join(["a0: &a0 {k: v}", *(f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}" for i in range(1, 40))])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.json", "{"),
        ("x.json", '{"a": NaN}'),
        ("x.json", '{"a": 1e999}'),
        ("x.json", '{"a": ' + "9" * 5000 + "}"),
        ("x.json", "[" * 200_000),
        ("x.json", "kind: Pod"),
        ("x.yaml", "a: [b"),
        ("x.yaml", "a: b: c"),
        ("x.yaml", "\x00"),
        ("x.yaml", "\n" * 100_000 + "a: ["),
        ("x.yaml", "- " * 100_000),
        ("x.yaml", "{a: " * 100_000),
        ("x.yaml", "[" * 100_000),
        ("x.yaml", "\n".join(" " * i + "a:" for i in range(1000))),
        ("x.yaml", "a: &a [*a]"),
        ("x.yaml", "a: *b"),
        ("x.yaml", "? [a]\n: b"),
        ("x.yaml", "? {a: b}\n: b"),
        ("x.yaml", "a: !!python/object/apply:os.system [echo]"),
        ("x.yaml", "a: !!binary aGVsbG8="),
        ("x.yaml", "a: !!timestamp 2026-01-01"),
        ("x.yaml", LAUGHS),
        ("x.yaml", HOLLOW),
        ("x.yaml", MERGES),
        ("x.json", b"\xff\xff\xff\xff"),
        ("x.yaml", b"a: \xc3\x28"),
        ("x.json", {"apiVersion": "v1", "kind": "Pod"}),
        ("x.json", {"apiVersion": "v1", "kind": "Pod", "metadata": ["name"]}),
        ("x.json", {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": 7, "namespace": "shop"}}),
        ("logs.txt", "of whom?"),
    ],
)
def test_what_cannot_be_understood_is_skipped_with_a_warning_and_nothing_counts_as_whole(tmp_path, name, content):
    start = time.process_time()
    reader = opened(tmp_path, {"a.json": pod(), name: content})
    assert time.process_time() - start < 60  # what never ends, or doubles with each level, takes longer
    assert len(reader.warnings) == 1
    assert reader.warnings[0].startswith(name)
    assert "\n" not in reader.warnings[0]
    assert names(reader, PODS) == ["api-0"]
    assert reason(reader.get(PODS, "other", "shop")) == "not_captured"
    assert not complete(reader, PODS)


def test_documents_around_a_broken_one_are_kept(tmp_path):
    text = "\n---\n".join([yaml.safe_dump(pod("a")), "a: [", yaml.safe_dump(pod("b")), "x: !!set {y}"])
    reader = opened(tmp_path, {"pods.yaml": text})
    assert names(reader, PODS) == ["a", "b"]
    assert len(reader.warnings) == 2


def test_json_before_a_broken_end_is_kept(tmp_path):
    reader = opened(tmp_path, {"pods.json": json.dumps(pod("a")) + json.dumps(pod("b"))[:-9]})
    assert names(reader, PODS) == ["a"]
    assert len(reader.warnings) == 1


def test_a_log_that_is_no_utf8_is_read_all_the_same(tmp_path):
    reader = opened(tmp_path, {"logs/s/p/c.log": b"caf\xe9 down\n", "n.json": node()})
    assert log(reader, "s", "p", "c") == "caf\ufffd down\n"


def test_links_out_of_the_directory_are_not_followed(tmp_path):
    outside = write(tmp_path / "outside", {"secret.json": pod("outside"), "folder/more.json": pod("more")})
    root = write(tmp_path / "snapshot", {"pods.json": pod("inside")})
    (root / "out.json").symlink_to(outside / "secret.json")
    (root / "up.json").symlink_to("../outside/secret.json")
    (root / "loop.json").symlink_to("loop.json")
    (root / "nothing.json").symlink_to("gone.json")
    (root / "folder").symlink_to(outside / "folder")
    (root / "same.json").symlink_to("pods.json")
    os.mkfifo(root / "pipe.json")
    reader = SnapshotReader.open(root)
    assert names(reader, PODS) == ["inside"]
    assert len(reader.warnings) == 6


def test_a_directory_that_is_itself_reached_by_a_link_is_read(tmp_path):
    write(tmp_path / "snapshot", {"pods.json": pod()})
    (tmp_path / "latest").symlink_to("snapshot")
    assert names(SnapshotReader.open(tmp_path / "latest"), PODS) == ["api-0"]


def test_members_of_a_tar_that_lead_elsewhere_are_skipped_and_nothing_is_written(tmp_path):
    path = tmp_path / "in" / "d.tar"
    path.parent.mkdir()
    with tarfile.open(path, "w") as archive:
        for name, kind in (
            ("../up.json", tarfile.REGTYPE),
            ("/absolute.json", tarfile.REGTYPE),
            ("a/../../b.json", tarfile.REGTYPE),
            ("link.json", tarfile.SYMTYPE),
            ("hard.json", tarfile.LNKTYPE),
            ("device.json", tarfile.CHRTYPE),
            ("pipe.json", tarfile.FIFOTYPE),
            ("good.json", tarfile.REGTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            data = json.dumps(pod(Path(name).stem)).encode() if kind == tarfile.REGTYPE else b""
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    reader = SnapshotReader.open(path)
    assert names(reader, PODS) == ["good"]
    assert len(reader.warnings) == 7
    assert [*tmp_path.rglob("*")] == [path.parent, path]


def test_hidden_files_and_others_that_hold_no_objects_are_left_alone(tmp_path):
    files = {"._pods.json": b"\x00\x05", ".git/x.json": "{", "README.md": "# {", "notes.txt": "{", "pods.json": pod()}
    assert opened(tmp_path, files).warnings == []


def test_a_file_beyond_its_limit_is_skipped(tmp_path):
    files = {"a.json": pod("a"), "big.json": json.dumps(pod("big")) + " " * 1000}
    limits = Limits(file_bytes=500)
    for reader in (
        opened(tmp_path / "d", files, limits=limits),
        SnapshotReader.open(
            tar(tmp_path / "t", {k: v if isinstance(v, dict) else v.encode() for k, v in files.items()}), limits=limits
        ),
    ):
        assert names(reader, PODS) == ["a"]
        assert "larger than 500 bytes" in reader.warnings[0]


def test_reading_ends_at_the_limits_of_bytes_and_files(tmp_path):
    files = {f"{n}.json": pod(f"p{n}") for n in range(9)}
    size = len(json.dumps(pod("p0")))
    assert len(names(opened(tmp_path / "d", files, limits=Limits(total_bytes=size * 4)), PODS)) == 4
    reader = opened(tmp_path / "d", files, limits=Limits(files=3))
    assert len(names(reader, PODS)) == 3
    assert "more than 3 files" in reader.warnings[0]
    assert not complete(reader, PODS)


def test_a_compressed_bomb_is_read_no_further_than_the_limit(tmp_path):
    head = tar(tmp_path / "head", {"a.json": pod("a")}, "w").read_bytes()[:2048].rstrip(b"\0")
    info = tarfile.TarInfo("bomb.json")
    info.size = 400 * 1024 * 1024
    with gzip.open(tmp_path / "bomb.tgz", "wb", compresslevel=1) as packed:
        packed.write(head.ljust(-len(head) % 512 + len(head), b"\0"))
        packed.write(info.tobuf())
        for _ in range(40):
            packed.write(b"\0" * 1024 * 1024)
    reader = SnapshotReader.open(tmp_path / "bomb.tgz", limits=Limits(total_bytes=1024 * 1024))
    assert names(reader, PODS) == ["a"]
    assert any("1048576 bytes" in warning for warning in reader.warnings)


def test_a_truncated_archive_gives_what_came_before_the_cut(tmp_path):
    path = tar(tmp_path / "d.tar", {"a.json": pod("a"), "b.json": pod("b")}, "w")
    path.write_bytes(path.read_bytes()[: 512 * 3 + 20])
    reader = SnapshotReader.open(path)
    assert names(reader, PODS) == ["a"]
    assert "damaged" in reader.warnings[0]


@pytest.mark.parametrize(
    "prepare",
    [
        lambda path: None,
        lambda path: path.mkdir(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"not a tar" * 1000),
        lambda path: path.write_bytes(b"\x1f\x8b nothing"),
        lambda path: path.write_bytes(b"BZh9 nothing"),
        lambda path: path.write_bytes(b"\xfd7zXZ\x00 nothing"),
        lambda path: write(path, {"notes.md": "x", "values.yaml": "replicas: 3"}),
        lambda path: write(path, {"a.json": "{"}),
        lambda path: tar(path, {"readme": b"x"}),
        os.mkfifo,
    ],
)
def test_what_is_no_snapshot_is_an_error_of_one_line(tmp_path, prepare):
    path = tmp_path / "sub\nject"
    prepare(path)
    with pytest.raises(SnapshotError) as caught:
        SnapshotReader.open(path)
    assert "\n" not in str(caught.value)


def test_a_path_that_cannot_be_is_an_error_of_one_line():
    with pytest.raises(SnapshotError):
        SnapshotReader.open(Path("a\0b"))


def test_a_storm_of_broken_files_leaves_a_bounded_list_of_warnings(tmp_path):
    reader = opened(tmp_path, {"a.json": pod()} | {f"x{n}.json": "{" for n in range(150)})
    assert len(reader.warnings) == 101


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=300), suffix=st.sampled_from([".json", ".yaml", ".log"]))
def test_no_content_of_a_file_raises(tmp_path_factory, data, suffix):
    root = tmp_path_factory.mktemp("s")
    reader = opened(
        root, {"a.json": pod(), f"logs/a/b/x{suffix}": data, "version.json": data, "acknet-snapshot.json": data}
    )
    assert names(reader, PODS)[:1]


@settings(max_examples=150, deadline=None)
@given(
    position=st.integers(0, 2000),
    byte=st.integers(0, 255),
    packed=st.booleans(),
)
def test_no_damage_to_an_archive_raises_more_than_a_snapshot_error(tmp_path_factory, position, byte, packed):
    root = tmp_path_factory.mktemp("s")
    path = tar(root / "d", {"a.json": pod("a"), "b.json": pod("b")}, "w:gz" if packed else "w")
    data = bytearray(path.read_bytes())
    data[position % len(data)] = byte
    path.write_bytes(data)
    with contextlib.suppress(SnapshotError):
        SnapshotReader.open(path)


def test_a_cluster_of_five_thousand_nodes_is_read_in_seconds(tmp_path):
    big = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [pod(f"p{n}", spec={"nodeName": f"n{n % 50}"}) for n in range(5000)],
    }
    write(tmp_path, {"pods.yaml": yaml.dump(big, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper))})
    start = time.process_time()
    reader = SnapshotReader.open(tmp_path)
    assert len(names(reader, PODS, fields={"spec.nodeName": "n7"})) == 100
    assert time.process_time() - start < 60  # with a pass over all pods for each it takes minutes
