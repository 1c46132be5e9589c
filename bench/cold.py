"""What one ``acknet ask`` costs as a whole process with its index built: wall time and peak memory.

``python -m bench.cold``. This process imports nothing big: Linux counts its own peak, from before the new program was
loaded, into the peak of a child.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from bench.environment import REPOSITORY, BenchError, ensure_index
from bench.questions import COLD_QUESTION
from bench.report import Report, parser, run
from bench.systems import SYSTEMS

__all__ = ["measure"]

_ASK = "acknet ask"
_NOTHING = "python -c pass"
_QUICK_STEP = 10


def measure(arguments: argparse.Namespace) -> Report:
    """Start each program in turn, as often as asked for."""
    runs = 3 if arguments.quick else arguments.runs
    ensure_index()
    with tempfile.TemporaryDirectory() as scratch:
        programs = {
            _NOTHING: [sys.executable, "-c", "pass"],
            _ASK: [sys.executable, "-m", "bot", "ask", COLD_QUESTION],
        }
        if not arguments.alone:
            programs |= _compared(Path(scratch), quick=arguments.quick)
        seconds: dict[str, list[float]] = {name: [] for name in programs}
        peaks: dict[str, list[float]] = {name: [] for name in programs}
        for turn in range(runs + 1):
            for name, program in programs.items():
                wall, peak = _once(name, program)
                if turn:  # the first one brings the files into memory
                    seconds[name].append(wall)
                    peaks[name].append(peak)
    figures: dict[str, object] = {
        name: {
            "wall_seconds": median(seconds[name]),
            "slowest_seconds": max(seconds[name]),
            "peak_mb": max(peaks[name]),
        }
        for name in programs
    }
    floor = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return Report(
        "Cold: a whole process, its index built before",
        ("", "wall s (median)", "wall s (slowest)", "peak MB", "wall by ask's"),
        tuple(
            (
                name,
                f"{median(seconds[name]):.2f}",
                f"{max(seconds[name]):.2f}",
                f"{max(peaks[name]):.0f}",
                f"{median(seconds[name]) / median(seconds[_ASK]):.2f}",
            )
            for name in programs
        ),
        (
            "Targets for acknet ask: 1.0 s and 250 MB (10^6 bytes). Everything from start to exit counts, imports too.",
            f"{runs} runs each, in turns, after one that does not count: files are in the page cache. "
            f"A peak below {floor:.0f} MB cannot be told from that.",
            *([] if arguments.alone else ["The others load the index that they saved and print ten texts."]),
        ),
        {"runs": runs, "question": COLD_QUESTION, "programs": figures, "peak_floor_mb": floor},
    )


def _compared(scratch: Path, *, quick: bool) -> dict[str, list[str]]:
    """Build the compared systems' indexes, each in a process of its own, and return the programs that use them."""
    material = json.loads(_output([sys.executable, "-m", "bench.material"]))
    texts = material["texts"][:: _QUICK_STEP if quick else 1]
    programs = {}
    for number, name in enumerate(SYSTEMS):
        home = scratch / str(number)
        home.mkdir()
        where = ["--model", material["model"], "--index", str(home)]
        print(f"{name}: embedding {len(texts)} texts", file=sys.stderr)
        _output([sys.executable, "-m", "bench.systems", "build", name, *where], json.dumps(texts))
        programs[name] = [sys.executable, "-m", "bench.systems", "ask", name, COLD_QUESTION, *where]
    return programs


def _output(program: list[str], given: str = "") -> str:
    done = subprocess.run(program, cwd=REPOSITORY, input=given, text=True, capture_output=True, check=False)
    if done.returncode:
        raise BenchError(f"{' '.join(program[1:5])} failed: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    return done.stdout


def _once(name: str, program: list[str]) -> tuple[float, float]:
    """Run ``program``; return its wall time in seconds and its peak of resident memory in MB."""
    start = time.perf_counter()
    process = subprocess.Popen(
        program, cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    with process.stdout as stdout:
        printed = stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or (name != _NOTHING and not printed):
        raise BenchError(f"{name} ended with exit code {process.returncode} and {len(printed)} bytes of output")
    return wall, usage.ru_maxrss * 1024 / 1e6


if __name__ == "__main__":
    command = parser("cold", "Time acknet ask as a whole process, and see how much memory it takes.")
    command.add_argument("--runs", type=int, default=10, help="how often each program is started (default: 10)")
    command.add_argument("--alone", action="store_true", help="acknet and an empty Python only")
    run("cold", command.parse_args(), measure)
