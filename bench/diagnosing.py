"""A diagnosis to be measured again and again, in a process of its own (`bench.worker`)."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from pathlib import Path

from bench.environment import BenchError
from bench.worker import Round, Times
from bot.diagnosis.diagnose import diagnose
from bot.diagnosis.facts.registry import Scope
from bot.diagnosis.live.reader import LiveReader
from bot.diagnosis.models import Diagnosis
from corpus import load_corpus

__all__ = ["open_diagnosis"]


def open_diagnosis(kubeconfig: Path, scope: Scope, entries: Sequence[str]) -> Round:
    """Return a round of one diagnosis by these entries, by all without any, that opens the cluster anew each time.

    It gives one value each of ``seconds``, ``requests``, ``bytes`` (of answers) and ``mb``, the peak of the process's
    resident memory so far in 10^6 bytes. What could not be read costs nothing, so it makes the round fail.
    """
    corpus = load_corpus()
    wanted = [entry for entry in corpus.entries if entry.id in entries] if entries else None

    async def look() -> Diagnosis:
        async with LiveReader.open(kubeconfig) as reader:
            return await diagnose(reader, corpus, entries=wanted, scope=scope)

    def call() -> Times:
        start = time.perf_counter()
        found = asyncio.run(look())
        seconds = time.perf_counter() - start
        if unread := [entry for entry, verdict in found.verdicts.items() if verdict == "unreadable"]:
            raise BenchError(f"not all could be read for {', '.join(unread)}")
        figures = {"seconds": seconds, "requests": found.requests, "bytes": found.bytes, "mb": _peak_mb()}
        return {name: [float(value)] for name, value in figures.items()}

    return call


def _peak_mb() -> float:
    """Return what the kernel counted of this program; getrusage would count from before it was loaded."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))
    if found is None:
        raise BenchError("the kernel does not tell how much memory was used")
    return int(found[1]) * 1024 / 1e6
