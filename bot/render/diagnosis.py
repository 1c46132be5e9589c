"""A diagnosis as the object that the HTTP API and ``--json`` promise, and the words that its Markdown is made of."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any

from bot.diagnosis.models import Diagnosis, Evidence, Finding

__all__ = ["code", "first_evidence", "json_diagnosis", "looked_at", "one_line", "when"]


_VERSION = re.compile(r"[A-Za-z0-9.+_-]{1,64}")


def json_diagnosis(diagnosis: Diagnosis) -> dict[str, Any]:
    """Return the object of ``POST /v1/diagnose`` as plain data."""
    return diagnosis.model_dump(mode="json") | {"elapsed_ms": round(diagnosis.elapsed_ms, 3)}


def one_line(text: str) -> str:
    """Return ``text``, which may hold anything, on one line and without what is not printed or turns its direction."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split()) or "(empty)"


def code(text: str) -> str:
    """Return ``text``, which may hold anything, as a code span on one line."""
    shown = one_line(text)
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    ticks = "`" * (longest + 1)
    edge = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{ticks}{edge}{shown}{edge}{ticks}"


def when(evidence: Evidence) -> str:
    """Return when it was so, for a person; empty where it was read just now."""
    if evidence.seen_at is None:
        return ""
    return evidence.seen_at.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def looked_at(diagnosis: Diagnosis) -> str:
    """Return in one line what was looked at and what it cost; what cannot be a version is left out."""
    cluster = diagnosis.cluster
    kind = ", ".join(filter(None, [cluster.mode, cluster.datapath]))
    plugin = {
        "terway": "Terway",
        "flannel": "Flannel",
        "both": "two network plugins",
        "none": "no known network plugin",
    }
    parts = [
        cluster.source,
        f"Kubernetes {cluster.version}" if _VERSION.fullmatch(cluster.version or "") else "",
        (plugin[cluster.plugin] + (f" ({kind})" if kind else "")) if cluster.plugin else "",
    ]
    requests = f"{diagnosis.requests} requests, {diagnosis.bytes / 1024:.0f} KiB, " if diagnosis.requests else ""
    return f"{', '.join(filter(None, parts))}; {requests}{diagnosis.elapsed_ms / 1000:.1f} s"


def first_evidence(findings: Sequence[Finding]) -> Evidence | None:
    """Return the first thing seen in ``findings``."""
    return next((evidence for finding in findings for evidence in finding.evidence), None)
