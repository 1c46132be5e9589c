"""``POST /v1/diagnose`` and ``diagnose`` in ``POST /v1/ask``, against a real API server's double."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.settings import Settings
from bot.settings.tokens import ApiToken
from bot.web.models import AskReply, DiagnoseReply
from tests.doubles.engine import StandInEngine
from tests.doubles.kubernetes_api import kubernetes_api
from tests.doubles.server import RunningServer, running_server
from tests.doubles.shell import shell_in
from tests.scenarios.loading import NOW, as_json, load_scenario

SCENARIO = load_scenario(Path(__file__).parents[2] / "scenarios" / "terway-exhausted-crd-condition")
SCOPE = dict(SCENARIO.data["scope"])
ENTRY = "terway-vswitch-ip-exhausted"


@pytest.fixture(scope="module")
def looking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    directory = tmp_path_factory.mktemp("kubeconfig")
    objects = [as_json(one) for one in SCENARIO.objects]
    with kubernetes_api(objects, logs=SCENARIO.logs, now=NOW) as api:
        settings = Settings(kubeconfig=api.kubeconfig(directory), host="127.0.0.1", port=0)
        with running_server(lambda _: StandInEngine(), settings) as running:
            yield running


def events(text: str) -> list[tuple[str, dict[str, object]]]:
    found = []
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


def test_named_entries_are_judged_in_the_scope(looking: RunningServer) -> None:
    reply = looking.http.post("/v1/diagnose", json={"entries": [ENTRY, "flannel-hairpin"], "scope": SCOPE})
    assert reply.status_code == 200, reply.text
    found = DiagnoseReply.model_validate_json(reply.content)
    assert found.verdicts == {ENTRY: "confirmed", "flannel-hairpin": "ruled_out"}
    assert found.cluster.plugin == "terway"
    assert found.requests > 0
    assert all(finding.evidence for finding in found.findings if finding.verdict == "confirmed")


@pytest.mark.parametrize(
    "scope",
    [
        {"namespace": "shop", "pod": "a/../b"},
        {"node": "%2e%2e"},
        {"namespace": "--kubeconfig"},
        {"service": "a.b", "namespace": "shop"},
        {"pod": "x\n", "namespace": "shop"},
    ],
    ids=str,
)
def test_a_name_that_no_object_can_have_is_a_422(looking: RunningServer, scope: dict[str, str]) -> None:
    reply = looking.http.post("/v1/diagnose", json={"entries": [ENTRY], "scope": scope})
    assert (reply.status_code, reply.headers["content-type"]) == (422, "application/problem+json")


def test_without_entries_and_question_all_are_judged(looking: RunningServer) -> None:
    reply = looking.http.post("/v1/diagnose", json={"scope": SCOPE})
    assert len(reply.json()["verdicts"]) == 42


def test_an_unknown_entry_is_a_404_that_names_what_comes_close(looking: RunningServer) -> None:
    reply = looking.http.post("/v1/diagnose", json={"entries": ["terway-vswitch-ip-exausted"]})
    assert reply.status_code == 404
    assert ENTRY in reply.json()["closest"]


def test_an_answer_can_bring_the_diagnosis_along(looking: RunningServer) -> None:
    reply = looking.http.post("/v1/ask", json={"question": f"{ENTRY} here?", "diagnose": True, "scope": SCOPE})
    answer = AskReply.model_validate_json(reply.content)
    assert answer.diagnosis is not None
    assert answer.diagnosis.verdicts[ENTRY] == "confirmed"
    assert "What the cluster shows" in answer.answer.markdown


def test_progress_is_streamed_before_the_result(looking: RunningServer) -> None:
    body = {"entries": [ENTRY], "scope": SCOPE}
    reply = looking.http.post("/v1/diagnose", json=body, headers={"Accept": "text/event-stream"})
    assert reply.headers["content-type"].startswith("text/event-stream")
    told = events(reply.text)
    assert [name for name, _ in told[:-1]] == ["progress"] * (len(told) - 1)
    assert {data["stage"] for _, data in told[:-1]} == {"retrieved", "probing"}
    assert {data.get("state") for _, data in told[1:-1]} == {"reading", "read"}
    name, result = told[-1]
    assert name == "result"
    assert result["verdicts"] == {ENTRY: "confirmed"}


def test_what_goes_wrong_in_a_stream_is_problem_details(server: RunningServer) -> None:
    body = {"question": "x", "diagnose": True}
    reply = server.http.post("/v1/ask", json=body, headers={"Accept": "text/event-stream"})
    name, problem = events(reply.text)[-1]
    assert name == "problem"
    assert problem["type"] == "urn:acknet:problem:no-cluster-access"


def test_a_token_without_the_scope_looks_into_what_is_pasted_only(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    asker, ask = ApiToken.new("asker", ["ask"])
    looker, look = ApiToken.new("looker", ["diagnose"])
    pasted = f"{ENTRY}\n\napiVersion: v1\nkind: Pod\nmetadata:\n  name: web-0\n  namespace: shop\nspec: {{}}\n"
    with kubernetes_api([as_json(one) for one in SCENARIO.objects], logs=SCENARIO.logs, now=NOW) as api:
        settings = Settings(
            kubeconfig=api.kubeconfig(tmp_path_factory.mktemp("kubeconfig")), api_tokens=[asker, looker]
        )
        with running_server(lambda _: StandInEngine(), settings) as server:

            def sources(token: str, question: str) -> str:
                reply = server.http.post(
                    "/v1/diagnose", json={"question": question}, headers={"Authorization": f"Bearer {token}"}
                )
                found: str = reply.json()["cluster"]["source"] if reply.status_code == 200 else reply.json()["type"]
                return found.split(" ", 1)[0]

            assert sources(look, ENTRY) == "context"
            requests = len(api.requests)
            assert sources(ask, ENTRY) == "urn:acknet:problem:no-cluster-access"
            assert sources(ask, pasted) == "pasted"
            assert len(api.requests) == requests


def test_the_shell_shows_what_a_server_looks_at(looking: RunningServer, tmp_path: Path) -> None:
    shown = shell_in(tmp_path).on_terminal(
        "ask", "--server", looking.url, "--diagnose", "-n", SCOPE["namespace"], "--pod", SCOPE["pod"], ENTRY
    )

    assert shown.returncode == 0, shown.text
    assert "looking, read-only" in shown.text
    assert "What the cluster shows" in shown.text
