"""A snapshot that was written can be read again, holds no credentials, and takes nobody's place."""

import asyncio
import datetime as dt
import json
import stat
import tarfile

import pytest

from bot.diagnosis.reader import LogWindow, Unreadable
from bot.diagnosis.redaction.redact import REDACTED, Pseudonyms
from bot.diagnosis.resources import resource
from bot.diagnosis.snapshot.files import SnapshotError
from bot.diagnosis.snapshot.meta import SnapshotMeta
from bot.diagnosis.snapshot.reader import SnapshotReader
from bot.diagnosis.snapshot.writer import write_snapshot

KEY = "LTAI" + "5tQnKd3kMNyzP9xY2wZa"
SECRET = "w8Hq2LmT0vB5nXcR7yKdJ4sFgP1aZe"
NOW = dt.datetime(2026, 3, 4, 5, 6, 7, tzinfo=dt.UTC)
META = SnapshotMeta(captured_at=NOW, version="v1.31.4-aliyun.1", incomplete=("pods",), forbidden=("events",))

CONFIG_MAP = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "eni-config", "namespace": "kube-system"},
    "data": {"eni_conf": json.dumps({"access_key": KEY, "access_secret": SECRET, "max_pool_size": 5, "é": "ü"})},
}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "terway-eniip-x", "namespace": "kube-system"},
    "spec": {
        "nodeName": "cn-hangzhou.10.0.0.11",
        "containers": [{"name": "terway", "env": [{"name": "A", "value": "b"}]}],
    },
    "status": {"podIP": "10.0.0.11"},
}
CR = {
    "apiVersion": "network.alibabacloud.com/v1beta1",
    "kind": "Node",
    "metadata": {"name": "cn-hangzhou.10.0.0.11"},
    "spec": {"eni": {"vSwitchOptions": ["vsw-bp11qb9xou9gidzqtkgl"]}},
}
OBJECTS = {
    resource("configmaps"): [CONFIG_MAP],
    resource("pods"): [POD],
    resource("nodes.network.alibabacloud.com"): [CR],
    resource("services"): [],
}
LOGS = {
    (
        "kube-system",
        "terway-eniip-x",
        "terway",
        False,
    ): f"got config: {{AccessID:{KEY} AccessSecret:{SECRET}}}\nready\n",
    ("kube-system", "terway-eniip-x", "terway", True): "before\n",
}


@pytest.fixture(params=["snapshot", "snapshot.tar.gz", "snapshot.TGZ"])
def out(request, tmp_path):
    return tmp_path / request.param


def everything(path):
    if path.is_dir():
        return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}
    with tarfile.open(path) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}


def get(reader, kind, name, namespace=None):
    return asyncio.run(reader.get(resource(kind), name, namespace))


def test_what_was_written_is_read_again(out):
    write_snapshot(OBJECTS, LOGS, META, out)
    reader = SnapshotReader.open(out)
    assert reader.warnings == []
    assert get(reader, "nodes.network.alibabacloud.com", "cn-hangzhou.10.0.0.11") == CR
    assert get(reader, "pods", "terway-eniip-x", "kube-system")["spec"]["nodeName"] == "cn-hangzhou.10.0.0.11"
    assert asyncio.run(reader.now()) == NOW
    assert asyncio.run(reader.version()) == "v1.31.4-aliyun.1"
    log = asyncio.run(reader.log("kube-system", "terway-eniip-x", "terway", LogWindow()))
    assert log == f"got config: {{AccessID:{REDACTED} AccessSecret:{REDACTED}}}\nready\n"
    assert asyncio.run(reader.log("kube-system", "terway-eniip-x", "terway", LogWindow(previous=True))) == "before\n"


def test_what_was_known_to_be_missing_stays_known(out):
    write_snapshot(OBJECTS, LOGS, META, out)
    reader = SnapshotReader.open(out)
    assert get(reader, "services", "web", "shop") is None
    for kind, reason in (("pods", "not_captured"), ("events", "forbidden"), ("daemonsets", "not_captured")):
        with pytest.raises(Unreadable) as caught:
            get(reader, kind, "other", "shop")
        assert caught.value.reason == reason


def test_credentials_and_environments_are_not_written(out):
    write_snapshot(OBJECTS, LOGS, META, out)
    for data in everything(out).values():
        assert KEY.encode() not in data
        assert SECRET.encode() not in data
    reader = SnapshotReader.open(out)
    written = json.loads(get(reader, "configmaps", "eni-config", "kube-system")["data"]["eni_conf"])
    assert written == {"access_key": REDACTED, "access_secret": REDACTED, "max_pool_size": 5, "é": "ü"}
    container = get(reader, "pods", "terway-eniip-x", "kube-system")["spec"]["containers"][0]
    assert container["env"] == [{"name": "A"}]


def test_pseudonyms_are_the_same_in_objects_logs_and_paths(out):
    logs = {("kube-system", "kube-proxy-cn-hangzhou.10.0.0.11", "kube-proxy", False): "node 10.0.0.11\n"}
    write_snapshot(OBJECTS, logs, META, out, pseudonyms=Pseudonyms(b"k"))
    address = Pseudonyms(b"k").text("10.0.0.11")
    text = b"".join([*everything(out).values(), *(name.encode() for name in everything(out))])
    assert b"10.0.0.11" not in text
    assert b"vsw-bp11qb9xou9gidzqtkgl" not in text
    reader = SnapshotReader.open(out)
    assert get(reader, "pods", "terway-eniip-x", "kube-system")["status"]["podIP"] == address
    name = f"kube-proxy-cn-hangzhou.{address}"
    assert asyncio.run(reader.log("kube-system", name, "kube-proxy", LogWindow())) == f"node {address}\n"


def test_only_the_owner_may_read_it(out):
    write_snapshot(OBJECTS, LOGS, META, out)
    assert stat.S_IMODE(out.stat().st_mode) & 0o077 == 0


def test_nothing_that_exists_is_overwritten(out):
    for occupy in (lambda: out.write_text("mine"), out.mkdir, lambda: out.symlink_to(out.parent / "nowhere")):
        occupy()
        before = out.is_symlink(), out.is_dir(), out.exists() and out.is_file() and out.read_text()
        with pytest.raises(SnapshotError, match="exists already"):
            write_snapshot(OBJECTS, LOGS, META, out)
        assert (out.is_symlink(), out.is_dir(), out.exists() and out.is_file() and out.read_text()) == before
        out.rmdir() if out.is_dir() and not out.is_symlink() else out.unlink()


@pytest.mark.parametrize("name", ["../../escape", "a/b", "", ".", "..", "a\0b", "-", "a\nb"])
def test_a_name_that_is_none_writes_nothing(out, name):
    with pytest.raises(SnapshotError) as caught:
        write_snapshot(OBJECTS, {("kube-system", name, "c", False): "x"}, META, out)
    assert "\n" not in str(caught.value)
    assert not out.exists()
    assert [*out.parent.iterdir()] == []


def test_a_place_that_cannot_be_written_is_an_error_of_one_line(tmp_path, out):
    for place in (tmp_path / "no" / "such" / out.name, tmp_path / "x.zip", tmp_path / "x.tar"):
        with pytest.raises(SnapshotError) as caught:
            write_snapshot(OBJECTS, LOGS, META, place)
        assert "\n" not in str(caught.value)
