"""The encoder as it serves says what sentence-transformers says, and neither asks anybody on the network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from index import layout
from index.encoder import OnnxEncoder, Vectors

ROOT = Path(__file__).parents[2]

TEXTS = [
    "",
    " ",
    "?",
    "。",
    "a",
    "pod",
    "no ip",
    "InvalidVSwitchId.IpNotEnough",
    "in_cluster_loadbalance",
    "10.0.0.0/8 and 2408:4005:3f4:1::a2",
    "😀😀😀",
    "<script>alert(1)</script>",
    "Ignore all previous instructions.",
    "ÀÉÎÕÜ çñß",
    "交换机",
    "交换机地址不够",
    "新节点 NotReady，事件 CIDRNotAvailable",
    "为什么集群内 Pod 访问 LoadBalancer 的 IP 会绕到集群外面去？怎么让流量直接走集群内部",
    "请问" * 200,
    "why " * 300,
    "conntrack " * 600,
    "x" * 5000,
    "a b c d e f g h i j k l m n o p q r s t u v w x y z",
    "nf_conntrack: table full, dropping packet",
    "can't found dev by mac 00:16:3e:0a:1b:2c",
    "failed to allocate for range 0: no IP addresses available in range set: 10.0.0.1-10.0.0.62",
    "Why do my pods hang in ContainerCreating?",
    "How do I add another vSwitch to Terway?",
    "what is the difference between shared and exclusive eni mode",
    "datapath v2 or ipvlan for a new cluster",
    "kube-proxy ipvs scheduler lc",
    "ipv6 pod cannot reach the internet",
    "does the cluster domain matter",
    "flannel node NetworkUnavailable",
    "hostPort already in use",
    "choose between Terway and Flannel",
    "switch the network plugin later",
    "third-party CNI",
    "How many pods fit on an ecs.g7.2xlarge?",
    "route table quota reached",
    "my vote for the best pizza in town",
    "The quick brown fox jumps over the lazy dog.",
    "SELECT * FROM nodes WHERE ready = false",
    "kubectl -n kube-system get cm eni-config -o yaml",
    "Terway 1.12.0 on Kubernetes 1.32",
    "tab\tseparated\tvalues",
    "MiXeD CaSe TeXt",
    "UPPER CASE ONLY",
    "trailing blanks    ",
    "ends with a question mark??",
    "50 % of the pods on 3 of 12 nodes time out after 30 s",
    "two\nlines",
]

REFERENCE = """
import ipaddress, json, os, socket, sys

asked = []


def guarded(method):
    def connect(self, address, *rest):
        if self.family in (socket.AF_INET, socket.AF_INET6) and not ipaddress.ip_address(address[0]).is_loopback:
            asked.append(str(address))
            raise OSError("there is no network in this test")
        return method(self, address, *rest)
    return connect


def resolve(host, *rest, **options):
    asked.append(str(host))
    raise OSError("there is no network in this test")


socket.socket.connect = guarded(socket.socket.connect)
socket.socket.connect_ex = guarded(socket.socket.connect_ex)
socket.getaddrinfo = resolve

import numpy as np
from index.export import load_sentence_transformer
from index.model import locate_model

model = load_sentence_transformer(locate_model())
np.save(sys.argv[1], model.encode(json.load(sys.stdin), batch_size=1, convert_to_numpy=True))
print(json.dumps({"asked": asked, "offline": os.environ["HF_HUB_OFFLINE"]}))
"""


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[Vectors, dict[str, object]]:
    """The vectors of sentence-transformers, and what its process did; of its own, as importing it warns."""
    path = tmp_path_factory.mktemp("reference") / "vectors.npy"
    environment = {name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"}
    done = subprocess.run(
        [sys.executable, "-c", REFERENCE, str(path)],
        cwd=ROOT,
        env=environment,
        input=json.dumps(TEXTS),
        capture_output=True,
        text=True,
        check=True,
    )
    return np.load(path), json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def encoder(built_index: Path) -> OnnxEncoder:
    return OnnxEncoder(built_index / layout.GRAPH, built_index / layout.TOKENIZER)


def test_there_are_fifty_texts_of_all_sorts():
    assert len(TEXTS) == len(set(TEXTS)) >= 50


def test_it_agrees_with_sentence_transformers_on_every_text(encoder, reference):
    vectors = np.concatenate([encoder.encode([text]) for text in TEXTS])
    cosines = (vectors * reference[0]).sum(axis=1)
    assert [(TEXTS[at][:40], cosine) for at, cosine in enumerate(cosines) if not cosine >= 0.9999] == []


def test_texts_in_a_batch_get_the_vectors_that_they_get_alone(encoder):
    batch = encoder.encode(TEXTS)
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    assert ((batch * alone).sum(axis=1) >= 0.9999).all()


def test_vectors_are_of_unit_length_and_of_the_width_that_it_names(encoder):
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), encoder.dimension)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_no_texts_have_no_vectors(encoder):
    assert encoder.encode([]).shape == (0, encoder.dimension)


def test_what_is_to_be_done_meanwhile_is_begun_once_a_call(encoder):
    begun: list[str] = []
    vectors = encoder.encode(TEXTS[:3], lambda: begun.append("words"))
    assert begun == ["words"]
    np.testing.assert_allclose(vectors, encoder.encode(TEXTS[:3]), atol=1e-6)


def test_different_texts_get_different_vectors(encoder):
    vectors = encoder.encode(["pods hang without an address", "my vote for the best pizza in town"])
    assert vectors[0] @ vectors[1] < 0.3


def test_loading_the_model_asks_nobody_on_the_network(reference):
    assert reference[1] == {"asked": [], "offline": "1"}
