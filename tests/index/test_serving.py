"""What a process loads to serve a built index: nothing that only building needs, and nothing from the network."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

BUILD_ONLY = ("torch", "transformers", "sentence_transformers", "sklearn", "scipy", "bm25s", "onnx", "onnxscript")

RANK = """
import json, socket, sys


def refuse(*_, **__):
    raise SystemExit("the serving path went to the network")


socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse

from pathlib import Path
from index.build import open_index

ranking = open_index(Path(sys.argv[1])).rank(["Which entry is it?", sys.argv[2]])
loaded = sorted({name.partition(".")[0] for name in sys.modules})
print(json.dumps({"loaded": loaded, "best": ranking.entries[0].entry, "outcome": ranking.outcome}))
"""


@pytest.fixture(scope="module")
def served(built_cache: Path) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", RANK, str(built_cache), "Pods hang, terway says InvalidVSwitchId.IpNotEnough"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_a_question_is_ranked_without_a_network(served):
    assert (served["best"], served["outcome"]) == ("terway-vswitch-ip-exhausted", "answer")


@pytest.mark.parametrize("module", BUILD_ONLY)
def test_what_only_building_needs_is_not_loaded(served, module):
    assert module not in served["loaded"]


def test_what_serving_needs_is_loaded(served):
    """The test above would pass for a process that loaded nothing."""
    assert {"onnxruntime", "tokenizers", "faiss", "numpy"} <= set(served["loaded"])
