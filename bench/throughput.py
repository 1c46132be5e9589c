"""How many questions a second ``acknet serve`` answers over HTTP on loopback, with 1, 8 and 64 clients.

``python -m bench.throughput``. Server and load generator are two processes that share the machine's cores.
"""

from __future__ import annotations

import argparse

from bench.environment import ensure_index
from bench.report import Report, milliseconds, parser, percentile, run
from bench.serving import load, served

__all__ = ["measure"]

_CLIENTS = (1, 8, 64)
_WARM_UP_SECONDS = 2.0


def measure(arguments: argparse.Namespace) -> Report:
    """Start a server, load it with more and more clients, and stop it."""
    seconds = 2.0 if arguments.quick else arguments.seconds
    ensure_index()
    with served() as server:
        load(server, 8, _WARM_UP_SECONDS)
        found = {clients: load(server, clients, seconds) for clients in _CLIENTS}
        peak = server.peak_mb
    rows, figures = [], {}
    for clients, seen in found.items():
        times, errors = seen["seconds"], seen["errors"]
        rate, missed = len(times) / seen["wall"], sum(errors.values())
        p50, p95, p99 = (percentile(times, percent) for percent in (50, 95, 99))
        cells = (f"{rate:.0f}", *map(milliseconds, (p50, p95, p99)), f"{p99 / p50:.1f}")
        rows.append((str(clients), *cells, str(len(times)), str(missed)))
        figures[clients] = {
            "answers_per_second": rate,
            "seconds": {"p50": p50, "p95": p95, "p99": p99},
            "answers": len(times),
            "errors": errors,
        }
    return Report(
        "Throughput: POST /v1/ask over loopback",
        ("clients", "answers/s", "p50 ms", "p95 ms", "p99 ms", "p99 / p50", "answers", "errors"),
        tuple(rows),
        (
            "A client asks again as soon as it has its answer, over one connection; answers are those with status 200, "
            "times those that the client sees.",
            f"{seconds:g} s a line after {_WARM_UP_SECONDS:g} s that do not count. The load generator takes "
            "its share of the same cores." + (f" The server's peak memory was {peak:.0f} MB." if peak else ""),
        ),
        {"load_seconds": seconds, "clients": figures, "server_peak_mb": peak},
    )


if __name__ == "__main__":
    command = parser("throughput", "Count the answers a second of acknet serve on loopback.")
    command.add_argument("--seconds", type=float, default=15.0, help="how long each load lasts (default: 15)")
    run("throughput", command.parse_args(), measure)
