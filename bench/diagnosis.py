"""What a look into a cluster costs: requests, bytes, time and memory, in a large cluster and in a small one.

``python -m bench.diagnosis``. A process serves a simulated cluster on loopback and answers 20 ms late; another one
reads it as `acknet diagnose` does.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.diagnosing import open_diagnosis
from bench.environment import REPOSITORY, BenchError
from bench.report import Report, parser, run
from bench.worker import Times, Worker
from bot.diagnosis.facts.registry import Scope

__all__ = ["SUSPECTED", "measure"]

SUSPECTED = (
    "terway-vswitch-ip-exhausted",
    "terway-eni-quota-reached",
    "terway-mac-not-found",
    "terway-pod-ip-outside-vswitch",
    "flannel-pod-cidr-exhausted",
)
"""The entries that "my pod hangs in ContainerCreating, it gets no address" brings up."""

_LATENCY_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class _Size:
    nodes: int
    pods: int

    def __str__(self) -> str:
        return f"{self.nodes:,} nodes, {self.pods:,} pods"


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    entries: tuple[str, ...]
    of_pod: bool


@dataclass(frozen=True, slots=True)
class _Cost:
    """What one diagnosis costs, in the middle of all runs; ``mb`` is the peak of the process."""

    requests: float
    bytes: float
    seconds: float
    slowest_seconds: float
    mb: float

    def over(self, other: _Cost) -> dict[str, float]:
        """Return this cost as a multiple of another one."""
        return {name: getattr(self, name) / getattr(other, name) for name in ("requests", "bytes", "seconds", "mb")}


_LARGE, _SMALL = _Size(5_000, 150_000), _Size(50, 500)
_CASES = (
    _Case("a named pod, five entries", SUSPECTED, of_pod=True),
    _Case("a named pod, one entry", SUSPECTED[2:3], of_pod=True),
    _Case("a named pod, all entries", (), of_pod=True),
    _Case("the whole cluster, all entries", (), of_pod=False),
)


def measure(arguments: argparse.Namespace) -> Report:
    """Serve both clusters, and diagnose them in turns in every way."""
    runs = 3 if arguments.quick else arguments.runs
    costs: dict[tuple[_Case, _Size], _Cost] = {}
    with _served(_LARGE) as large, _served(_SMALL) as small:
        for case in _CASES:
            print(case.name, file=sys.stderr)
            costs[case, _LARGE], costs[case, _SMALL] = _costs(case, runs, large, small)
    rows: list[tuple[str, ...]] = []
    for case in _CASES:
        rows += [(case.name, str(size), *_cells(costs[case, size])) for size in (_LARGE, _SMALL)]
        ratios = costs[case, _LARGE].over(costs[case, _SMALL])
        requests, read, seconds, memory = (f"{ratio:.2f}" for ratio in ratios.values())
        rows.append((case.name, "large by small", requests, read, seconds, "", memory))
    return Report(
        "Diagnosis: a look into a simulated cluster over HTTP",
        ("", "cluster", "requests", "KiB read", "p50 ms", "slowest ms", "peak MB"),
        tuple(rows),
        (
            f"Targets: 12 requests, 1024 KiB, 1000 ms with {_LATENCY_SECONDS * 1000:.0f} ms added to every response, "
            "300 MB (10^6 bytes); large by small at most 1.20; one entry reads less than five. A Terway before "
            "v1.17.1 does not report its data path: all entries at once then take a request more, for a log.",
            f"{runs} runs each after one that does not count, in a process of its own that opens the cluster anew each "
            "time; the two clusters take turns. Start and imports count for memory alone.",
            "The pod hangs on a node with 33 pods in both clusters; the other nodes share the rest "
            "(bench/simulated_cluster.py). Objects are as large as real ones; the server shares this machine.",
        ),
        {
            "runs": runs,
            "latency_seconds": _LATENCY_SECONDS,
            "cases": {
                case.name: {
                    "entries": case.entries or "all",
                    "large": _figures(costs[case, _LARGE]),
                    "small": _figures(costs[case, _SMALL]),
                    "large_by_small": costs[case, _LARGE].over(costs[case, _SMALL]),
                }
                for case in _CASES
            },
        },
    )


def _cells(cost: _Cost) -> tuple[str, ...]:
    times = (f"{seconds * 1000:.0f}" for seconds in (cost.seconds, cost.slowest_seconds))
    return (f"{cost.requests:.0f}", f"{cost.bytes / 1024:.0f}", *times, f"{cost.mb:.0f}")


def _figures(cost: _Cost) -> dict[str, float]:
    return {name: getattr(cost, name) for name in _Cost.__slots__}


@contextmanager
def _served(size: _Size) -> Iterator[dict[str, str]]:
    """Serve a cluster of that size from a process of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        program = ["-m", "bench.simulated_cluster", "--nodes", str(size.nodes), "--pods", str(size.pods)]
        process = subprocess.Popen(
            [sys.executable, *program, "--latency", str(_LATENCY_SECONDS), scratch],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line:
                raise BenchError("the simulated cluster was not served")
            cluster: dict[str, str] = json.loads(line)
            yield cluster
        finally:
            process.stdin.close()
            process.wait(30)


def _costs(case: _Case, runs: int, *clusters: dict[str, str]) -> list[_Cost]:
    """Return what the diagnosis costs in each of the clusters, which take turns."""
    with ExitStack() as stack:
        workers = []
        for cluster in clusters:
            scope = Scope(cluster["namespace"], cluster["pod"]) if case.of_pod else Scope()
            worker = Worker(open_diagnosis, Path(cluster["kubeconfig"]), scope, case.entries)
            workers.append(stack.enter_context(worker))
        seen: list[list[Times]] = [[] for _ in workers]
        for turn in range(runs + 1):
            for worker, times in zip(workers, seen, strict=True):
                found = worker.round()
                if turn:  # the first one makes the server's objects and compiles the corpus's expressions
                    times.append(found)
    return [_cost(times) for times in seen]


def _cost(rounds: Sequence[Times]) -> _Cost:
    values = {name: [value for one in rounds for value in one[name]] for name in ("requests", "bytes", "seconds", "mb")}
    middle = {name: median(some) for name, some in values.items() if name != "mb"}
    return _Cost(**middle, slowest_seconds=max(values["seconds"]), mb=max(values["mb"]))


if __name__ == "__main__":
    command = parser("diagnosis", "Count what a look into a simulated cluster costs.")
    command.add_argument("--runs", type=int, default=20, help="how often each diagnosis is made (default: 20)")
    run("diagnosis", command.parse_args(), measure)
