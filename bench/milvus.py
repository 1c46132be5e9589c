"""What it costs to search the index' vectors in a Milvus server in place of FAISS in the process.

``python -m bench.milvus``. The server is Milvus Lite on loopback, in this process.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.environment import ensure_index
from bench.questions import questions
from bench.report import Report, milliseconds, parser, percentile, run
from bot.settings import load_settings
from index import layout
from index.build import index_digest
from index.encoder import OnnxEncoder
from index.features import NEIGHBOURS
from index.vectors import FaissStore

__all__ = ["measure"]


def measure(arguments: argparse.Namespace) -> Report:
    """Search every question's vector in both stores, in turns."""
    from index.milvus.server import MilvusServer
    from index.milvus.shared import shared_vectors
    from tests.doubles.milvus import milvus_lite

    asked = questions(12 if arguments.quick else arguments.questions)
    ensure_index()
    digest = index_digest()
    directory = load_settings().cache_dir / "index" / digest[:16]
    encoder = OnnxEncoder(directory / layout.GRAPH, directory / layout.TOKENIZER, threads=1)
    vectors = encoder.encode_many(asked, lambda _: None)
    faiss = FaissStore.load(directory / layout.VECTORS)
    times: dict[str, list[float]] = {"FAISS": [], "Milvus Lite": []}
    same, furthest = 0, 0.0
    with tempfile.TemporaryDirectory() as place, milvus_lite(Path(place)) as lite:
        server = MilvusServer(lite.url, timeout=60)
        start = time.perf_counter()
        milvus = shared_vectors(server, directory, digest)
        filling = time.perf_counter() - start
        stores = {"FAISS": faiss, "Milvus Lite": milvus}
        for store in stores.values():
            store.search(vectors[:1], NEIGHBOURS)
        for at in range(len(vectors)):
            found = {}
            for name, store in stores.items():
                start = time.perf_counter()
                found[name] = store.search(vectors[at : at + 1], NEIGHBOURS)
                times[name].append(time.perf_counter() - start)
            here, there = found.values()
            same += set(here[1][0].tolist()) == set(there[1][0].tolist())
            furthest = max(furthest, float(np.abs(here[0] - there[0]).max()))
        server.close()
    halves = {name: {"p50": percentile(all_, 50), "p95": percentile(all_, 95)} for name, all_ in times.items()}
    ratio = halves["Milvus Lite"]["p50"] / halves["FAISS"]["p50"]
    return Report(
        "Searching the index' vectors: Milvus Lite beside FAISS",
        ("store", "p50 ms", "p95 ms"),
        tuple((name, milliseconds(each["p50"]), milliseconds(each["p95"])) for name, each in halves.items()),
        (
            f"{len(asked)} questions, the {NEIGHBOURS} nearest of {len(faiss)} vectors; Milvus Lite takes {ratio:.0f} "
            f"times as long as FAISS. For {same} of {len(asked)} both find the same neighbours; scores differ by "
            f"{furthest:.1g} at most.",
            f"Filling and checking the collection took {filling:.1f} s. A Milvus cluster is another program.",
        ),
        {
            "questions": len(asked),
            "vectors": len(faiss),
            "seconds": halves,
            "milvus_by_faiss_p50": ratio,
            "same_neighbours": same,
            "furthest_score": furthest,
            "filling_seconds": filling,
        },
    )


if __name__ == "__main__":
    command = parser("milvus", "Search the index' vectors in Milvus Lite and in FAISS.")
    command.add_argument("--questions", type=int, default=100, help="how many questions (default: 100)")
    run("milvus", command.parse_args(), measure)
