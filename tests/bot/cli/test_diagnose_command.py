"""``acknet diagnose`` and ``acknet snapshot`` as a person runs them, against a real HTTP server and real files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.doubles.kubernetes_api import Fault, kubernetes_api
from tests.scenarios.loading import NOW, as_json, load_scenario
from tests.scenarios.sources import write_snapshot_of

SCENARIO = load_scenario(Path(__file__).parents[2] / "scenarios" / "terway-exhausted-crd-condition")
SCOPE = [word for key, value in SCENARIO.data["scope"].items() for word in (f"--{key}", str(value))]


def acknet(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    own = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "NO_COLOR": "1"} | environment
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments], env=own, input=stdin, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("snapshot")
    write_snapshot_of(SCENARIO, directory)
    return directory


def test_a_confirmed_case_ends_with_1_and_is_told_first_with_its_evidence_and_steps(snapshot: Path) -> None:
    done = acknet("diagnose", "--snapshot", str(snapshot), *SCOPE)
    assert done.returncode == 1, done.stderr
    assert done.stderr == ""
    text = done.stdout
    assert text.index("**Confirmed**") < text.index("**Ruled out**")
    assert "`terway-vswitch-ip-exhausted`" in text[text.index("**Confirmed**") : text.index("**Ruled out**")]
    assert "kubectl " in text
    assert "## Steps" in text


def test_json_has_the_promised_fields(snapshot: Path) -> None:
    done = acknet("diagnose", "--json", "--snapshot", str(snapshot), *SCOPE)
    found = json.loads(done.stdout)
    assert {"cluster", "verdicts", "findings", "requests", "bytes", "elapsed_ms"} <= found.keys()
    assert {"version", "plugin", "mode", "datapath", "source"} <= found["cluster"].keys()
    assert found["cluster"]["plugin"] == "terway"
    assert len(found["verdicts"]) == 42
    for finding in found["findings"]:
        assert {"entry", "case", "claim", "verdict", "by_hand", "missing", "evidence"} == finding.keys()
        for evidence in finding["evidence"]:
            assert {"object", "field", "value", "seen_at", "kubectl"} == evidence.keys()


def test_an_entry_narrows_what_is_judged(snapshot: Path) -> None:
    done = acknet("diagnose", "--json", "--entry", "flannel-ip-leak", "--snapshot", str(snapshot))
    assert done.returncode == 0
    assert json.loads(done.stdout)["verdicts"] == {"flannel-ip-leak": "ruled_out"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--snapshot", "/nonexistent/dump"], "/nonexistent/dump"),
        (["--entry", "hostport", "--snapshot", "/tmp"], "did you mean host-port"),
        (["--snapshot", "/tmp", "--now", "yesterday"], "--now"),
        (["--kubeconfig", "/nonexistent/config"], "/nonexistent/config"),
        ([], "kubeconfig"),
        (["--snapshot", "/tmp", "--pod", "a/../b"], "no name that a pod can have"),
        (["--snapshot", "/tmp", "--node", "%2e%2e"], "no name that a node can have"),
        (["--snapshot", "/tmp", "--namespace=--kubeconfig"], "no name that a namespace can have"),
        (["--snapshot", "/tmp", "--service", "a.b"], "no name that a service can have"),
    ],
)
def test_what_cannot_be_looked_into_is_one_line_and_2(arguments: list[str], says: str) -> None:
    done = acknet("diagnose", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert says in done.stderr


def test_a_live_cluster_is_only_read_and_a_snapshot_of_it_gives_the_same_verdicts(tmp_path: Path) -> None:
    objects = [as_json(one) for one in SCENARIO.objects]
    with kubernetes_api(objects, logs=SCENARIO.logs, now=NOW) as api:
        kubeconfig = str(api.kubeconfig(tmp_path))
        live = acknet("diagnose", "--json", *SCOPE, KUBECONFIG=kubeconfig)
        taken = acknet("snapshot", str(tmp_path / "dump.tar.gz"), *SCOPE, KUBECONFIG=kubeconfig)
        again = acknet("snapshot", str(tmp_path / "dump.tar.gz"), *SCOPE, KUBECONFIG=kubeconfig)
        methods = {request.method for request in api.requests}
    assert methods == {"GET"}
    assert taken.returncode == 0, taken.stderr
    assert again.returncode == 2
    assert "exists already" in again.stderr
    replayed = acknet("diagnose", "--json", "--snapshot", str(tmp_path / "dump.tar.gz"), *SCOPE)
    assert json.loads(replayed.stdout)["verdicts"] == json.loads(live.stdout)["verdicts"]


def test_a_snapshot_tells_programs_what_is_in_it_and_what_is_not(tmp_path: Path) -> None:
    objects = [as_json(one) for one in SCENARIO.objects]
    faults = [Fault("/api/v1/namespaces/kube-system/configmaps", status=403)]
    with kubernetes_api(objects, logs=SCENARIO.logs, now=NOW, faults=faults) as api:
        out = tmp_path / "dump"
        taken = acknet("snapshot", str(out), "--json", *SCOPE, KUBECONFIG=str(api.kubeconfig(tmp_path)))
    assert (taken.returncode, taken.stderr) == (0, "")
    told = json.loads(taken.stdout)
    assert [*told] == ["path", "objects", "logs", "missing"]
    assert told["path"] == str(out)
    assert told["objects"] > 0
    assert {"kind": "configmaps", "reason": "forbidden"} in told["missing"]


def test_a_cluster_that_hangs_gives_a_complete_answer_within_the_time_limit(tmp_path: Path) -> None:
    with kubernetes_api([], faults=[Fault("/", hang=True)]) as api:
        done = acknet(
            "diagnose",
            "--json",
            KUBECONFIG=str(api.kubeconfig(tmp_path)),
            ACKNET_DIAGNOSIS_TIMEOUT="2",
        )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found["verdicts"].values()) <= {"unreadable", "by_hand", "open"}
    assert any("not read within 2 s" in one for finding in found["findings"] for one in finding["missing"])


def test_a_cluster_that_forbids_everything_names_what_is_missing(tmp_path: Path) -> None:
    with kubernetes_api([as_json(one) for one in SCENARIO.objects], rbac=[]) as api:
        done = acknet("diagnose", "--json", *SCOPE, KUBECONFIG=str(api.kubeconfig(tmp_path)))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert "confirmed" not in found["verdicts"].values()
    assert any("not permitted" in missing for finding in found["findings"] for missing in finding["missing"])
