"""How many questions a second ``acknet serve`` answers over HTTP on loopback, with 1, 8 and 64 clients.

``python -m bench.throughput``. Server and load generator are two processes that share the machine's cores.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.environment import REPOSITORY, BenchError, ensure_index
from bench.report import Report, milliseconds, parser, percentile, run

__all__ = ["measure"]

_CLIENTS = (1, 8, 64)
_WARM_UP_SECONDS = 2.0
_START_SECONDS = 60.0
_LOAD_GRACE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Running:
    host: str
    port: int
    pid: int

    @property
    def peak_mb(self) -> float | None:
        """The server's peak of resident memory, where /proc tells it."""
        status = Path(f"/proc/{self.pid}/status")
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="utf-8")) if status.is_file() else None
        return int(found[1]) * 1024 / 1e6 if found else None


def measure(arguments: argparse.Namespace) -> Report:
    """Start a server, load it with more and more clients, and stop it."""
    seconds = 2.0 if arguments.quick else arguments.seconds
    ensure_index()
    with _served() as server:
        _load(server, 8, _WARM_UP_SECONDS)
        found = {clients: _load(server, clients, seconds) for clients in _CLIENTS}
        peak = server.peak_mb
    rows, figures = [], {}
    for clients, seen in found.items():
        times, errors = seen["seconds"], seen["errors"]
        if not times:
            raise BenchError(f"no question was answered with {clients} clients: {errors}")
        rate, missed = len(times) / seen["wall"], sum(errors.values())
        p50, p95, p99 = (percentile(times, percent) for percent in (50, 95, 99))
        rows.append((str(clients), f"{rate:.0f}", *map(milliseconds, (p50, p95, p99)), str(len(times)), str(missed)))
        figures[clients] = {
            "answers_per_second": rate,
            "seconds": {"p50": p50, "p95": p95, "p99": p99},
            "answers": len(times),
            "errors": errors,
        }
    return Report(
        "Throughput: POST /v1/ask over loopback",
        ("clients", "answers/s", "p50 ms", "p95 ms", "p99 ms", "answers", "errors"),
        tuple(rows),
        (
            "A client asks again as soon as it has its answer, over one connection; answers are those with status 200, "
            "times those that the client sees.",
            f"{seconds:g} s a line after {_WARM_UP_SECONDS:g} s that do not count. The load generator takes "
            "its share of the same cores." + (f" The server's peak memory was {peak:.0f} MB." if peak else ""),
        ),
        {"load_seconds": seconds, "clients": figures, "server_peak_mb": peak},
    )


@contextmanager
def _served() -> Iterator[_Running]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "serve", "--host", "127.0.0.1", "--port", "0"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://([\d.]+):(\d+)", line)
        if found is None:
            raise BenchError(f"acknet serve did not tell its address: {line.strip()!r}")
        _wait_until_ready(found[0])
        yield _Running(found[1], int(found[2]), process.pid)
    finally:
        process.terminate()
        process.wait(30)


def _wait_until_ready(url: str) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            opener.open(f"{url}/readyz", timeout=5).close()
        except (urllib.error.URLError, TimeoutError) as error:
            if time.monotonic() > deadline:
                raise BenchError(f"acknet serve was not ready after {_START_SECONDS:g} s: {error}") from error
            time.sleep(0.1)
        else:
            return


def _load(server: _Running, clients: int, seconds: float) -> dict[str, Any]:
    program = [sys.executable, "-m", "bench.load", server.host, str(server.port), str(clients), str(seconds)]
    try:
        done = subprocess.run(
            program, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=seconds + _LOAD_GRACE_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"the load of {clients} clients did not end") from error
    if done.returncode:
        raise BenchError(f"the load generator failed: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


if __name__ == "__main__":
    command = parser("throughput", "Count the answers a second of acknet serve on loopback.")
    command.add_argument("--seconds", type=float, default=15.0, help="how long each load lasts (default: 15)")
    run("throughput", command.parse_args(), measure)
