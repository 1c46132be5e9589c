"""Whether ``acknet serve`` keeps its memory and its pace under a load that does not end: ``python -m bench.soak``.

64 clients ask for ``--minutes`` minutes; the server's memory, its processor time an answer and the times of answers are
noted in ten spells.
"""

from __future__ import annotations

import argparse

from bench.environment import BenchError, ensure_index
from bench.report import Report, milliseconds, parser, percentile, run
from bench.serving import load, served

__all__ = ["measure"]

_CLIENTS = 64
_SPELLS = 10


def measure(arguments: argparse.Namespace) -> Report:
    """Load a server spell by spell and note what it takes."""
    spell = (0.5 if arguments.quick else arguments.minutes) * 60 / _SPELLS
    ensure_index()
    rows, figures, memory = [], [], []
    with served() as server:
        load(server, 8, 2.0)
        for number in range(1, _SPELLS + 1):
            before = server.cpu_seconds
            seen = load(server, _CLIENTS, spell)
            after, resident = server.cpu_seconds, server.resident_mb
            if before is None or after is None or resident is None:
                raise BenchError("there is no /proc that tells what a process takes")
            times, missed = seen["seconds"], sum(seen["errors"].values())
            p50, p99 = percentile(times, 50), percentile(times, 99)
            cpu = (after - before) / len(times)
            rate = len(times) / seen["wall"]
            cells = (f"{rate:.0f}", milliseconds(p50), milliseconds(p99), milliseconds(cpu), f"{resident:.0f}")
            rows.append((str(number), *cells, str(missed)))
            figures.append({"answers_per_second": rate, "p50": p50, "p99": p99, "cpu": cpu, "errors": seen["errors"]})
            memory.append(resident)
    growth = memory[-1] - memory[_SPELLS // 2 - 1]
    return Report(
        f"Soak: {_CLIENTS} clients for {spell * _SPELLS / 60:g} minutes",
        ("spell", "answers/s", "p50 ms", "p99 ms", "cpu ms an answer", "memory MB", "errors"),
        tuple(rows),
        (
            f"Between the middle and the end the server's memory grew by {growth:.1f} MB.",
            "Every answer is kept in a SQLite file, with its line in the audit log.",
        ),
        {"spell_seconds": spell, "spells": figures, "memory_mb": memory, "growth_mb": growth},
    )


if __name__ == "__main__":
    command = parser("soak", "Ask acknet serve without end and see whether it takes more and more.")
    command.add_argument("--minutes", type=float, default=10.0, help="how long in all (default: 10)")
    run("soak", command.parse_args(), measure)
