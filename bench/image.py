"""What the container image holds and takes: bytes installed, start to ready, resident memory, CPU for each question.

``python -m bench.image PREFIX CACHE``: what ``deploy/image/build.sh`` made, its environment and index. It is started
as the image starts it and asked over HTTP.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from bench.environment import BenchError
from bench.questions import questions
from bench.report import Report, parser, run

__all__ = ["measure"]

_SECONDS = 120
_CLIENTS = 64
_PASTE = 10_000
"""Characters of every tenth question that clients ask at once."""


def measure(arguments: argparse.Namespace) -> Report:
    """Start it as often as asked for; the first start brings its files into memory and does not count."""
    prefix, cache = arguments.prefix.resolve(), arguments.cache.resolve()
    starts = 2 if arguments.quick else arguments.runs
    asked_for = questions(20 if arguments.quick else arguments.questions)
    at_once = list(_distinct(asked_for, 64 if arguments.quick else 640))
    seconds, starting, ready, asking, asked, loaded = [], [], [], [], [], 0
    for turn in range(starts + 1):
        with _served(prefix, cache) as (url, process, started):
            _until_ready(url, process)
            if turn:
                seconds.append(time.perf_counter() - started)
                starting.append(_cpu_seconds(process))
            ready.append(_resident(process))
            before = _cpu_seconds(process)
            for question in asked_for:
                _ask(url, question)
            if turn:
                asking.append((_cpu_seconds(process) - before) / len(asked_for))
            asked.append(_resident(process))
            if turn == starts:
                with ThreadPoolExecutor(_CLIENTS) as clients:
                    list(clients.map(lambda question: _ask(url, question), at_once))
                loaded = _resident(process)
    sizes = {"environment": _bytes(prefix), "index": _bytes(cache)}
    return Report(
        "Image: what it holds, how it starts",
        ("", "measured", "target"),
        (
            ("installed, MB (10^6 bytes)", f"{sum(sizes.values()) / 1e6:.0f}", "400"),
            ("of that the index, MB", f"{sizes['index'] / 1e6:.0f}", ""),
            ("start to ready, s (median)", f"{median(seconds):.2f}", "3"),
            ("start to ready, s (slowest)", f"{max(seconds):.2f}", "3"),
            ("start to ready, s of CPU (median)", f"{median(starting):.2f}", ""),
            ("resident when ready, MB", f"{max(ready) / 1e6:.0f}", "300"),
            (f"resident after {len(asked_for)} questions, MB", f"{max(asked) / 1e6:.0f}", "300"),
            (f"resident after {len(at_once)} more of {_CLIENTS} clients, MB", f"{loaded / 1e6:.0f}", "300"),
            ("a question over HTTP, ms of CPU (median)", f"{median(asking) * 1000:.0f}", ""),
            ("questions a second for each core", f"{1 / median(asking):.0f}", ""),
        ),
        (
            "The image of the distribution below it comes on top.",
            f"{starts} starts, after one that does not count: files are in the page cache. Ready: /readyz says so.",
            "CPU is user and system time of the server's process, the encoder's threads among it. The questions are "
            f"those of bench.warm, short and long, one after the other; then {_CLIENTS} clients at once ask questions "
            "of which no two are the same and every tenth is a paste of 10 kB.",
        ),
        {
            "bytes": sizes,
            "ready_seconds": seconds,
            "resident_ready": max(ready),
            "resident_asked": max(asked),
            "resident_loaded": loaded,
            "questions": len(asked_for),
            "cpu_seconds_ready": starting,
            "cpu_seconds_question": asking,
        },
    )


@contextmanager
def _served(prefix: Path, cache: Path) -> Iterator[tuple[str, subprocess.Popen[str], float]]:
    with tempfile.TemporaryDirectory() as state:
        environment = {
            "PATH": f"{prefix}/bin:/usr/bin:/bin",
            "HOME": state,
            "MALLOC_ARENA_MAX": "1",
            "MALLOC_MMAP_THRESHOLD_": "8388608",
            "MALLOC_TRIM_THRESHOLD_": "1048576",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "ACKNET_CACHE_DIR": str(cache),
            "ACKNET_STORE_URL": f"sqlite:///{state}/acknet.db",
        }
        started = time.perf_counter()
        with subprocess.Popen(
            [prefix / "bin" / "acknet", "serve", "--port", "0"], env=environment, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout
            try:
                line = process.stdout.readline()
                if not line:
                    raise BenchError(f"acknet serve ended with exit code {process.wait()}")
                yield line.split()[-1], process, started
            finally:
                process.terminate()


def _until_ready(url: str, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + _SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=_SECONDS):
                return
        except urllib.error.URLError:
            time.sleep(0.01)
    raise BenchError(f"acknet serve was not ready within {_SECONDS} s")


def _ask(url: str, question: str) -> None:
    request = urllib.request.Request(
        f"{url}/v1/ask", json.dumps({"question": question}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=_SECONDS) as response:
        response.read()


def _distinct(given: list[str], count: int) -> Iterator[str]:
    words = " ".join(given).split()
    for number in range(count):
        at = number * 7 % len(words)
        long = " ".join((words[at:] + words) * (1 + _PASTE // len(words)))[:_PASTE]
        yield f"{long if number % 10 == 0 else given[number % len(given)]} ({number})"


def _resident(process: subprocess.Popen[str]) -> int:
    pages = int(Path(f"/proc/{process.pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _cpu_seconds(process: subprocess.Popen[str]) -> float:
    # After the name in brackets; utime and stime are the 14th and 15th field of all.
    fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _bytes(directory: Path) -> int:
    files = (path for path in directory.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files)


if __name__ == "__main__":
    command = parser("image", "Measure what deploy/image/build.sh made.")
    command.add_argument("prefix", type=Path, help="the virtual environment of its step environment")
    command.add_argument("cache", type=Path, help="the directory of its step index")
    command.add_argument("--runs", type=int, default=5, help="how often it is started (default: 5)")
    command.add_argument("--questions", type=int, default=200, help="questions asked after each start (default: 200)")
    run("image", command.parse_args(), measure)
