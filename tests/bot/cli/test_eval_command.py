"""``acknet eval`` as a process: its figures, its picture, and what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from index.evaluate import Report
from tests.doubles.shell import STAND_IN, shell_in

ENTRY, OTHER = "terway-eni-modes", "flannel-hairpin"


def line(number: int, query: object, kind: str, gold: list[str], *, lang: str = "en", ambiguous: bool = False) -> str:
    question = {"id": f"q{number}", "query": query, "lang": lang, "kind": kind, "gold": gold, "ambiguous": ambiguous}
    return json.dumps(question)


# The stand-in ranks the entry that is named first, and the first of the corpus where none is.
QUESTIONS = [
    line(1, f"about {ENTRY}", "question", [ENTRY]),
    line(2, f"about {OTHER}", "question", [ENTRY, OTHER]),
    line(3, f"CHOOSE {ENTRY}", "symptom", [ENTRY]),
    line(4, ["先前", f"REFUSE {ENTRY}"], "zh", [ENTRY], lang="zh"),
    line(5, f"CHOOSE {ENTRY}", "ambiguous", [ENTRY, "flannel-cni-version"], ambiguous=True),
    line(6, "REFUSE bread", "out", []),
    line(7, "bread", "out", []),
]

TABLE = """\
           questions   hit@1  recall@3    MRR  false refusals  needless choices
question           2  100.0%    100.0%  1.000            0.0%              0.0%
symptom            1  100.0%    100.0%  1.000            0.0%            100.0%
zh                 1  100.0%    100.0%  1.000          100.0%              0.0%
ambiguous          1       -         -      -               -                 -
out                2       -         -      -               -                 -

en                 6  100.0%    100.0%  1.000            0.0%             33.3%
zh                 1  100.0%    100.0%  1.000          100.0%              0.0%

all                7  100.0%    100.0%  1.000           25.0%             25.0%

ambiguous (1): all their entries in the top five 100.0%, offered as choices 100.0%, refused 0.0%
out of scope (2): refused 50.0%
wrong answers among all 7: 14.3%
confidence: AUROC 1.000, area under the risk-coverage curve 0.082
  90% of the answers are right when 71.4% are answered
  95% of the answers are right when 71.4% are answered
  98% of the answers are right when 71.4% are answered
"""


@pytest.fixture
def shell(tmp_path):
    return shell_in(tmp_path, command=STAND_IN)


@pytest.fixture
def questions(tmp_path):
    file = tmp_path / "questions.jsonl"
    file.write_text("\n".join(QUESTIONS), encoding="utf-8")
    return str(file)


def test_the_figures_are_told_by_kind_by_language_and_for_all(shell, questions):
    done = shell.run("eval", questions)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == TABLE


def test_json_holds_the_whole_report(shell, questions):
    done = shell.run("eval", "--json", questions)
    assert (done.returncode, done.stderr) == (0, "")
    report = Report.model_validate_json(done.stdout)
    assert (report.overall.n, report.overall.answerable, report.overall.false_refusals) == (7, 4, 0.25)
    assert [(point.confidence, point.coverage) for point in report.curve] == [(0.75, 5 / 7), (0.25, 1.0)]


def test_figures_of_nothing_are_dashes(shell, tmp_path):
    (tmp_path / "out.jsonl").write_text(QUESTIONS[6])
    done = shell.run("eval", str(tmp_path / "out.jsonl"))
    assert done.returncode == 0
    assert "confidence: AUROC -, " in done.stdout
    assert "ambiguous" not in done.stdout


def test_the_picture_is_a_png(shell, questions, tmp_path):
    done = shell.run("eval", questions, "--plot", str(tmp_path / "figures.png"))
    assert (done.returncode, done.stdout, done.stderr) == (0, TABLE, "")
    assert (tmp_path / "figures.png").read_bytes().startswith(b"\x89PNG")


def test_a_picture_that_cannot_be_written_is_one_line_after_the_figures(shell, questions, tmp_path):
    done = shell.run("eval", questions, "--plot", str(tmp_path / "missing" / "figures.png"))
    assert (done.returncode, done.stdout) == (2, TABLE)
    assert re.fullmatch(r"acknet: --plot: .*/missing/figures\.png: cannot be written: .*\n", done.stderr)


def test_a_terminal_shows_progress_and_then_the_figures(shell, questions):
    shown = shell.on_terminal("eval", questions, columns=120)
    assert shown.returncode == 0
    assert "asking" in shown.text
    assert shown.text.endswith(TABLE)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", r"{file}:1: .*"),
        ("\n" + QUESTIONS[0] + "\n" + QUESTIONS[0], r"{file}:3: id 'q1' is taken by line 2"),
        ("", r"{file}:1: there is no question in this file"),
        (
            line(1, "why?", "question", ["terway-eni-mode"]),
            r"{file}: question 'q1': the corpus has no entry 'terway-eni-mode'",
        ),
    ],
)
def test_a_question_set_that_cannot_be_used_is_one_line(shell, tmp_path, content, said):
    file = tmp_path / "questions.jsonl"
    file.write_text(content)
    done = shell.run("eval", str(file))
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(f"acknet: {said.format(file=re.escape(str(file)))}\n", done.stderr)


def test_a_file_that_is_not_there_is_one_line(shell, tmp_path):
    done = shell.run("eval", str(tmp_path / "missing.jsonl"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"acknet: {tmp_path}/missing.jsonl: cannot be read: No such file or directory\n"


def test_an_index_that_cannot_be_opened_is_one_line(tmp_path, questions):
    done = shell_in(tmp_path, command=STAND_IN, STAND_IN="fails").run("eval", questions)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_the_shipped_question_set_runs_through_the_real_index(tmp_path, built_cache):
    shipped = Path(__file__).parents[2] / "questions" / "heldout.jsonl"
    asked = shipped.read_text(encoding="utf-8").splitlines()[::10]
    (tmp_path / "some.jsonl").write_text("\n".join(asked), encoding="utf-8")
    done = shell_in(tmp_path, ACKNET_CACHE_DIR=str(built_cache)).run("eval", "--json", str(tmp_path / "some.jsonl"))
    assert (done.returncode, done.stderr) == (0, "")
    report = Report.model_validate_json(done.stdout)
    assert report.overall.n == len(asked)
    assert report.overall.hit_at_1 is not None
    assert report.overall.hit_at_1 > 0.8
