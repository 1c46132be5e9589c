"""How a bench is called, and how it says what it found: a table, what the figures mean, JSON."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.environment import REPOSITORY, BenchError, go_offline, machine

__all__ = ["RESULTS", "Report", "milliseconds", "parser", "percentile", "run"]

RESULTS = REPOSITORY / "bench" / "results"


@dataclass(frozen=True, slots=True)
class Report:
    """What a bench found: ``figures`` for programs; a table and a few sentences on its meaning for people."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    meaning: tuple[str, ...]
    figures: dict[str, object]


def parser(name: str, description: str) -> argparse.ArgumentParser:
    """Return the command line that every bench has; one may add to it."""
    made = argparse.ArgumentParser(prog=f"python -m bench.{name}", description=description)
    made.add_argument("--json", action="store_true", help="print one JSON object in place of the table")
    made.add_argument("--quick", action="store_true", help="a small run that shows that it works; not to be quoted")
    made.add_argument(
        "--output",
        nargs="?",
        type=Path,
        const=RESULTS / f"{name}.json",
        metavar="FILE",
        help=f"write the JSON object too; without FILE to bench/results/{name}.json",
    )
    return made


def run(name: str, arguments: argparse.Namespace, measure: Callable[[argparse.Namespace], Report]) -> None:
    """Measure offline and report; exits with 2 and one line when it cannot be measured."""
    go_offline()
    before = machine()
    try:
        report = measure(arguments)
    except BenchError as error:
        sys.exit(f"bench.{name}: {error}")
    result = {
        "bench": name,
        "title": report.title,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": arguments.quick,
        "machine": before,
        "columns": report.columns,
        "rows": report.rows,
        "meaning": report.meaning,
        "figures": report.figures,
    }
    text = json.dumps(result, indent=2, ensure_ascii=False)
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(f"{text}\n", encoding="utf-8")
    print(text if arguments.json else _readable(report, before, quick=arguments.quick))


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value below which ``percent`` of ``values`` lie, interpolated between the two nearest."""
    ordered = sorted(values)
    at = (len(ordered) - 1) * percent / 100
    below = int(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (at - below)


def milliseconds(seconds: float) -> str:
    """Return a time for a table."""
    return f"{seconds * 1000:.2f}" if seconds < 1 else f"{seconds * 1000:.0f}"


def _readable(report: Report, before: dict[str, object], *, quick: bool) -> str:
    table = [report.columns, *report.rows]
    widths = [max(len(row[at]) for row in table) for at in range(len(report.columns))]
    lines = [
        "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in table
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    where = "{processor}, {cores} cores, {memory_gib} GiB, Python {python}, load {load_average}".format(**before)
    note = ["A quick run: the figures show that it works, no more."] if quick else []
    return "\n".join([report.title, where, "", *lines, "", *report.meaning, *note])
