"""Which versions a conversation is taken to state."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.mentioned import mentioned_versions


def said(*turns: str) -> dict[str, str]:
    return {name: ".".join(map(str, version)) for name, version in mentioned_versions(*turns).items()}


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Terway 1.8.12 and pods hang", "1.8.12"),
        ("terway v1.8", "1.8"),
        ("Terway is v1.1.8 here.", "1.1.8"),
        ("terway-eniip add-on version: v1.9.7", "1.9.7"),
        ("our Terway's version is 1.12, shared mode", "1.12"),
        ("we have terway now at 1.3", "1.3"),
        ("terway@1.14.2", "1.14.2"),
        ("TERWAY_VERSION=v1.10.6", "1.10.6"),
        ('{"name": "terway-eniip", "version": "v1.10.6"}', "1.10.6"),
        ('name = "terway-eniip"\nversion = "v1.10.6"', "1.10.6"),
        ("| terway | v1.10.6 |", "1.10.6"),
        ("Is Terway 1.6.x the last one?", "1.6"),
        ("false on a 1.9.8 Terway", "1.9.8"),
        ("terway 版本 1.11", "1.11"),
        ("我们的 Terway 版本是 v1.12.3。", "1.12.3"),
        ("用terway1.8,不通", "1.8"),
        ("v1.10 的 terway 怎么看", "1.10"),
        ("terway 镜像是 v1.12.3", "1.12.3"),
        ("terway 升级到 1.9 之后就不通了", "1.9"),
        ("Terway 已升级到 v1.9", "1.9"),
        ("Terway 昨天升级到了 1.9.2", "1.9.2"),
        ("since we upgraded Terway to 1.13.3 it is slow", "1.13.3"),
        ("after the upgrade to Terway 1.13 it is slow", "1.13"),
        ("terway went to 1.13 yesterday", "1.13"),
        ("image: registry-vpc.cn-hangzhou.aliyuncs.com/acs/terway:v1.14.2", "1.14.2"),
        ("acs/terway-eniip:v1.13.2-1718bc8", "1.13.2"),
        ("terway 1.8, the image is acs/terway:v1.8.12", "1.8.12"),
    ],
)
def test_a_stated_version_is_known(text: str, version: str) -> None:
    assert said(text) == {"terway": version}


@pytest.mark.parametrize(
    "text",
    [
        "flannel v0.15.1.11-7e95fe23-aliyun",
        "image: acs/flannel:v0.15.1.11-7e95fe23-aliyun",
        "kube-flannel-ds v0.15.1.11",
        "flannel 版本 0.15.1.11",
    ],
)
def test_flannels_four_numbers_are_one_version(text: str) -> None:
    assert said(text) == {"flannel": "0.15.1.11"}


@pytest.mark.parametrize(
    "text",
    [
        "terway older than 1.8",
        "terway < 1.8",
        "terway <= 1.8",
        "terway >= 1.8",
        "terway before 1.8",
        "before Terway 1.8",
        "older than Terway 1.8",
        "since Terway 1.8 there is a label",
        "we can't go past terway 1.6",
        "from Terway 1.8 on",
        "terway 1.8+",
        "Terway 1.8 or later",
        "Terway v1.8.0 and above",
        "terway 1.8 以上",
        "terway 1.8 之前的版本",
        "Terway 1.11 之后 DaemonSet 叫 terway-eniip",
        "terway 低于 1.8",
        "terway 1.8 及更高版本",
    ],
)
def test_a_bound_is_not_a_version(text: str) -> None:
    assert said(text) == {}


@pytest.mark.parametrize(
    "text",
    [
        "terway from 1.5 to 1.9",
        "from 1.5 to 1.9 for terway",
        "Terway 1.5 -> 1.9",
        "Terway 1.5 → 1.9",
        "terway 1.6 to 1.7",
        "terway 1.5.6 升级到 1.9.7",
        "terway 从 1.5 升级到了 1.9",
        "is it kept on terway 1.8, and on 1.9?",
        "terway 1.8 or 1.9",
        "terway 1.8 和 1.9",
        "node a has terway 1.8 and node b has terway 1.9",
        "acs/terway:v1.8.4 here, acs/terway:v1.9.0 there",
    ],
)
def test_a_component_with_two_versions_is_left_out(text: str) -> None:
    assert said(text) == {}


@pytest.mark.parametrize(
    "text",
    [
        "is it safe to upgrade Terway to 1.13?",
        "we want Terway 1.11 because of exclusive nodes",
        "next week we go to terway 1.13",
        "下周要升级 Terway 到 1.13",
        "terway 想升级到 1.9",
        "if terway is upgraded to 1.9, does it break?",
    ],
)
def test_a_version_yet_to_come_is_not_the_version(text: str) -> None:
    assert said(text) == {}
    assert said(f"Terway 1.5.6 here. {text}") == {"terway": "1.5.6"}


@pytest.mark.parametrize(
    "text",
    [
        "terway 10.0.3.9",
        "terway 1.1.1.1",
        "terway node 192.168.1.4",
        "kubelet 8.8.8.8 timeout",
        "cluster 10.96.0.0/16",
        "the 10.3 network was replaced in terway",
        "terway 2026.02.25",
        "flannel 2.5.2026",
        "terway 1.5 seconds",
        "terway is 1.5x slower",
        "kubelet at 0.8 cores",
        "kubelet uses 1.5GiB",
        "terway 1.05",
        "terway 1.8.0.0.1",
        "kubelet.go:2183] 1.22",
        "kube-proxy listens on 16 cores 1.5 times",
        "ack-extend-network-controller 0.6.0",
        "kubernetes-dashboard 1.10",
        "flannel 1.16",
        "terway 0.15.1",
        "kernel 5.10, containerd 1.6.20",
        '"cniVersion": "0.3.1", "name": "terway"',
        "terway dies, kernel 4.19",
    ],
)
def test_other_numbers_are_not_versions(text: str) -> None:
    assert said(text) == {}


def test_what_is_said_of_kubernetes_stands_for_kubelet_and_kube_proxy() -> None:
    everything = {"kubernetes": "1.22", "kubelet": "1.22", "kube-proxy": "1.22"}
    for text in [
        "Kubernetes 1.22",
        "k8s v1.22",
        "ACK 1.22",
        "ACK Pro 1.22",
        "1.22 集群",
        "a 1.22 cluster",
        "集群版本是 1.22",
    ]:
        assert said(text) == everything, text
    assert said("Kubernetes 1.22, kubelet 1.20") == everything | {"kubelet": "1.20"}
    # Two versions of the kubelet are something said, too.
    assert said("Kubernetes 1.22, nodes with kubelet 1.20 and kubelet 1.22") == {
        "kubernetes": "1.22",
        "kube-proxy": "1.22",
    }


def test_what_is_said_of_a_kubelet_does_not_stand_for_kubernetes() -> None:
    assert said("our kubelets are at 1.16") == {"kubelet": "1.16"}


def test_each_component_has_its_own_version() -> None:
    assert said("Both kubelet 1.22 and flannel 0.15.1.13 are newer, kube-proxy 1.24") == {
        "kubelet": "1.22",
        "flannel": "0.15.1.13",
        "kube-proxy": "1.24",
    }


def test_a_low_version_of_a_cluster_is_rather_its_plugins() -> None:
    assert said("新集群 Terway 1.9,另一个老集群 1.5") == {"terway": "1.9"}
    assert said("our Terway cluster (1.16)") == {}


def test_the_version_column_of_nodes_is_the_kubelets() -> None:
    header = "NAME                STATUS     ROLES    AGE    VERSION\n"
    same = "cn-beijing.10.0.4.21   Ready      <none>   412d   v1.16.9-aliyun.1\n"
    assert said(header + same + same.replace("21", "22")) == {"kubelet": "1.16.9"}
    assert said("cn-beijing.10.0.4.21 Ready,SchedulingDisabled <none> 412d v1.16.9-aliyun.1") == {"kubelet": "1.16.9"}
    assert said(header + same + same.replace("v1.16.9", "v1.14.8").replace("Ready ", "NotReady ")) == {}


def test_what_the_status_of_a_node_says_of_kube_proxy_is_not_believed() -> None:
    # The kubelet fills both fields with its own version.
    json = '{"kubeletVersion": "v1.18.8-aliyun.1", "kubeProxyVersion": "v1.18.8-aliyun.1"}'
    text = " Kubelet Version:            v1.18.8-aliyun.1\n Kube-Proxy Version:         v1.18.8-aliyun.1\n"
    assert said(json) == said(text) == {"kubelet": "1.18.8"}


def test_an_image_of_kube_proxy_is_believed() -> None:
    assert said("- image: registry/acs/kube-proxy:v1.28.9-aliyun.1") == {"kube-proxy": "1.28.9"}


def test_of_kubectl_version_the_server_counts() -> None:
    everything = {"kubernetes": "1.28.9", "kubelet": "1.28.9", "kube-proxy": "1.28.9"}
    text = "Client Version: v1.30.2\nKustomize Version: v5.0.4\nServer Version: v1.28.9-aliyun.1"
    json = '{"clientVersion": {"gitVersion": "v1.30.2"}, "serverVersion": {"gitVersion": "v1.28.9-aliyun.1"}}'
    old = 'Client Version: version.Info{GitVersion:"v1.30.2"}\nServer Version: version.Info{GitVersion:"v1.28.9"}'
    assert said(text) == said(json) == said(old) == everything


def test_a_tag_of_ack_is_a_version_of_kubernetes() -> None:
    assert said("E0305 run.go:74 required kernel modules missing\nv1.22.3-aliyun.1")["kubernetes"] == "1.22.3"
    assert said("older than v1.22.3-aliyun.1") == said("v1.20.4-aliyun.1 -> v1.22.3-aliyun.1") == {}


def test_a_later_turn_counts_over_an_earlier_one() -> None:
    assert said("Terway 1.7.", "sorry, terway is 1.9") == {"terway": "1.9"}
    assert said("Terway 1.7, k8s 1.28", "and how do I check?")["terway"] == "1.7"


def test_a_later_turn_can_make_a_version_unclear() -> None:
    assert said("Terway 1.7.", "one node has terway 1.9, one terway 1.8") == {}
    assert said("Terway 1.7.", "升级到 1.9 之后还是不行") == {}
    assert said("We run Terway 1.5. After upgrading to 1.9 nothing changed") == {}


def test_an_upgrade_of_something_else_leaves_a_version_known() -> None:
    assert said("flannel 0.15.1.4", "after upgrading to 1.16 the nodes are NotReady") == {"flannel": "0.15.1.4"}
    assert said("Terway 1.13.2", "that was after upgrading to 1.13") == {"terway": "1.13.2"}


def test_kubernetes_said_later_does_not_replace_the_kubelet_said_before() -> None:
    assert said("kubelet 1.18 on the old pool", "the cluster is 1.22") == {
        "kubelet": "1.18",
        "kubernetes": "1.22",
        "kube-proxy": "1.22",
    }


_PIECES = [
    *[
        "terway",
        "flannel",
        "kubelet",
        "cluster",
        "集群",
        "v",
        "1.8",
        "1.22.3-aliyun.1",
        "10.0.0.1",
        ".",
        ",",
        " ",
        "\n",
        "\t",
    ],
    *[
        "to",
        "from",
        "upgraded to",
        "升级到",
        "之后",
        "older than",
        "Ready",
        "gitVersion",
        '": "',
        "/terway:",
        "image",
        ">=",
        "的",
    ],
]


@settings(deadline=None)
@given(st.one_of(st.text(), st.lists(st.sampled_from(_PIECES)).map("".join)))
def test_any_text_gives_known_components_and_versions_that_stand_in_it(text: str) -> None:
    for component, version in mentioned_versions(text).items():
        assert component in {"terway", "flannel", "kubernetes", "kubelet", "kube-proxy"}
        assert ".".join(map(str, version)) in text


@pytest.mark.parametrize(
    "unit",
    [
        *[
            "terway ",
            "terway 1.8 ",
            "1.8 cluster ",
            "1.",
            "1.8 ",
            " ",
            "\n",
            "\t",
            "9",
            "a",
            "terway,,,,",
            "terway''''",
        ],
        *[
            "upgraded ",
            "upgraded to 1.8 ",
            "upgraded from ",
            "升级到",
            "升级 ",
            "cluster\n",
            "a Ready ",
            "a Ready  ",
            "a\tReady\t",
        ],
        *[
            "gitVersion ",
            "gitVersion: v1.2.3 ",
            "v1.2.3-aliyun.1 ",
            "/terway:v1.8 ",
            "terway was upgraded to ",
            "1.8-a",
        ],
        *["kubelet 1.22, and on ", "Kube-Proxy Version:", "version ", 'terway" "version '],
    ],
)
def test_time_grows_in_proportion_to_a_hostile_text(unit: str) -> None:
    def cost(size: int) -> float:
        text = "terway " + (unit * (size // len(unit) + 1))[:size]
        best = float("inf")
        for _ in range(2):
            start = time.process_time()
            mentioned_versions(text)
            best = min(best, time.process_time() - start)
        return best

    # Eight times the text costs eight times the time; a quadratic pattern would take sixty-four times.
    assert cost(40_000) < 30 * max(cost(5_000), 0.002)
