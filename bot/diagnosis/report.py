"""A diagnosis sorted for reading: what is confirmed first, then what was ruled out, then what is left to look at."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from bot.diagnosis.models import Diagnosis, Finding, Verdict
from corpus import Corpus

__all__ = ["EntryFindings", "Report", "report"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class EntryFindings(_Frozen):
    """An entry with those of its findings that have the entry's own verdict.

    ``by_hand`` says for its cases where a person looks, without the names that were read in the cluster.
    """

    id: str
    title: str
    verdict: Verdict
    findings: tuple[Finding, ...]
    by_hand: Mapping[str, str] = {}


class Report(_Frozen):
    """A diagnosis with its entries by verdict.

    ``states``: entries that describe how a cluster is set up, of which something is so here; they are no faults. Where
    every entry was looked at, so that nobody asked about one, those about a fault are among them of which a case holds
    that is none by itself (a cluster without IPv6).
    """

    diagnosis: Diagnosis
    confirmed: tuple[EntryFindings, ...]
    states: tuple[EntryFindings, ...]
    ruled_out: tuple[EntryFindings, ...]
    undecided: tuple[EntryFindings, ...]


def report(diagnosis: Diagnosis, corpus: Corpus) -> Report:
    """Sort a diagnosis for reading; entries keep their order within a verdict."""
    faults = {entry.id for entry in corpus.entries if entry.kind == "symptom"}
    states = {(entry.id, case.id) for entry in corpus.entries for case in entry.cases if case.state}
    nobody_asked = len(diagnosis.verdicts) == len(corpus.entries)

    def is_fault(entry: EntryFindings) -> bool:
        harmless = nobody_asked and any((entry.id, one.case) in states for one in entry.findings)
        return entry.id in faults and not harmless

    def having(*verdicts: Verdict) -> list[EntryFindings]:
        return [
            EntryFindings(
                id=entry,
                title=corpus[entry].title,
                verdict=verdict,
                findings=tuple(one for one in diagnosis.findings if (one.entry, one.verdict) == (entry, verdict)),
                by_hand={case.id: look for case in corpus[entry].cases if (look := case.look())},
            )
            for entry, verdict in diagnosis.verdicts.items()
            if verdict in verdicts
        ]

    confirmed = having("confirmed")
    return Report(
        diagnosis=diagnosis,
        confirmed=tuple(entry for entry in confirmed if is_fault(entry)),
        states=tuple(entry for entry in confirmed if not is_fault(entry)),
        ruled_out=tuple(entry for entry in having("ruled_out") if entry.id in faults),
        undecided=tuple(entry for entry in having("open", "unreadable", "by_hand") if entry.id in faults),
    )
