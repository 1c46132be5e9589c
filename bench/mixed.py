"""How much looks into a cluster slow those down who only ask: ``python -m bench.mixed``.

Spells without and with looks take turns, so that whatever else the machine does falls on both.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from threading import Event, Thread
from typing import Any

from bench.environment import REPOSITORY, BenchError, ensure_index
from bench.report import Report, milliseconds, parser, percentile, run
from bench.serving import Serving, load, served
from bot.client import AsyncClient, ClientError
from bot.web.models import Scope

__all__ = ["measure"]

_CLIENTS = 8
_QUESTION = "my pod hangs in ContainerCreating, it gets no address"


def measure(arguments: argparse.Namespace) -> Report:
    """Load a server in turns: questions alone, and questions while somebody looks every ``--every`` seconds."""
    spell, rounds = (2.0, 2) if arguments.quick else (arguments.seconds, arguments.rounds)
    ensure_index()
    alone: list[dict[str, Any]] = []
    beside: list[dict[str, Any]] = []
    looks: list[float] = []
    with _cluster() as cluster, served(ACKNET_KUBECONFIG=cluster["kubeconfig"]) as server:
        load(server, _CLIENTS, 2.0)
        scope = Scope(namespace=cluster["namespace"], pod=cluster["pod"])
        for _ in range(rounds):
            alone.append(load(server, _CLIENTS, spell))
            with _looking(server, scope, arguments.every, looks):
                beside.append(load(server, _CLIENTS, spell))
    rows, figures = [], {}
    for name, spells in (("questions alone", alone), ("with looks beside", beside)):
        rate = median(len(one["seconds"]) / one["wall"] for one in spells)
        p50, p99 = (median(percentile(one["seconds"], percent) for one in spells) for percent in (50, 99))
        missed = sum(sum(one["errors"].values()) for one in spells)
        rows.append((name, f"{rate:.0f}", milliseconds(p50), milliseconds(p99), str(missed)))
        figures[name] = {"answers_per_second": rate, "p50": p50, "p99": p99, "errors": missed}
    slower = figures["with looks beside"]["p50"] / figures["questions alone"]["p50"] - 1
    return Report(
        f"Questions while a cluster is looked into: {_CLIENTS} clients",
        ("load", "answers/s", "p50 ms", "p99 ms", "errors"),
        tuple(rows),
        (
            f"With looks beside them questions take {slower:+.0%} in the median of {rounds} turns of {spell:g} s each.",
            f"A look at what may explain that a pod hangs began every {arguments.every:g} s; {len(looks)} were done, "
            f"each in {median(looks):.1f} s."
            if looks
            else "No look was done.",
            "The API server's double, which makes a cluster of 5,000 nodes when it is asked for, shares the cores.",
        ),
        {"loads": figures, "slower": slower, "looks": looks},
    )


@contextmanager
def _cluster() -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory() as directory:
        program = [sys.executable, "-m", "bench.simulated_cluster", "--nodes", "5000", "--pods", "150000"]
        process = subprocess.Popen(
            [*program, "--latency", "0.02", str(Path(directory))],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise BenchError("the simulated cluster did not start")
            yield json.loads(line)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(60)


@contextmanager
def _looking(server: Serving, scope: Scope, every: float, looks: list[float]) -> Iterator[None]:
    """Have a look taken every so many seconds, one at a time, until the block is left."""
    stopped = Event()

    async def look() -> None:
        loop = asyncio.get_running_loop()
        async with AsyncClient(server.url, 120, retries=0) as client:
            while not stopped.is_set():
                begun = loop.time()
                try:
                    await client.diagnose(_QUESTION, scope=scope)
                except ClientError as error:
                    raise BenchError(f"a look failed: {error}") from error
                looks.append(loop.time() - begun)
                await asyncio.sleep(max(0.0, every - (loop.time() - begun)))

    thread = Thread(target=lambda: asyncio.run(look()))
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(180)


if __name__ == "__main__":
    command = parser("mixed", "See how much looks into a cluster slow down those who only ask acknet serve.")
    command.add_argument("--seconds", type=float, default=10.0, help="how long each spell lasts (default: 10)")
    command.add_argument("--rounds", type=int, default=5, help="how often spells take turns (default: 5)")
    command.add_argument("--every", type=float, default=2.0, help="seconds between the begins of looks (default: 2)")
    run("mixed", command.parse_args(), measure)
