"""What `bench.warm` times, each opened in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from bench.environment import BenchError
from bench.systems import system
from bench.worker import Round, Times
from bot.engine import Engine, open_engine
from bot.settings import load_settings
from index.encoder import OnnxEncoder

__all__ = ["ASK", "ENCODE", "open_acknet", "open_system"]

ASK = "acknet ask"
ENCODE = "acknet's encoder alone"


@dataclass(frozen=True, slots=True)
class _Question:
    """A question, and the encoder pass that answering it makes: which encoder, which texts."""

    text: str
    encoder: OnnxEncoder
    encoded: list[str]


def open_acknet(asked: Sequence[str]) -> Round:
    """Return a round of `Engine.ask` and, question by question, of the encoder pass that it contains.

    Which of the two comes first changes from question to question and from round to round.
    """
    engine = open_engine(load_settings())
    prepared = [_watched(engine, question) for question in asked]
    rounds = 0

    def call() -> Times:
        nonlocal rounds
        rounds += 1
        times: Times = {ASK: [], ENCODE: []}
        for number, question in enumerate(prepared, rounds):
            pair: list[tuple[str, Callable[[_Question], object]]] = [
                (ASK, lambda one: engine.ask([one.text])),
                (ENCODE, lambda one: one.encoder.encode(one.encoded)),
            ]
            for name, measured in pair if number % 2 else reversed(pair):
                start = time.perf_counter()
                measured(question)
                times[name].append(time.perf_counter() - start)
        return times

    return call


def _watched(engine: Engine, question: str) -> _Question:
    """Ask twice and see what is encoded: both times the same, or answers are remembered and times mean nothing."""
    with mock.patch.object(OnnxEncoder, "encode", autospec=True, side_effect=OnnxEncoder.encode) as encode:
        engine.ask([question])
        engine.ask([question])
    passes = [(call.args[0], list(call.args[1])) for call in encode.call_args_list]
    if len(passes) != 2 or passes[0] != passes[1]:
        raise BenchError(f"expected one encoder pass each time the question is asked: {question[:60]!r}")
    return _Question(question, *passes[0])


def open_system(name: str, asked: Sequence[str], texts: Sequence[str], model: Path, directory: Path) -> Round:
    """Build and open the compared system ``name``, and return a round of its search."""
    chosen = system(name)
    chosen.build(texts, model, directory)
    opened = chosen.open(model, directory)
    if opened.search(texts[0])[0] != texts[0]:
        raise BenchError(f"{name} does not find a text by itself")

    def call() -> Times:
        times = []
        for question in asked:
            start = time.perf_counter()
            opened.search(question)
            times.append(time.perf_counter() - start)
        return {name: times}

    return call
