"""How FAISS search grows from 10^3 to 10^6 chunks, with the index type chosen for each size.

``python -m bench.scale [--largest N]``: about 6 GB and some minutes for 10^6.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from bench.report import Report, milliseconds, parser, percentile, run
from bench.synthetic import DIMENSION, Chunks, Vectors

__all__ = ["measure"]

_SIZES = (1_000, 10_000, 100_000, 1_000_000)
_NEIGHBOURS = 10
_QUERIES = 200
_RECALL_WANTED = 0.95
_EFFORTS = (8, 16, 32, 64, 128, 256)
_INNER_PRODUCT = faiss.METRIC_INNER_PRODUCT

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Choice:
    """An index type, by FAISS's name for it, for up to ``most`` chunks.

    ``effort`` sets how much of the index a search looks at; None for an exact index.
    """

    most: int
    factory: str
    effort: Callable[[Any, int], None] | None = None
    effort_name: str = ""


def _set_ef_search(index: Any, effort: int) -> None:
    index.hnsw.efSearch = effort


def _set_nprobe(index: Any, effort: int) -> None:
    index.nprobe = effort


_CHOICES = (
    _Choice(20_000, "Flat"),
    _Choice(200_000, "HNSW32_SQfp16", _set_ef_search, "efSearch"),
    _Choice(2_000_000, "IVF4096,SQfp16", _set_nprobe, "nprobe"),
)


def measure(arguments: argparse.Namespace) -> Report:
    """Build, search and compare with exact search, one size after the other."""
    largest = 10_000 if arguments.quick else arguments.largest
    rows, figures = [], {}
    for size in (size for size in _SIZES if size <= largest):
        print(f"{size} chunks", file=sys.stderr)
        found = _measure_size(size, next(choice for choice in _CHOICES if size <= choice.most))
        figures[size] = found
        rows.append(
            (
                f"{size:,}",
                str(found["index"]),
                *(milliseconds(found[name]) for name in ("search_p50", "search_p95", "exact_p50")),
                f"{found['bytes'] / 1e6:.1f}",
                f"{found['build_seconds']:.2f}",
                f"{found['recall']:.3f}",
            )
        )
    return Report(
        f"Scale: FAISS {faiss.__version__}, {DIMENSION} components, the {_NEIGHBOURS} nearest by inner product",
        ("chunks", "index", "p50 ms", "p95 ms", "exact p50 ms", "MB", "build s", "recall@10"),
        tuple(rows),
        (
            f"One query at a time on one thread, as acknet searches; {_QUERIES} queries. Building uses all cores. "
            "MB (10^6 bytes) is the index as FAISS writes it.",
            "The vectors are made up, in clusters (bench/synthetic.py); recall is the share of the exact ten that were "
            f"found, with the least efSearch or nprobe that gave {_RECALL_WANTED} on other queries.",
            "acknet's own store compares all as Flat does, in half precision: a FAQ has some thousand texts, where "
            "that takes a fraction of the encoder's time.",
        ),
        {"neighbours": _NEIGHBOURS, "queries": _QUERIES, "sizes": figures},
    )


def _measure_size(size: int, choice: _Choice) -> dict[str, Any]:
    source = Chunks.about(size)
    vectors, tuning, queries = source.draw(size), source.draw(_QUERIES), source.draw(_QUERIES)
    flat = faiss.IndexFlatIP(DIMENSION)
    flat.add(vectors)
    _, near_tuning = flat.search(tuning, _NEIGHBOURS)
    _, near = flat.search(queries, _NEIGHBOURS)
    exact = _times(flat, queries[:50])
    del flat
    start = time.perf_counter()
    index = faiss.index_factory(DIMENSION, choice.factory, _INNER_PRODUCT)
    index.train(vectors)
    index.add(vectors)
    build_seconds = time.perf_counter() - start
    del vectors
    name, effort = choice.factory, None
    if choice.effort:
        effort = _least_effort(index, choice.effort, tuning, near_tuning)
        name = f"{name}, {choice.effort_name} {effort}"
    times = _times(index, queries)
    return {
        "index": name,
        "effort": effort,
        "search_p50": median(times),
        "search_p95": percentile(times, 95),
        "exact_p50": median(exact),
        "bytes": _written_bytes(index),
        "build_seconds": build_seconds,
        "recall": _recall(index, queries, near),
    }


def _least_effort(index: Any, set_effort: Callable[[Any, int], None], queries: Vectors, near: Ids) -> int:
    """Set and return the first effort that finds enough, or the last there is."""
    for effort in _EFFORTS:
        set_effort(index, effort)
        if _recall(index, queries, near) >= _RECALL_WANTED:
            break
    return effort


def _recall(index: Any, queries: Vectors, near: Ids) -> float:
    _, found = index.search(queries, _NEIGHBOURS)
    return float(np.mean([len(np.intersect1d(*pair)) for pair in zip(found, near, strict=True)])) / _NEIGHBOURS


def _times(index: Any, queries: Vectors) -> list[float]:
    """Return the seconds of each query, one at a time on one thread."""
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        index.search(queries[:5], _NEIGHBOURS)
        times = []
        for at in range(len(queries)):
            start = time.perf_counter()
            index.search(queries[at : at + 1], _NEIGHBOURS)
            times.append(time.perf_counter() - start)
    finally:
        faiss.omp_set_num_threads(threads)
    return times


def _written_bytes(index: Any) -> int:
    """Return how many bytes FAISS writes for ``index``, without keeping them."""
    written = 0

    def count(part: bytes) -> int:
        nonlocal written
        written += len(part)
        return len(part)

    faiss.write_index(index, faiss.PyCallbackIOWriter(count))  # type: ignore[attr-defined]
    return written


if __name__ == "__main__":
    command = parser("scale", "Search made-up chunks with FAISS, from a thousand to a million.")
    command.add_argument("--largest", type=int, default=_SIZES[-1], metavar="N", help="no size above this one")
    run("scale", command.parse_args(), measure)
