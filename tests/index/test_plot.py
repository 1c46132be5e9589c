"""The picture of an evaluation."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from index.evaluate import Judgement, Question, evaluate
from index.plot import PlotError, plot_report


def judged(gold: list[str], kind: str, confidence: float) -> Judgement:
    question = Question.model_validate({"id": "q", "query": "?", "lang": "en", "kind": kind, "gold": gold})
    return Judgement(question=question, ranked=("a", "b"), confidence=confidence, refused=False, choices=False)


RIGHT = judged(["a"], "terse", 0.9)
WRONG = judged(["b"], "thread", 0.4)
STRAY = judged([], "out", 0.6)


def png_size(path: Path) -> tuple[int, int]:
    """Width and height from the PNG's header (RFC 2083, 4.1.1)."""
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", data[16:24])


@pytest.mark.parametrize(
    "judgements",
    [
        pytest.param([RIGHT, WRONG, STRAY], id="all sorts"),
        pytest.param([RIGHT], id="one right"),
        pytest.param([WRONG], id="one wrong"),
        pytest.param([STRAY], id="out of scope only"),
        pytest.param([], id="none"),
    ],
)
def test_every_report_makes_a_png(tmp_path, judgements):
    plot_report(evaluate(judgements), tmp_path / "figures.png")
    width, height = png_size(tmp_path / "figures.png")
    assert width > height > 400


def test_it_is_a_png_under_exactly_the_name_given(tmp_path):
    plot_report(evaluate([RIGHT]), tmp_path / "figures.pdf")
    assert [path.name for path in tmp_path.iterdir()] == ["figures.pdf"]
    png_size(tmp_path / "figures.pdf")


def test_the_picture_shows_the_figures(tmp_path):
    for name, judgements in (("good.png", [RIGHT, RIGHT]), ("bad.png", [RIGHT, WRONG])):
        plot_report(evaluate(judgements), tmp_path / name)
    assert (tmp_path / "good.png").read_bytes() != (tmp_path / "bad.png").read_bytes()


def test_drawing_leaves_the_drawing_state_of_other_programs_alone(tmp_path):
    plot_report(evaluate([RIGHT]), tmp_path / "figures.png")
    assert plt.get_fignums() == []


def test_without_matplotlib_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(PlotError, match=r"pip install 'acknet\[plot\]'"):
        plot_report(evaluate([RIGHT]), tmp_path / "figures.png")


@pytest.mark.parametrize("name", ["missing/figures.png", "."])
def test_a_path_that_cannot_be_written_is_named(tmp_path, name):
    path = tmp_path / name
    with pytest.raises(PlotError, match=f"{path}: cannot be written: "):
        plot_report(evaluate([RIGHT]), path)
