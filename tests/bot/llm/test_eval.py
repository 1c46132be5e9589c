"""``acknet eval --llm`` shows whether a model helps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.doubles.openai_server import Reply, model_server
from tests.doubles.shell import shell_in

GERMAN = "Meine Pods haben nach dem Hinzufügen eines neuen vSwitch keinen Internetzugang mehr, woran liegt das?"


@pytest.fixture
def questions(tmp_path: Path) -> str:
    file = tmp_path / "questions.jsonl"
    line = {"id": "q", "query": GERMAN, "lang": "en", "kind": "question", "ambiguous": False}
    file.write_text(json.dumps(line | {"gold": ["terway-vswitch-no-internet"]}))
    return str(file)


@pytest.mark.parametrize(
    ("said", "refusals"),
    [('{"question": "Pods have no internet access after adding a new vSwitch to Terway"}', 0.0), ("noise", 1.0)],
    ids=["one that helps", "one that does not"],
)
def test_the_figures_without_the_model_stand_beside_those_with_it(
    tmp_path: Path, built_cache: Path, questions: str, said: str, refusals: float
) -> None:
    with model_server(Reply(said)) as server:
        shell = shell_in(tmp_path, ACKNET_CACHE_DIR=str(built_cache), ACKNET_LLM_URL=server.url)
        done = shell.run("eval", questions, "--llm", "--json")
        assert server.asked
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["without_model"]["overall"]["false_refusals"] == 1.0
    assert found["with_model"]["overall"]["false_refusals"] == refusals


def test_without_a_model_it_says_what_is_missing(tmp_path: Path, questions: str) -> None:
    done = shell_in(tmp_path).run("eval", questions, "--llm")
    assert done.returncode == 2
    assert "ACKNET_LLM_URL" in done.stderr
