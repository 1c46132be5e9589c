"""What a diagnosis says, as the HTTP API and ``--json`` give it."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import BaseModel, ConfigDict

__all__ = ["Check", "ClusterSummary", "Diagnosis", "Evidence", "Finding", "Verdict"]

Verdict = Literal["confirmed", "ruled_out", "open", "unreadable", "by_hand"]
"""``confirmed`` or ``ruled_out`` by what was read; ``open``: read, not decided; ``unreadable``: what decides could not
be read; ``by_hand``: the API server does not show it."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Evidence(_Frozen):
    """A value in a field of an object, when it was so (None: just now), and the command that shows it to a person."""

    object: str
    field: str
    value: str
    seen_at: dt.datetime | None
    kubectl: str


class Finding(_Frozen):
    """The verdict on one case of one entry. ``missing`` names what could not be read and why."""

    entry: str
    case: str
    claim: str
    verdict: Verdict
    by_hand: str | None
    missing: tuple[str, ...]
    evidence: tuple[Evidence, ...]


class Check(_Frozen):
    """A look that comes before all cases; ``failed`` ones explain most symptoms by themselves.

    ``failed`` is None where it could not be read.
    """

    check: str
    says: str
    failed: bool | None
    missing: tuple[str, ...]
    evidence: tuple[Evidence, ...]


class ClusterSummary(_Frozen):
    """What was looked at, as far as it could be read."""

    version: str | None
    plugin: str | None
    mode: str | None
    datapath: str | None
    source: str


class Diagnosis(_Frozen):
    """Verdicts on entries and their cases, with what was seen and what the reading cost.

    ``versions``: component → version, of those read.
    """

    cluster: ClusterSummary
    versions: dict[str, str]
    checks: tuple[Check, ...]
    verdicts: dict[str, Verdict]
    findings: tuple[Finding, ...]
    requests: int
    bytes: int
    elapsed_ms: float

    def of(self, verdict: Verdict) -> tuple[str, ...]:
        """Return the entries with this verdict."""
        return tuple(entry for entry, found in self.verdicts.items() if found == verdict)
